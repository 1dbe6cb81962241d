//! Parquet: dictionaries, lists and pages that unfold to more than may be held.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::buffer::OffsetBuffer;
use datashard_io::arrow::FIELD_ID_KEY;
use datashard_io::arrow::array::{
    Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, Int32Array, Int64Array, ListArray, RecordBatch,
    StringArray, new_null_array,
};

use datashard_io::arrow::datatypes::{DataType, Field, Int32Type, Schema as ArrowSchema};
use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema, Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};

use super::super::child::contained;
use super::{Sample, defuse, read_in_pieces, refuse_as_too_large};

/// Bytes of a long text.
const TEXT: usize = 1 << 16;

fn with_id(field: Field, id: &str) -> Field {
    field.with_metadata(HashMap::from([(FIELD_ID_KEY.to_owned(), id.to_owned())]))
}

fn compressed() -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1).unwrap()))
}

/// A column written so many times over, into one row group.
fn written(column: &ArrayRef, times: usize, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let field = with_id(Field::new("c", column.data_type().clone(), true), "1");
    let schema = Arc::new(ArrowSchema::new(vec![field]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(column)]).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties.build())).unwrap();
    for _ in 0..times {
        writer.write(&batch).unwrap();
    }
    writer.into_inner().unwrap()
}

fn sample(name: &str, read_as: impl Into<Type>, bytes: Vec<u8>) -> Sample {
    assert!(bytes.len() < 1 << 20, "{name} is small: {}", bytes.len());
    let schema = Schema::new(vec![NestedField::optional(1, "c", read_as)]).unwrap();
    Sample::made(&format!("{name}.parquet"), FileFormat::Parquet, schema, bytes)
}

/// The same file, whose footer says of the text in its columns what it likes.
fn with_text_bytes(file: Vec<u8>, says: Option<i64>) -> Vec<u8> {
    let file = datashard_io::Bytes::from(file);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).unwrap();
    let lie = |column: &ColumnChunkMetaData| {
        let column = column.clone().into_builder().set_unencoded_byte_array_data_bytes(says);
        column.set_repetition_level_histogram(None).set_definition_level_histogram(None).build().unwrap()
    };
    let groups = metadata.row_groups().iter().map(|group| {
        let columns = group.columns().iter().map(lie).collect();
        group.clone().into_builder().set_column_metadata(columns).build().unwrap()
    });
    let lying = ParquetMetaData::new(metadata.file_metadata().clone(), groups.collect());
    let footer = u32::from_le_bytes(file[file.len() - 8..file.len() - 4].try_into().unwrap()) as usize;
    let mut bytes = file[..file.len() - 8 - footer].to_vec();
    ParquetMetaDataWriter::new(&mut bytes, &lying).finish().unwrap();
    bytes
}

/// So many references to one text of 64 KiB.
fn references(count: usize) -> DictionaryArray<Int32Type> {
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(TEXT)]));
    DictionaryArray::try_new(Int32Array::from(vec![0; count]), text).unwrap()
}

#[test]
fn parquet_dictionaries_that_unfold_without_end_are_read_in_pieces_whatever_the_footer_says() {
    contained(
        concat!(
            module_path!(),
            "::parquet_dictionaries_that_unfold_without_end_are_read_in_pieces_whatever_the_footer_says"
        ),
        || {
            // 500 MiB of text, all in one batch if nobody minds.
            let column: ArrayRef = Arc::new(references(8_000));
            let honest = written(&column, 1, compressed());
            let second = compressed().set_writer_version(WriterVersion::PARQUET_2_0);
            let second = written(&column, 1, second);
            for says in [None, Some(0)] {
                let made = with_text_bytes(honest.clone(), says);
                read_in_pieces(&sample("dictionary", PrimitiveType::String, made), 8_000);
            }
            let made = with_text_bytes(second, Some(8_000));
            read_in_pieces(&sample("dictionary_v2", PrimitiveType::Binary, made), 8_000);
            read_in_pieces(&sample("honest", PrimitiveType::String, honest), 8_000);
        },
    );
}

#[test]
fn parquet_texts_that_share_their_beginnings_are_read_in_pieces_whatever_the_footer_says() {
    contained(
        concat!(
            module_path!(),
            "::parquet_texts_that_share_their_beginnings_are_read_in_pieces_whatever_the_footer_says"
        ),
        || {
            let column: ArrayRef = Arc::new(references(1_000));
            let properties = compressed().set_dictionary_enabled(false);
            let made = written(&column, 8, properties.set_encoding(Encoding::DELTA_BYTE_ARRAY));
            let made = with_text_bytes(made, Some(0));
            read_in_pieces(&sample("prefixes", PrimitiveType::String, made), 8_000);
        },
    );
}

/// Lists of so many elements.
fn lists(elements: ArrayRef, lengths: Vec<usize>) -> ArrayRef {
    let element = with_id(Field::new("element", elements.data_type().clone(), true), "2");
    let offsets = OffsetBuffer::from_lengths(lengths);
    Arc::new(ListArray::try_new(Arc::new(element), offsets, elements, None).unwrap())
}

#[test]
fn parquet_lists_of_long_texts_are_read_in_pieces_unless_one_is_too_large() {
    contained(
        concat!(module_path!(), "::parquet_lists_of_long_texts_are_read_in_pieces_unless_one_is_too_large"),
        || {
            let texts = ListType::optional(2, PrimitiveType::String);
            let many = lists(Arc::new(references(8_000)), vec![8; 1_000]);
            let made = with_text_bytes(written(&many, 1, compressed()), Some(0));
            read_in_pieces(&sample("lists", texts.clone(), made), 1_000);
            let second = compressed().set_writer_version(WriterVersion::PARQUET_2_0);
            let made = with_text_bytes(written(&many, 1, second), Some(0));
            read_in_pieces(&sample("lists_v2", texts.clone(), made), 1_000);
            // One of all these rows holds 128 MiB.
            let lengths = [vec![1; 500], vec![2_048], vec![0; 500]].concat();
            let one = lists(Arc::new(references(500 + 2_048)), lengths);
            let made = with_text_bytes(written(&one, 1, compressed()), Some(0));
            refuse_as_too_large(&sample("long_list", texts, made));
        },
    );
}

#[test]
fn parquet_lists_of_which_only_the_length_is_stored_are_refused() {
    contained(
        concat!(module_path!(), "::parquet_lists_of_which_only_the_length_is_stored_are_refused"),
        || {
            let nulls = new_null_array(&DataType::Int64, 1_500_000);
            let numbers = ListType::optional(2, PrimitiveType::Long);
            let made = written(&lists(nulls, vec![1_500_000]), 1, compressed());
            refuse_as_too_large(&sample("nulls", numbers, made));
        },
    );
}

#[test]
fn parquet_nulls_of_a_wide_type_are_read_in_pieces() {
    contained(concat!(module_path!(), "::parquet_nulls_of_a_wide_type_are_read_in_pieces"), || {
        const WIDTH: u32 = 1 << 20;
        let nulls: ArrayRef = Arc::new(FixedSizeBinaryArray::new_null(WIDTH as i32, 8));
        let made = written(&nulls, 75, compressed());
        read_in_pieces(&sample("fixed", PrimitiveType::Fixed(WIDTH), made), 600);
    });
}

#[test]
fn parquet_pages_that_inflate_are_refused_or_read_in_pieces() {
    contained(concat!(module_path!(), "::parquet_pages_that_inflate_are_refused_or_read_in_pieces"), || {
        let texts = |length: usize| -> ArrayRef { Arc::new(StringArray::from(vec!["a".repeat(length)])) };
        let plain = || compressed().set_dictionary_enabled(false);
        // 200 MiB of text in one row group, of which a part may be held.
        read_in_pieces(&sample("pages", PrimitiveType::String, written(&texts(1 << 20), 200, plain())), 200);
        // One value that is larger than what may be held.
        refuse_as_too_large(&sample("value", PrimitiveType::String, written(&texts(24 << 20), 1, plain())));
        // Rows of nothing, and then long ones: on average they are short.
        let skewed = StringArray::from([vec![String::new(); 500], vec!["a".repeat(1 << 20)]].concat());
        let skewed: ArrayRef = Arc::new(skewed);
        let made = with_text_bytes(written(&skewed, 100, plain()), None);
        assert!(defuse(&sample("skewed", PrimitiveType::String, made)).iter().all(Result::is_ok));
    });
}

#[test]
fn parquet_dictionaries_of_short_texts_make_no_small_batches() {
    use datashard_io::InputFile;
    use datashard_io::read::{FileReader, ReadRequest};
    use futures_util::TryStreamExt;
    // A dictionary of 600 KiB, whose texts are short.
    let texts = StringArray::from_iter_values((0..20_000).map(|row| format!("{row:030}")));
    let numbers = Int64Array::from_iter_values(0..20_000);
    for column in [Arc::new(texts) as ArrayRef, Arc::new(numbers)] {
        let read_as = match column.data_type() {
            DataType::Utf8 => PrimitiveType::String,
            _ => PrimitiveType::Long,
        };
        let made = with_text_bytes(written(&column, 1, compressed()), None);
        let sample = sample("short", read_as, made);
        let request =
            ReadRequest::new(sample.schema).with_memory_limit_bytes(super::super::MEMORY_LIMIT_BYTES);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let input = InputFile::in_memory(sample.location.as_str(), sample.bytes.into());
        let batches: Vec<RecordBatch> = runtime.block_on(async {
            let reader = FileReader::open(input, &FileFormat::Parquet, request).await.unwrap();
            reader.into_stream().try_collect().await.unwrap()
        });
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [8_192, 8_192, 3_616]);
    }
}
