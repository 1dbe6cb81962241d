//! Parquet: dictionaries and pages that unfold to more than may be held.

use std::collections::HashMap;
use std::sync::Arc;

use datashard_io::arrow::FIELD_ID_KEY;
use datashard_io::arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use datashard_io::arrow::datatypes::{Field, Schema as ArrowSchema};
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::super::child::contained;
use super::{Sample, defuse};

/// Rows that all have the same text, in one row group. They are written a few at a time, which takes less memory than to read them.
fn same_text(name: &str, rows: usize, length: usize, with_dictionary: bool) -> Sample {
    let text = StringArray::from(vec!["a".repeat(length)]);
    let keys = Int32Array::from(vec![0; if with_dictionary { rows } else { 1 }]);
    let column: ArrayRef = Arc::new(DictionaryArray::try_new(keys, Arc::new(text)).unwrap());
    let field = Field::new("c", column.data_type().clone(), true)
        .with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), "1".to_owned())]));
    let schema = Arc::new(ArrowSchema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![column]).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
        .set_dictionary_enabled(with_dictionary)
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
    for _ in 0..rows / batch.num_rows() {
        writer.write(&batch).unwrap();
    }
    let bytes = writer.into_inner().unwrap();
    let schema = Schema::new(vec![NestedField::optional(1, "c", PrimitiveType::String)]).unwrap();
    Sample::made(&format!("{name}.parquet"), FileFormat::Parquet, schema, bytes)
}

#[test]
fn parquet_dictionaries_that_unfold_without_end_are_refused_or_read_in_pieces() {
    contained(
        concat!(
            module_path!(),
            "::parquet_dictionaries_that_unfold_without_end_are_refused_or_read_in_pieces"
        ),
        || {
            for answer in defuse(&same_text("harmless", 3, 1 << 16, true)) {
                assert_eq!(answer.unwrap(), 3, "a file made in this way can be read");
            }
            // 500 MiB of text, all in one batch if nobody minds.
            let sample = same_text("dictionary", 8_000, 1 << 16, true);
            assert!(sample.bytes.len() < 1 << 16, "it is small: {}", sample.bytes.len());
            defuse(&sample);
        },
    );
}

#[test]
fn parquet_pages_that_inflate_are_refused_or_read_in_pieces() {
    contained(concat!(module_path!(), "::parquet_pages_that_inflate_are_refused_or_read_in_pieces"), || {
        // 200 MiB of text in one row group, of which a part may be held.
        let sample = same_text("pages", 200, 1 << 20, false);
        assert!(sample.bytes.len() < 1 << 20, "it is small: {}", sample.bytes.len());
        defuse(&sample);
        // One value that is larger than what may be held.
        let sample = same_text("value", 1, 24 << 20, false);
        defuse(&sample);
    });
}
