//! The Avro schemas that are written: ids, record names, logical types and null defaults as the Java reference writes
//! them, because several readers hold on to more of that than the format asks for.

use std::fmt::Write as _;

use crate::avro_error::AvroError;
use crate::json::quote;
use crate::manifest::{ExtraField, ExtraLocation};
use crate::metadata::FormatVersion;
use crate::schema::{PrimitiveType, StructType};

/// The schema of a manifest.
pub(super) fn manifest(
    version: FormatVersion,
    partition: &StructType,
    extras: &[ExtraField],
) -> Result<String, AvroError> {
    let is_v1 = version == FormatVersion::V1;
    let mut file = Vec::new();
    if !is_v1 {
        file.push(required("content", "\"int\"", 134));
    }
    file.push(required("file_path", "\"string\"", 100));
    file.push(required("file_format", "\"string\"", 101));
    file.push(required("partition", &partition_record(partition)?, 102));
    file.push(required("record_count", "\"long\"", 103));
    file.push(required("file_size_in_bytes", "\"long\"", 104));
    if is_v1 {
        file.push(required("block_size_in_bytes", "\"long\"", 105));
    }
    for (name, id, key, value, of) in [
        ("column_sizes", 108, 117, 118, "long"),
        ("value_counts", 109, 119, 120, "long"),
        ("null_value_counts", 110, 121, 122, "long"),
        ("nan_value_counts", 137, 138, 139, "long"),
        ("lower_bounds", 125, 126, 127, "bytes"),
        ("upper_bounds", 128, 129, 130, "bytes"),
    ] {
        let pair = format!(
            r#"{{"type":"array","items":{{"type":"record","name":"k{key}_v{value}","fields":[{{"name":"key","type":"int","field-id":{key}}},{{"name":"value","type":"{of}","field-id":{value}}}]}},"logicalType":"map"}}"#
        );
        file.push(optional(name, &pair, id));
    }
    file.push(optional("key_metadata", "\"bytes\"", 131));
    file.push(optional("split_offsets", r#"{"type":"array","items":"long","element-id":133}"#, 132));
    if !is_v1 {
        file.push(optional("equality_ids", r#"{"type":"array","items":"int","element-id":136}"#, 135));
    }
    file.push(optional("sort_order_id", "\"int\"", 140));
    if version >= FormatVersion::V3 {
        file.push(optional("first_row_id", "\"long\"", 142));
    }
    if !is_v1 {
        file.push(optional("referenced_data_file", "\"string\"", 143));
    }
    if version >= FormatVersion::V3 {
        file.push(optional("content_offset", "\"long\"", 144));
        file.push(optional("content_size_in_bytes", "\"long\"", 145));
    }
    let of = |location| extras.iter().filter(move |e| e.location == location).map(|e| e.avro_json.clone());
    file.extend(of(ExtraLocation::DataFile));
    let mut entry = vec![required("status", "\"int\"", 0)];
    if is_v1 {
        entry.push(required("snapshot_id", "\"long\"", 1));
    } else {
        entry.push(optional("snapshot_id", "\"long\"", 1));
        entry.push(optional("sequence_number", "\"long\"", 3));
        entry.push(optional("file_sequence_number", "\"long\"", 4));
    }
    entry.push(required("data_file", &record("r2", &file), 2));
    entry.extend(of(ExtraLocation::Entry));
    Ok(record("manifest_entry", &entry))
}

/// The schema of a manifest list.
pub(super) fn list(version: FormatVersion, extras: &[ExtraField]) -> String {
    let is_v1 = version == FormatVersion::V1;
    let mut fields = vec![
        required("manifest_path", "\"string\"", 500),
        required("manifest_length", "\"long\"", 501),
        required("partition_spec_id", "\"int\"", 502),
    ];
    if !is_v1 {
        fields.push(required("content", "\"int\"", 517));
        fields.push(required("sequence_number", "\"long\"", 515));
        fields.push(required("min_sequence_number", "\"long\"", 516));
    }
    fields.push(required("added_snapshot_id", "\"long\"", 503));
    let count = if is_v1 { optional } else { required };
    fields.push(count("added_files_count", "\"int\"", 504));
    fields.push(count("existing_files_count", "\"int\"", 505));
    fields.push(count("deleted_files_count", "\"int\"", 506));
    fields.push(count("added_rows_count", "\"long\"", 512));
    fields.push(count("existing_rows_count", "\"long\"", 513));
    fields.push(count("deleted_rows_count", "\"long\"", 514));
    let of = |location| extras.iter().filter(move |e| e.location == location).map(|e| e.avro_json.clone());
    let mut summary = vec![
        required("contains_null", "\"boolean\"", 509),
        optional("contains_nan", "\"boolean\"", 518),
        optional("lower_bound", "\"bytes\"", 510),
        optional("upper_bound", "\"bytes\"", 511),
    ];
    summary.extend(of(ExtraLocation::FieldSummary));
    let summary = record("r508", &summary);
    let summaries = format!(r#"{{"type":"array","items":{summary},"element-id":508}}"#);
    fields.push(optional("partitions", &summaries, 507));
    fields.push(optional("key_metadata", "\"bytes\"", 519));
    if version >= FormatVersion::V3 {
        fields.push(optional("first_row_id", "\"long\"", 520));
    }
    fields.extend(of(ExtraLocation::Entry));
    record("manifest_file", &fields)
}

fn record(name: &str, fields: &[String]) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{}]}}"#, fields.join(","))
}

fn required(name: &str, of: &str, id: i32) -> String {
    format!(r#"{{"name":"{name}","type":{of},"field-id":{id}}}"#)
}

fn optional(name: &str, of: &str, id: i32) -> String {
    format!(r#"{{"name":"{name}","type":["null",{of}],"default":null,"field-id":{id}}}"#)
}

fn partition_record(partition: &StructType) -> Result<String, AvroError> {
    let mut type_names: Vec<String> = Vec::new();
    let mut fields = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (position, field) in partition.fields.iter().enumerate() {
        let name = avro_name(&field.name);
        if names.contains(&name) || partition.fields.iter().take(position).any(|other| other.id == field.id) {
            return Err(AvroError::Encode {
                what: format!("partition field {:?}", crate::error::excerpt(&field.name)),
                reason: "another field has its id or name".to_owned(),
            });
        }
        names.push(name.clone());
        let of = field.field_type.as_primitive().ok_or_else(|| AvroError::Encode {
            what: format!("partition field {:?}", field.name),
            reason: format!("{} is no partition type", field.field_type),
        })?;
        // A second type of one name would have to be a reference, which not every reader follows.
        let named = |base: String, names: &mut Vec<String>| {
            let name = if names.contains(&base) { format!("{base}_{}", field.id) } else { base };
            names.push(name.clone());
            name
        };
        let avro = match of {
            PrimitiveType::Boolean => "\"boolean\"".to_owned(),
            // Unknown: a void field whose source is gone, of which the format lets int be the type.
            PrimitiveType::Int | PrimitiveType::Unknown => "\"int\"".to_owned(),
            PrimitiveType::Long => "\"long\"".to_owned(),
            PrimitiveType::Float => "\"float\"".to_owned(),
            PrimitiveType::Double => "\"double\"".to_owned(),
            PrimitiveType::String => "\"string\"".to_owned(),
            PrimitiveType::Binary => "\"bytes\"".to_owned(),
            PrimitiveType::Date => r#"{"type":"int","logicalType":"date"}"#.to_owned(),
            PrimitiveType::Time => r#"{"type":"long","logicalType":"time-micros"}"#.to_owned(),
            PrimitiveType::Timestamp => timestamp("micros", false),
            PrimitiveType::Timestamptz => timestamp("micros", true),
            PrimitiveType::TimestampNs => timestamp("nanos", false),
            PrimitiveType::TimestamptzNs => timestamp("nanos", true),
            PrimitiveType::Uuid => {
                let name = named("uuid_fixed".to_owned(), &mut type_names);
                format!(r#"{{"type":"fixed","name":"{name}","size":16,"logicalType":"uuid"}}"#)
            }
            PrimitiveType::Fixed(length) => {
                let name = named(format!("fixed_{length}"), &mut type_names);
                format!(r#"{{"type":"fixed","name":"{name}","size":{length}}}"#)
            }
            PrimitiveType::Decimal { precision, scale } => {
                let name = named(format!("decimal_{precision}_{scale}"), &mut type_names);
                let size = decimal_bytes(*precision);
                format!(
                    r#"{{"type":"fixed","name":"{name}","size":{size},"logicalType":"decimal","precision":{precision},"scale":{scale}}}"#
                )
            }
            PrimitiveType::Geometry(_) | PrimitiveType::Geography(..) => {
                return Err(AvroError::Encode {
                    what: format!("partition field {:?}", field.name),
                    reason: format!("{of} is no partition type"),
                });
            }
        };
        let mut json =
            format!(r#"{{"name":"{name}","type":["null",{avro}],"default":null,"field-id":{}"#, field.id);
        if name != field.name {
            let _ = write!(json, r#","iceberg-field-name":{}"#, quote(&field.name));
        }
        json.push('}');
        fields.push(json);
    }
    Ok(record("r102", &fields))
}

fn timestamp(unit: &str, utc: bool) -> String {
    format!(r#"{{"type":"long","logicalType":"timestamp-{unit}","adjust-to-utc":{utc}}}"#)
}

/// Bytes of the fixed that holds decimals of this precision: the smallest n with 10^precision <= 2^(8n - 1).
pub(super) fn decimal_bytes(precision: u8) -> usize {
    match precision {
        0..=2 => 1,
        3..=4 => 2,
        5..=6 => 3,
        7..=9 => 4,
        10..=11 => 5,
        12..=14 => 6,
        15..=16 => 7,
        17..=18 => 8,
        19..=21 => 9,
        22..=23 => 10,
        24..=26 => 11,
        27..=28 => 12,
        29..=31 => 13,
        32..=33 => 14,
        34..=35 => 15,
        _ => 16,
    }
}

/// A name made legal in Avro: a leading digit gets an underscore before it, any other illegal character becomes `_x`
/// and its code in hexadecimal.
fn avro_name(name: &str) -> String {
    let mut legal = String::with_capacity(name.len());
    for (position, char) in name.chars().enumerate() {
        if char.is_ascii_alphabetic() || char == '_' || (char.is_ascii_digit() && position > 0) {
            legal.push(char);
        } else if char.is_ascii_digit() {
            legal.push('_');
            legal.push(char);
        } else {
            let _ = write!(legal, "_x{:X}", u32::from(char));
        }
    }
    legal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::NestedField;

    #[test]
    fn names_are_made_legal() {
        for (name, legal) in [("a.b_day", "a_x2Eb_day"), ("9x", "_9x"), ("ok_1", "ok_1"), ("é", "_xE9")] {
            assert_eq!(avro_name(name), legal);
        }
    }

    #[test]
    fn decimals_take_the_fewest_bytes() {
        for precision in 1..=38_u8 {
            let fits =
                |n: usize| 10_f64.powi(i32::from(precision)) <= 2_f64.powi(8 * i32::try_from(n).unwrap() - 1);
            let bytes = decimal_bytes(precision);
            assert!(fits(bytes) && !fits(bytes - 1), "{precision}");
        }
    }

    #[test]
    fn partition_fields_of_one_id_or_name_are_refused() {
        let check = |second: (i32, &str), is_written: bool| {
            let field = |(id, name)| NestedField::optional(id, name, PrimitiveType::Int);
            let partition = StructType::new(vec![field((1000, "a.b")), field(second)]);
            assert_eq!(partition_record(&partition).is_ok(), is_written, "{second:?}");
        };
        check((1001, "c"), true);
        check((1000, "c"), false);
        check((1001, "a.b"), false);
        // Different only until they are made legal.
        check((1001, "a_x2Eb"), false);
    }

    #[test]
    fn trap_25_timestamps_say_whether_they_are_of_utc() {
        let partition = StructType::new(vec![
            NestedField::optional(1000, "a.b", PrimitiveType::Timestamp),
            NestedField::optional(1001, "c", PrimitiveType::Timestamptz),
        ]);
        let json = partition_record(&partition).unwrap();
        assert!(json.contains(r#"{"name":"a_x2Eb","type":["null",{"type":"long","logicalType":"timestamp-micros","adjust-to-utc":false}],"default":null,"field-id":1000,"iceberg-field-name":"a.b"}"#), "{json}");
        assert!(json.contains(r#""adjust-to-utc":true}],"default":null,"field-id":1001}"#), "{json}");
    }
}
