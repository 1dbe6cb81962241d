//! Avro: blocks, strings, arrays and schemas that claim more than there is.

use std::io::Write;

use datashard_spec::error::ErrorKind;
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{ListType, MapType, NestedField, PrimitiveType, Schema, Type};

use super::super::child::contained;
use super::{Sample, defuse, refuse};

const SYNC: [u8; 16] = [7; 16];

fn number(value: i64) -> Vec<u8> {
    let mut left = (value << 1 ^ value >> 63) as u64;
    let mut out = Vec::new();
    while left > 0x7f {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [number(value.len() as i64), value.to_vec()].concat()
}

fn header(schema: &str, codec: &str) -> Vec<u8> {
    let entry = |key: &str, value: &str| [bytes(key.as_bytes()), bytes(value.as_bytes())].concat();
    let entries = [entry("avro.schema", schema), entry("avro.codec", codec)].concat();
    [b"Obj\x01".to_vec(), number(2), entries, number(0), SYNC.to_vec()].concat()
}

/// A file of one block, as stored.
fn file(schema: &str, codec: &str, rows: i64, block: &[u8]) -> Vec<u8> {
    [header(schema, codec), number(rows), bytes(block), SYNC.to_vec()].concat()
}

fn record(field_type: &str) -> String {
    format!(r#"{{"type":"record","name":"r","fields":[{{"name":"c","field-id":1,"type":{field_type}}}]}}"#)
}

fn sample(name: &str, read_as: impl Into<Type>, bytes: Vec<u8>) -> Sample {
    let schema = Schema::new(vec![NestedField::optional(1, "c", read_as)]).unwrap();
    Sample::made(&format!("{name}.avro"), FileFormat::Avro, schema, bytes)
}

/// What writes much into little.
fn zeros(mut into: impl Write, total: usize) {
    let chunk = vec![0_u8; 1 << 20];
    for _ in 0..total / chunk.len() {
        into.write_all(&chunk).unwrap();
    }
}

#[test]
fn avro_blocks_that_inflate_without_end_are_refused() {
    contained(concat!(module_path!(), "::avro_blocks_that_inflate_without_end_are_refused"), || {
        const TOTAL: usize = 640 << 20;
        let string = record(r#""string""#);
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(1));
        deflated.write_all(&number(TOTAL as i64)).unwrap();
        zeros(&mut deflated, TOTAL);
        let deflated = deflated.finish().unwrap();
        refuse(&sample("deflate", PrimitiveType::String, file(&string, "deflate", 1, &deflated)));

        let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
        packed.write_all(&number(TOTAL as i64)).unwrap();
        zeros(&mut packed, TOTAL);
        let packed = packed.finish().unwrap();
        refuse(&sample("zstandard", PrimitiveType::String, file(&string, "zstandard", 1, &packed)));

        // A length of 4 GiB in front of nothing, and a checksum.
        let snappy = [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0, 0];
        refuse(&sample("snappy", PrimitiveType::String, file(&string, "snappy", 1, &snappy)));
    });
}

#[test]
fn avro_strings_longer_than_their_block_are_refused() {
    contained(concat!(module_path!(), "::avro_strings_longer_than_their_block_are_refused"), || {
        for length in [1 << 40, i64::MAX, -1, i64::MIN, 1 << 30] {
            for kind in ["string", "bytes"] {
                let block = [number(length), vec![b'a'; 9]].concat();
                let made = file(&record(&format!("{kind:?}")), "null", 1, &block);
                refuse(&sample(&format!("{kind}_{length}"), PrimitiveType::Binary, made));
            }
        }
        let huge = r#"{"type":"fixed","name":"f","size":2147483647}"#;
        refuse(&sample(
            "fixed",
            PrimitiveType::Fixed(i32::MAX as u32),
            file(&record(huge), "null", 1, b"abc"),
        ));
    });
}

#[test]
fn avro_blocks_of_more_rows_than_bytes_are_refused_or_read_in_pieces() {
    contained(
        concat!(module_path!(), "::avro_blocks_of_more_rows_than_bytes_are_refused_or_read_in_pieces"),
        || {
            for rows in [1 << 20, 1 << 40, i64::MAX, -5] {
                let made = file(&record(r#""long""#), "null", rows, &[2; 64]);
                refuse(&sample(&format!("longs_{rows}"), PrimitiveType::Long, made));
                // Rows of no bytes at all are as many as they say, or too many.
                let made = file(&record(r#""null""#), "null", rows, &[]);
                defuse(&sample(&format!("nulls_{rows}"), PrimitiveType::Long, made));
            }
        },
    );
}

#[test]
fn avro_arrays_and_maps_of_nothing_without_end_are_refused() {
    contained(concat!(module_path!(), "::avro_arrays_and_maps_of_nothing_without_end_are_refused"), || {
        for count in [1 << 40, 1 << 30, i64::MAX, -(1 << 40), i64::MIN] {
            let size = if count < 0 { number(3) } else { Vec::new() };
            let block = [number(count), size, vec![0, 0, 0, 0]].concat();
            for element in [r#""null""#, r#""string""#, r#"["null","long"]"#] {
                let array = record(&format!(r#"{{"type":"array","element-id":2,"items":{element}}}"#));
                let list = ListType::optional(2, PrimitiveType::String);
                let list =
                    if element.contains("long") { ListType::optional(2, PrimitiveType::Long) } else { list };
                let made = file(&array, "null", 1, &block);
                refuse(&sample(&format!("array_{count}_{}", element.len()), list, made));
            }
            let map = record(r#"{"type":"map","key-id":2,"value-id":3,"values":"null"}"#);
            let pairs = MapType::optional(2, PrimitiveType::String, 3, PrimitiveType::String);
            refuse(&sample(&format!("map_{count}"), pairs, file(&map, "null", 1, &block)));
        }
    });
}

#[test]
fn avro_arrays_of_values_without_bytes_are_refused_or_read_within_the_limit() {
    contained(
        concat!(module_path!(), "::avro_arrays_of_values_without_bytes_are_refused_or_read_within_the_limit"),
        || {
            let list = || ListType::optional(2, PrimitiveType::String);
            let empty = r#"{"type":"array","element-id":2,"items":"null"}"#;
            for count in [1 << 26, 1 << 33, i64::MAX] {
                let block = [number(count), number(0)].concat();
                refuse(&sample(&format!("empty_{count}"), list(), file(&record(empty), "null", 1, &block)));
            }
            // Many rows of as many as one may have: blocks of a few bytes, again and again.
            let rows = [number(1_000), number(0)].concat().repeat(40_000);
            defuse(&sample("again", list(), file(&record(empty), "null", 40_000, &rows)));
        },
    );
}

#[test]
fn avro_headers_and_schemas_without_end_are_refused() {
    contained(concat!(module_path!(), "::avro_headers_and_schemas_without_end_are_refused"), || {
        let long = |made: Vec<u8>, name: &str| refuse(&sample(name, PrimitiveType::Long, made));
        let nested = r#"{"type":"array","items":"#.repeat(50_000);
        long(file(&record(&nested), "null", 1, &[0]), "unclosed");
        let closed = format!("{nested}\"long\"{}", "}".repeat(50_000));
        long(file(&record(&closed), "null", 1, &[0]), "nested");
        let within = r#"["null","r"]"#;
        for (name, within, block) in
            [("recursive", within, &[2, 2, 2, 2, 0][..]), ("endless", r#""r""#, &[0])]
        {
            // Legal in Avro, and no table has it.
            for answer in defuse(&sample(name, PrimitiveType::Long, file(&record(within), "null", 1, block)))
            {
                assert!(answer.is_err_and(|error| error.kind() == ErrorKind::Unsupported), "{name}");
            }
        }
        // Each record holds two of the one before: the schema is small, and a value of it is not.
        let mut doubled = r#"{"type":"record","name":"r0","fields":[{"name":"x","type":"long"}]}"#.to_owned();
        for level in 1..60 {
            let before = level - 1;
            doubled = format!(
                r#"{{"type":"record","name":"r{level}","fields":[{{"name":"a","type":{doubled}}},{{"name":"b","type":"r{before}"}}]}}"#
            );
        }
        long(file(&record(&doubled), "null", 1, &[0]), "doubled");
        let count = |count: i64| [b"Obj\x01".to_vec(), number(count), vec![0; 40]].concat();
        for entries in [1 << 40, i64::MAX, -(1 << 40), i64::MIN] {
            long(count(entries), &format!("entries_{entries}"));
        }
        let key = |length: i64| [b"Obj\x01".to_vec(), number(1), number(length), vec![0; 40]].concat();
        for length in [1 << 40, i64::MAX, -1] {
            long(key(length), &format!("key_{length}"));
        }
    });
}
