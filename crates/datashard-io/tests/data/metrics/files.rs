//! Counts, bounds, sizes and offsets of files of both formats against the oracle.

use std::sync::Arc;

use datashard_io::read::{Verified, verify_file};
use datashard_spec::id::{FieldId, SortOrderId};
use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::value::Value;
use proptest::prelude::*;
use proptest::sample::select;

use super::oracle::{Metrics, Mode};
use crate::chance;
use crate::round_trip::edges::every_type;
use crate::sheet::{FORMATS, Sheet, TINY, run};

const MODES: [Mode; 7] = [
    Mode::None,
    Mode::Counts,
    Mode::Truncate(1),
    Mode::Truncate(2),
    Mode::Truncate(3),
    Mode::Truncate(16),
    Mode::Full,
];

/// What holds for every file: it is as long and as checked as its entry says, and its offsets lie in it.
async fn check_entry(sheet: &Sheet, file: &DataFile, format: &str, rows: usize) {
    assert_eq!(file.content, FileContent::Data);
    assert_eq!(file.file_format, FileFormat::parse(format));
    assert!(file.file_path.ends_with(&format!(".{format}")), "{}", file.file_path);
    assert_eq!(file.record_count, rows as i64);
    let path = sheet.store.location().relative(&file.file_path).unwrap();
    assert_eq!(sheet.store.info(&path).await.unwrap().size_bytes as i64, file.file_size_in_bytes);
    assert_eq!(verify_file(&sheet.input(file), file).await.unwrap(), Verified::LengthAndHash);
    assert!(!file.split_offsets.is_empty());
    assert_eq!(file.usable_split_offsets(), file.split_offsets, "{format}");
    assert!(file.split_offsets.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", file.split_offsets);
    // Row ids are given by the commit, and the order of unsorted rows has the id 0.
    assert!(file.first_row_id.is_none() && file.equality_ids.is_empty());
    assert_eq!(file.sort_order_id, Some(SortOrderId(0)));
}

/// The columns that Parquet stores: leaves of any depth that have a type.
fn stored(schema: &Schema) -> Vec<FieldId> {
    let leaves = schema.all_fields().filter(|field| {
        field.field_type.as_primitive().is_some_and(|primitive| *primitive != PrimitiveType::Unknown)
    });
    leaves.map(|field| field.id).collect()
}

fn check_sizes(file: &DataFile, schema: &Schema, mode: impl Fn(FieldId) -> Mode) {
    let mut expect: Vec<FieldId> = stored(schema).into_iter().filter(|id| mode(*id) != Mode::None).collect();
    expect.sort_unstable();
    let found: Vec<FieldId> = file.column_sizes.iter().map(|(id, _)| id).collect();
    assert_eq!(found, expect);
    assert!(file.column_sizes.iter().all(|(_, size)| size > 0), "{:?}", file.column_sizes);
    let sum: i64 = file.column_sizes.iter().map(|(_, size)| size).sum();
    assert!(sum < file.file_size_in_bytes, "{sum} of {}", file.file_size_in_bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn metrics_of_files_are_those_of_an_oracle_and_alike_in_all_formats(
        (schema, rows) in chance::table(30),
        mode in select(MODES.to_vec()),
        tiny in any::<bool>(),
    ) {
        run(async {
            let expect = Metrics::count(&schema, &rows, |_| mode);
            let text = mode.text();
            let mut set = vec![("write.metadata.metrics.default", text.as_str())];
            set.extend(TINY.iter().filter(|_| tiny));
            for format in FORMATS {
                let sheet = Sheet::new(&schema, format, &set).await;
                let file = sheet.write(&rows).await;
                check_entry(&sheet, &file, format, rows.len()).await;
                assert_eq!(Metrics::of(&file), expect, "{format}, {text}");
                if format == "parquet" {
                    check_sizes(&file, &schema, |_| mode);
                }
            }
        });
    }
}

#[tokio::test]
async fn metrics_of_every_type_are_those_of_an_oracle_in_every_mode() {
    let (schema, rows) = every_type(31);
    for mode in MODES {
        let expect = Metrics::count(&schema, &rows, |_| mode);
        for format in FORMATS {
            let sheet =
                Sheet::new(&schema, format, &[("write.metadata.metrics.default", &mode.text())]).await;
            let file = sheet.write(&rows).await;
            check_entry(&sheet, &file, format, rows.len()).await;
            assert_eq!(Metrics::of(&file), expect, "{format}, {mode:?}");
        }
    }
}

#[tokio::test]
async fn columns_are_measured_by_their_own_modes() {
    let inner = StructType::new(vec![
        NestedField::optional(6, "x", PrimitiveType::Double),
        NestedField::optional(7, "y", PrimitiveType::Binary),
    ]);
    let text = |id, name: &str| NestedField::optional(id, name, PrimitiveType::String);
    let fields =
        vec![text(1, "a"), text(2, "b"), text(3, "c"), text(4, "d.e"), NestedField::optional(5, "s", inner)];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let modes = |id: FieldId| match id.0 {
        1 => Mode::None,
        2 => Mode::Full,
        4 => Mode::Truncate(3),
        6 => Mode::Counts,
        7 => Mode::Truncate(1),
        _ => Mode::Truncate(2),
    };
    let set = [
        ("write.metadata.metrics.default", "truncate(2)"),
        ("write.metadata.metrics.column.a", "none"),
        ("write.metadata.metrics.column.b", "full"),
        ("write.metadata.metrics.column.d.e", "truncate(3)"),
        ("write.metadata.metrics.column.s.x", "counts"),
        ("write.metadata.metrics.column.s.y", "truncate(1)"),
    ];
    let long = "é\u{d7ff}\u{10ffff}long";
    let inner = |x: f64, y: &[u8]| Some(Value::Struct(vec![Some(x.into()), Some(Value::Binary(y.to_vec()))]));
    let rows = vec![
        vec![
            Some(long.into()),
            Some(long.into()),
            Some(long.into()),
            Some(long.into()),
            inner(f64::NAN, &[0xff, 0]),
        ],
        vec![None, Some("".into()), None, Some("z".into()), inner(1.0, &[])],
        vec![None, None, None, None, None],
    ];
    let expect = Metrics::count(&schema, &rows, modes);
    // The oracle itself, where it matters.
    assert_eq!(expect.upper[&FieldId(3)], "é\u{e000}".as_bytes());
    assert_eq!(expect.upper[&FieldId(2)], long.as_bytes());
    assert_eq!(expect.upper.get(&FieldId(7)), None);
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &set).await;
        let file = sheet.write(&rows).await;
        assert_eq!(Metrics::of(&file), expect, "{format}");
        if format == "parquet" {
            check_sizes(&file, &schema, modes);
        }
    }
}

#[tokio::test]
async fn the_first_hundred_columns_are_measured_where_no_default_is_set() {
    let fields =
        (1..=130).map(|id| NestedField::optional(id, format!("c{id}"), PrimitiveType::Int)).collect();
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows = vec![vec![Some(Value::Int(5)); 130]];
    let expect =
        Metrics::count(&schema, &rows, |id| if id.0 <= 100 { Mode::Truncate(16) } else { Mode::None });
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &[]).await;
        assert_eq!(Metrics::of(&sheet.write(&rows).await), expect, "{format}");
    }
}

#[tokio::test]
async fn bounds_of_columns_that_are_null_or_nan_throughout_are_absent() {
    let fields = vec![
        NestedField::optional(1, "f", PrimitiveType::Float),
        NestedField::optional(2, "d", PrimitiveType::Double),
        NestedField::optional(3, "s", Type::from(PrimitiveType::String)),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows = vec![vec![Some(Value::Float(f32::NAN)), Some(Value::Double(-f64::NAN)), None], vec![None; 3]];
    for format in FORMATS {
        let sheet = Sheet::new(&schema, format, &[("write.metadata.metrics.default", "full")]).await;
        let file = sheet.write(&rows).await;
        assert!(file.lower_bounds.is_empty() && file.upper_bounds.is_empty(), "{format}");
        let nans: Vec<_> = file.nan_value_counts.iter().collect();
        assert_eq!(nans, [(FieldId(1), 1), (FieldId(2), 1)], "{format}");
    }
}
