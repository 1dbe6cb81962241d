//! Files written and read back: by this library, by another implementation of Avro, cut into ranges, damaged.
#![allow(clippy::as_conversions, clippy::arithmetic_side_effects, reason = "tests")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Int64Array, NullArray, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use datashard_spec::avro::Codec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{NestedField, PrimitiveType};
use datashard_spec::sort_order::SortOrder;
use futures_util::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::arrow::testing::{assert_same_rows, schema_and_batch};
use crate::file::InputFile;
use crate::path::TablePath;
use crate::read::{FileReader, ReadRequest};
use crate::store::{StoreOptions, TableStore};

const CODECS: [Codec; 4] = [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard];

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Stores in memory of one name are one store, and tests run side by side: each file has a path of its own.
fn new_path() -> TablePath {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    TablePath::parse(&format!("data/avro-{}.avro", NEXT.fetch_add(1, Ordering::Relaxed))).unwrap()
}

async fn writer(schema: &Arc<Schema>, codec: Codec) -> (Box<dyn FormatWriter>, TableStore, TablePath) {
    let store = TableStore::open("memory://tables/t", StoreOptions::new()).await.unwrap();
    let path = new_path();
    let properties = BTreeMap::new();
    let metrics = MetricsConfig::new(schema, &SortOrder::unsorted(), TableProperties::new(&properties));
    let output = OutputFile::new(&store, &path, "memory://tables/t/data/0.avro").unwrap();
    let options = AvroWriteOptions { codec, level: None };
    let writer = AvroFileWriter::new(output, schema, &options, &Arc::new(metrics)).unwrap();
    (writer, store, path)
}

fn write(
    schema: &Arc<Schema>,
    batches: &[RecordBatch],
    codec: Codec,
) -> Result<(Bytes, DataFile), DataError> {
    run(async {
        let (mut writer, store, path) = writer(schema, codec).await;
        for batch in batches {
            writer.write(batch).await?;
        }
        let file = writer.finish().await?;
        Ok((store.read(&path, 1 << 30).await.unwrap(), file))
    })
}

fn read(bytes: &Bytes, request: ReadRequest) -> Result<RecordBatch, DataError> {
    run(async {
        let input = InputFile::in_memory("test.avro", bytes.clone());
        let reader = FileReader::open(input, &FileFormat::Avro, request).await?;
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.into_stream().try_collect().await?;
        Ok(concat_batches(&schema, &batches).unwrap())
    })
}

/// A file of several blocks: numbers and text.
fn numbers(rows: i64) -> (Arc<Schema>, RecordBatch) {
    let fields = vec![
        NestedField::required(1, "n", PrimitiveType::Long),
        NestedField::optional(2, "text", PrimitiveType::String),
    ];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let text = (0..rows).map(|n| (n % 7 != 0).then(|| format!("text of row {n}")));
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from_iter_values(0..rows)), Arc::new(text.collect::<StringArray>())];
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), columns).unwrap();
    (schema, batch)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_of_any_schema_read_back_whole_sliced_and_in_parts(
        (schema, batch) in schema_and_batch(40),
        codec in prop::sample::select(CODECS.to_vec()),
        cut in 0.0..=1.0_f64,
        batch_rows in 1_usize..50,
    ) {
        let at = (batch.num_rows() as f64 * cut) as usize;
        let parts = [batch.slice(0, at), batch.slice(at, batch.num_rows() - at)];
        let (bytes, file) = write(&schema, &parts, codec).unwrap();
        prop_assert_eq!(file.record_count, batch.num_rows() as i64);
        prop_assert_eq!(file.file_size_in_bytes, bytes.len() as i64);
        let found = read(&bytes, ReadRequest::new(Arc::clone(&schema)).with_batch_rows(batch_rows)).unwrap();
        assert_same_rows(&found, &batch);
        // Another implementation decodes as many rows, to the last byte.
        let rows = apache_avro::Reader::new(&bytes[..]).unwrap().map(Result::unwrap).count();
        prop_assert_eq!(rows, batch.num_rows());
    }
}

#[test]
fn another_implementation_reads_the_values_that_were_written() {
    use apache_avro::types::Value;
    let (schema, batch) = numbers(20_000);
    for codec in CODECS {
        let (bytes, _) = write(&schema, std::slice::from_ref(&batch), codec).unwrap();
        let reader = apache_avro::Reader::new(&bytes[..]).unwrap();
        for (at, row) in reader.enumerate() {
            let Value::Record(fields) = row.unwrap() else { panic!("a row is no record") };
            assert_eq!(fields[0], ("n".to_owned(), Value::Long(at as i64)), "{codec:?}");
            let text = match at % 7 {
                0 => Value::Union(0, Box::new(Value::Null)),
                _ => Value::Union(1, Box::new(Value::String(format!("text of row {at}")))),
            };
            assert_eq!(fields[1], ("text".to_owned(), text), "{codec:?}");
        }
    }
}

#[test]
fn a_file_says_its_hash_and_counts_but_no_split_offsets() {
    let (schema, batch) = numbers(1_000);
    let (bytes, file) = write(&schema, &[batch], Codec::Deflate).unwrap();
    assert_eq!(file.file_format, FileFormat::Avro);
    assert_eq!(file.record_count, 1_000);
    assert!(file.split_offsets.is_empty());
    let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let recorded = file.extras.by_id(datashard_spec::id::FieldId(9001)).and_then(|value| value.as_str());
    assert_eq!(recorded, Some(hex.as_str()));
    let text = datashard_spec::id::FieldId(2);
    assert_eq!(file.null_value_counts.get(text), Some(143));
}

#[test]
fn equal_input_gives_equal_files_and_other_names_other_markers() {
    let (schema, batch) = numbers(10);
    let one = write(&schema, std::slice::from_ref(&batch), Codec::Deflate).unwrap().0;
    assert_eq!(one, write(&schema, &[batch], Codec::Deflate).unwrap().0);
    assert_ne!(sync_marker("a", "s"), sync_marker("b", "s"));
    assert_ne!(sync_marker("a", "s"), sync_marker("a", "t"));
}

#[test]
fn rows_without_any_bytes_are_counted() {
    let fields = vec![NestedField::optional(1, "nothing", PrimitiveType::Unknown)];
    let schema = Arc::new(Schema::new(fields).unwrap());
    let rows = BLOCK_ROWS + 5;
    let column: ArrayRef = Arc::new(NullArray::new(rows));
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![column]).unwrap();
    let (bytes, file) = write(&schema, &[batch], Codec::Null).unwrap();
    assert_eq!(file.record_count, rows as i64);
    assert_eq!(read(&bytes, ReadRequest::new(schema)).unwrap().num_rows(), rows);
}

#[test]
fn a_decimal_with_too_many_digits_is_refused_and_the_file_can_only_be_aborted() {
    let decimal = PrimitiveType::Decimal { precision: 4, scale: 1 };
    let schema = Arc::new(Schema::new(vec![NestedField::required(1, "d", decimal)]).unwrap());
    let values = Decimal128Array::from(vec![9_999, -9_999, 10_000]).with_precision_and_scale(4, 1).unwrap();
    let column: ArrayRef = Arc::new(values);
    let batch = RecordBatch::try_new(schema_to_arrow(&schema).unwrap(), vec![column]).unwrap();
    run(async {
        let (mut writer, store, path) = writer(&schema, Codec::Null).await;
        let error = writer.write(&batch).await.unwrap_err();
        assert!(matches!(&error, DataError::BadValue { row: 2, column, .. } if column == "d"), "{error}");
        assert!(matches!(writer.write(&batch).await, Err(DataError::InvalidInput { .. })));
        writer.abort().await.unwrap();
        assert!(!store.exists(&path).await.unwrap());
    });
}

#[test]
fn the_null_of_a_required_column_is_refused() {
    let (schema, _) = numbers(0);
    let arrow = schema_to_arrow(&schema).unwrap();
    let fields: Vec<_> = arrow.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![Some(1), None])),
        Arc::new(StringArray::from(vec![Some("a"), None])),
    ];
    let batch = RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap();
    let error = write(&schema, &[batch], Codec::Null).unwrap_err();
    assert!(matches!(&error, DataError::BadValue { row: 1, column, .. } if column == "n"), "{error}");
}

#[test]
fn ranges_that_cover_a_file_give_each_row_once_with_its_position() {
    let (schema, batch) = numbers(60_000);
    let fields = vec![
        NestedField::required(1, "n", PrimitiveType::Long),
        NestedField::required(2_147_483_645, "_pos", PrimitiveType::Long),
    ];
    let with_positions = Arc::new(Schema::new(fields).unwrap());
    for codec in [Codec::Null, Codec::Deflate] {
        let (bytes, _) = write(&schema, std::slice::from_ref(&batch), codec).unwrap();
        let size = bytes.len() as u64;
        let mut found = Vec::new();
        for range in pieces(size, size / 9 + 1) {
            let request = ReadRequest::new(Arc::clone(&with_positions)).with_byte_range(range);
            let rows = read(&bytes, request).unwrap();
            let (numbers, positions) = (rows.column(0), rows.column(1));
            assert_eq!(numbers.as_primitive::<Int64Type>(), positions.as_primitive::<Int64Type>());
            found.extend(numbers.as_primitive::<Int64Type>().values().iter().copied());
        }
        assert_eq!(found, (0..60_000).collect::<Vec<i64>>(), "{codec:?}");
    }
}

fn pieces(size: u64, step: u64) -> impl Iterator<Item = Range<u64>> {
    (0..size.div_ceil(step)).map(move |piece| piece * step..(piece + 1) * step)
}

#[test]
fn truncated_and_flipped_files_end_in_typed_errors_or_rows_soon() {
    let (schema, batch) = numbers(400);
    for codec in CODECS {
        let (bytes, _) = write(&schema, std::slice::from_ref(&batch), codec).unwrap();
        for at in (0..bytes.len()).step_by(bytes.len() / 60 + 1) {
            // A header alone is a file without rows; all else that is cut is damage.
            let cut = read(&bytes.slice(..at), ReadRequest::new(Arc::clone(&schema)));
            assert!(cut.is_err(), "{codec:?}: {at} of {} bytes are a file", bytes.len());
            for bit in [0x01, 0x80, 0xFF] {
                let mut flipped = bytes.to_vec();
                flipped[at] ^= bit;
                if let Err(error) = read(&flipped.into(), ReadRequest::new(Arc::clone(&schema))) {
                    assert!(!matches!(error, DataError::Internal { .. }), "{codec:?}, byte {at}: {error}");
                }
            }
        }
    }
}

#[test]
fn counts_that_lie_name_the_block() {
    let (schema, batch) = numbers(10);
    let (bytes, _) = write(&schema, &[batch], Codec::Null).unwrap();
    let sync = &bytes[bytes.len() - SYNC_BYTES..];
    let start = bytes.windows(SYNC_BYTES).position(|window| window == sync).unwrap() + SYNC_BYTES;
    assert_eq!(bytes[start], 10 * 2);
    for count in [0_u8, 9 * 2, 11 * 2, 1, 126] {
        let mut lying = bytes.to_vec();
        lying[start] = count;
        let error = read(&lying.into(), ReadRequest::new(Arc::clone(&schema))).unwrap_err();
        assert!(error.to_string().contains(&format!("block at byte {start}")), "{count}: {error}");
    }
}

#[test]
fn avro_files_of_the_java_reference_decode_to_the_rows_that_another_implementation_counts() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/iceberg-java");
    let mut files = 0;
    for table in ["avro_data", "types_all_avro", "mixed_formats", "avro_position_deletes"] {
        let folder = std::fs::read_dir(root.join(table).join("data")).unwrap();
        for path in folder.map(|entry| entry.unwrap().path()) {
            if path.extension().is_none_or(|extension| extension != "avro") {
                continue;
            }
            let bytes = Bytes::from(std::fs::read(&path).unwrap());
            let expected = apache_avro::Reader::new(&bytes[..]).unwrap().map(Result::unwrap).count();
            // All columns of the file, by the schema in its header.
            let header = super::super::header::parse("f", &bytes).unwrap().unwrap();
            let columns = super::super::schema::columns(&header.schema).unwrap();
            let schema = super::super::schema::fields(&columns);
            let schema = Arc::new(crate::arrow::schema_from_arrow(&schema).unwrap());
            let found = read(&bytes, ReadRequest::new(schema)).unwrap();
            assert_eq!(found.num_rows(), expected, "{}", path.display());
            assert!(expected > 0, "{}", path.display());
            files += 1;
        }
    }
    assert_eq!(files, 6);
}
