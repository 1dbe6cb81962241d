//! Variant values in the form of the expectation files: `{"variant": physical type, "value": ...}`.

use serde_json::{Map, Value as Json, json};

use crate::fixture_json::{decimal, float, hex};

/// Decodes a variant.
pub(crate) fn decode(metadata: &[u8], value: &[u8]) -> Json {
    let names = names(metadata);
    node(&names, value)
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

fn signed(bytes: &[u8]) -> i128 {
    let start = if bytes.last().unwrap() & 0x80 != 0 { -1 } else { 0 };
    bytes.iter().rev().fold(start, |number: i128, byte| number << 8 | i128::from(*byte))
}

/// The dictionary of field names.
fn names(metadata: &[u8]) -> Vec<String> {
    assert_eq!(metadata[0] & 0x0f, 1, "version");
    let width = usize::from(metadata[0] >> 6) + 1;
    let count = number(&metadata[1..1 + width]);
    let offset = |at: usize| number(&metadata[1 + width * (at + 1)..1 + width * (at + 2)]);
    let text = &metadata[1 + width * (count + 2)..];
    (0..count).map(|at| String::from_utf8(text[offset(at)..offset(at + 1)].to_vec()).unwrap()).collect()
}

fn node(names: &[String], bytes: &[u8]) -> Json {
    let (kind, header, rest) = (bytes[0] & 3, bytes[0] >> 2, &bytes[1..]);
    let (word, value) = match kind {
        0 => primitive(header, rest),
        1 => ("string", String::from_utf8(rest[..usize::from(header)].to_vec()).unwrap().into()),
        2 => ("object", object(names, header, rest)),
        _ => ("array", array(names, header, rest)),
    };
    json!({"variant": word, "value": value})
}

fn primitive(header: u8, rest: &[u8]) -> (&'static str, Json) {
    let int = |width: usize| -> Json { i64::try_from(signed(&rest[..width])).unwrap().into() };
    let fixed = |width: usize| -> Json { decimal(signed(&rest[1..=width]), usize::from(rest[0])).into() };
    let long = || &rest[4..4 + number(&rest[..4])];
    match header {
        0 => ("null", Json::Null),
        1 => ("boolean_true", true.into()),
        2 => ("boolean_false", false.into()),
        3 => ("int8", int(1)),
        4 => ("int16", int(2)),
        5 => ("int32", int(4)),
        6 => ("int64", int(8)),
        7 => ("double", float(&format!("{:?}", f64::from_le_bytes(rest[..8].try_into().unwrap())))),
        8 => ("decimal4", fixed(4)),
        9 => ("decimal8", fixed(8)),
        10 => ("decimal16", fixed(16)),
        11 => ("date", int(4)),
        12 => ("timestamptz", int(8)),
        13 => ("timestampntz", int(8)),
        14 => ("float", float(&format!("{:?}", f32::from_le_bytes(rest[..4].try_into().unwrap())))),
        15 => ("binary", hex(long()).into()),
        16 => ("string", String::from_utf8(long().to_vec()).unwrap().into()),
        other => panic!("variant type {other} is in no expectation file"),
    }
}

fn object(names: &[String], header: u8, rest: &[u8]) -> Json {
    let (offset_width, id_width) = (usize::from(header & 3) + 1, usize::from(header >> 2 & 3) + 1);
    let count_width = if header & 0x10 != 0 { 4 } else { 1 };
    let count = number(&rest[..count_width]);
    let ids = &rest[count_width..];
    let offsets = &ids[count * id_width..];
    let values = &offsets[(count + 1) * offset_width..];
    let fields = (0..count).map(|at| {
        let id = number(&ids[at * id_width..(at + 1) * id_width]);
        let offset = number(&offsets[at * offset_width..(at + 1) * offset_width]);
        (names[id].clone(), node(names, &values[offset..]))
    });
    Json::Object(fields.collect::<Map<String, Json>>())
}

fn array(names: &[String], header: u8, rest: &[u8]) -> Json {
    let offset_width = usize::from(header & 3) + 1;
    let count_width = if header & 4 != 0 { 4 } else { 1 };
    let count = number(&rest[..count_width]);
    let offsets = &rest[count_width..];
    let values = &offsets[(count + 1) * offset_width..];
    let elements = (0..count)
        .map(|at| node(names, &values[number(&offsets[at * offset_width..(at + 1) * offset_width])..]));
    Json::Array(elements.collect())
}
