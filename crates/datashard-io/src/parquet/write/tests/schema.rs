//! The Parquet schema of each type, as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use datashard_spec::schema::{
    EdgeAlgorithm, ListType, MapType, NestedField, PrimitiveType, Schema, StructType, Type,
};
use parquet::schema::printer::print_schema;

use super::super::super::schema::decimal_length;
use super::super::super::testing::write_file;
use super::{footer, footer_text, read};
use crate::arrow::schema_to_arrow;

/// The schema in a file without rows of this schema.
fn text(fields: Vec<NestedField>) -> String {
    let schema = Arc::new(Schema::new(fields).unwrap());
    let (bytes, file) = write_file(&schema, &[], &BTreeMap::new()).unwrap();
    assert_eq!((file.record_count, file.split_offsets.len()), (0, 0));
    assert_eq!(read(&bytes).num_rows(), 0);
    assert_eq!(footer_text(&bytes, "iceberg.schema").unwrap(), schema.to_json());
    assert_eq!(footer_text(&bytes, "ARROW:schema"), None);
    let footer = footer(&bytes);
    assert_eq!(footer.file_metadata().created_by(), Some("datashard"));
    let mut out = Vec::new();
    print_schema(&mut out, footer.file_metadata().schema());
    String::from_utf8(out).unwrap()
}

#[test]
fn primitives_have_the_physical_and_logical_types_of_the_format() {
    let decimal = |precision, scale| PrimitiveType::Decimal { precision, scale };
    let types = [
        PrimitiveType::Boolean,
        PrimitiveType::Int,
        PrimitiveType::Long,
        PrimitiveType::Float,
        PrimitiveType::Double,
        decimal(1, 0),
        decimal(9, 2),
        decimal(10, 2),
        decimal(18, 18),
        decimal(19, 3),
        decimal(38, 10),
        PrimitiveType::Date,
        PrimitiveType::Time,
        PrimitiveType::Timestamp,
        PrimitiveType::Timestamptz,
        PrimitiveType::TimestampNs,
        PrimitiveType::TimestamptzNs,
        PrimitiveType::String,
        PrimitiveType::Uuid,
        PrimitiveType::Fixed(7),
        PrimitiveType::Binary,
        PrimitiveType::Unknown,
        PrimitiveType::Geometry(Some("EPSG:3857".into())),
        PrimitiveType::Geography(None, Some(EdgeAlgorithm::Karney)),
    ];
    let fields =
        (1..).zip(types).map(|(id, value_type)| NestedField::optional(id, format!("c{id}"), value_type));
    let expected = "message table {
  OPTIONAL BOOLEAN c1 [1];
  OPTIONAL INT32 c2 [2];
  OPTIONAL INT64 c3 [3];
  OPTIONAL FLOAT c4 [4];
  OPTIONAL DOUBLE c5 [5];
  OPTIONAL INT32 c6 [6] (DECIMAL(1,0));
  OPTIONAL INT32 c7 [7] (DECIMAL(9,2));
  OPTIONAL INT64 c8 [8] (DECIMAL(10,2));
  OPTIONAL INT64 c9 [9] (DECIMAL(18,18));
  OPTIONAL FIXED_LEN_BYTE_ARRAY (9) c10 [10] (DECIMAL(19,3));
  OPTIONAL FIXED_LEN_BYTE_ARRAY (16) c11 [11] (DECIMAL(38,10));
  OPTIONAL INT32 c12 [12] (DATE);
  OPTIONAL INT64 c13 [13] (TIME(MICROS,false));
  OPTIONAL INT64 c14 [14] (TIMESTAMP(MICROS,false));
  OPTIONAL INT64 c15 [15] (TIMESTAMP(MICROS,true));
  OPTIONAL INT64 c16 [16] (TIMESTAMP(NANOS,false));
  OPTIONAL INT64 c17 [17] (TIMESTAMP(NANOS,true));
  OPTIONAL BYTE_ARRAY c18 [18] (STRING);
  OPTIONAL FIXED_LEN_BYTE_ARRAY (16) c19 [19] (UUID);
  OPTIONAL FIXED_LEN_BYTE_ARRAY (7) c20 [20];
  OPTIONAL BYTE_ARRAY c21 [21];
  OPTIONAL BYTE_ARRAY c23 [23] (GEOMETRY(EPSG:3857));
  OPTIONAL BYTE_ARRAY c24 [24] (GEOGRAPHY(KARNEY));
}
";
    assert_eq!(text(fields.collect()), expected);
}

#[test]
fn nested_types_have_standard_names_and_ids_at_every_level() {
    let unknown = NestedField::optional(12, "nothing", PrimitiveType::Unknown);
    let point = StructType::new(vec![NestedField::required(11, "x.y", PrimitiveType::Double), unknown]);
    let fields = vec![
        NestedField::required(1, "l", ListType::required(2, ListType::optional(3, PrimitiveType::Int))),
        NestedField::optional(4, "m", MapType::optional(5, PrimitiveType::String, 6, point)),
        NestedField::optional(7, "v", Type::Variant),
    ];
    let expected = "message table {
  REQUIRED group l [1] (LIST) {
    REPEATED group list {
      REQUIRED group element [2] (LIST) {
        REPEATED group list {
          OPTIONAL INT32 element [3];
        }
      }
    }
  }
  OPTIONAL group m [4] (MAP) {
    REPEATED group key_value {
      REQUIRED BYTE_ARRAY key [5] (STRING);
      OPTIONAL group value [6] {
        REQUIRED DOUBLE x.y [11];
      }
    }
  }
  OPTIONAL group v [7] (VARIANT(Some(1))) {
    REQUIRED BYTE_ARRAY metadata;
    REQUIRED BYTE_ARRAY value;
  }
}
";
    assert_eq!(text(fields), expected);
}

#[test]
fn a_struct_without_fields_is_refused() {
    let schema = Schema::new(vec![NestedField::optional(1, "s", StructType::new(Vec::new()))]).unwrap();
    let error = write_file(&Arc::new(schema), &[], &BTreeMap::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s: a struct without fields in Parquet is not supported: add a field to it, or leave the column out"
    );
}

#[test]
fn decimals_take_the_fewest_bytes() {
    let lengths: Vec<i32> = (19..=38).map(decimal_length).collect();
    assert_eq!(lengths, [9, 9, 9, 10, 10, 11, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16, 16]);
}

#[test]
fn a_batch_of_another_schema_is_refused() {
    let schema = |value_type: PrimitiveType| {
        Arc::new(Schema::new(vec![NestedField::optional(1, "a", value_type)]).unwrap())
    };
    let other = RecordBatch::new_empty(schema_to_arrow(&schema(PrimitiveType::Long)).unwrap());
    let error = write_file(&schema(PrimitiveType::Int), &[other], &BTreeMap::new()).unwrap_err();
    assert_eq!(error.to_string(), "record batch: column `a` is Int64, which cannot be read as Int32");
}
