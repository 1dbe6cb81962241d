//! Row groups, pages, statistics, checksums, and what the manifest is told of them.
#![expect(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests state what they expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::AvroValue;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use parquet::file::statistics::Statistics;
use sha2::{Digest, Sha256};

use super::super::super::checksum;
use super::super::super::testing::{properties, write_file};
use super::{footer, footer_text};
use crate::arrow::schema_to_arrow;

fn schema() -> Arc<Schema> {
    Arc::new(
        Schema::new(vec![
            NestedField::required(1, "id", PrimitiveType::Long),
            NestedField::required(2, "name", PrimitiveType::String),
            NestedField::optional(3, "score", PrimitiveType::Double),
        ])
        .unwrap(),
    )
}

fn batch(rows: i64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values((0..rows).map(|n| n * 7919 % 10_007))),
        Arc::new(StringArray::from_iter_values((0..rows).map(|n| format!("name {}", n * n)))),
        Arc::new((0..rows).map(|n| (n % 3 > 0).then_some(n as f64 / 3.0)).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(schema_to_arrow(&schema()).unwrap(), columns).unwrap()
}

fn write(rows: i64, pairs: &[(&str, &str)]) -> (Bytes, datashard_spec::manifest::DataFile) {
    write_file(&schema(), &[batch(rows)], &properties(pairs)).unwrap()
}

#[test]
fn row_groups_are_cut_by_bytes_and_splits_start_with_them() {
    let codec = ("write.parquet.compression-codec", "uncompressed");
    let (bytes, file) = write(20_000, &[codec, ("write.parquet.row-group-size-bytes", "100000")]);
    let footer = footer(&bytes);
    assert!(footer.num_row_groups() > 3, "{}", footer.num_row_groups());
    let (last, whole) = footer.row_groups().split_last().unwrap();
    for row_group in whole {
        let size = row_group.compressed_size();
        assert!((60_000..140_000).contains(&size), "{size}");
    }
    assert!(last.compressed_size() < 140_000);
    let starts: Vec<i64> = footer
        .row_groups()
        .iter()
        .map(|group| i64::try_from(group.column(0).byte_range().0).unwrap())
        .collect();
    assert_eq!(file.split_offsets, starts);
    assert_eq!(file.usable_split_offsets(), starts);
    assert_eq!(starts[0], 4);

    let (bytes, _) = write(20_000, &[codec]);
    assert_eq!(super::footer(&bytes).num_row_groups(), 1);
}

#[test]
fn the_size_is_looked_at_no_more_often_than_asked_for() {
    let tiny = ("write.parquet.row-group-size-bytes", "1");
    let least = ("write.parquet.row-group-check-min-record-count", "300");
    let (bytes, _) = write(1_000, &[tiny, least]);
    let rows: Vec<i64> = footer(&bytes).row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(rows, [300, 300, 300, 100]);
}

#[test]
fn pages_end_by_rows_and_have_an_index() {
    let (bytes, _) = write(1_000, &[("write.parquet.page-row-limit", "100")]);
    let options = parquet::arrow::arrow_reader::ArrowReaderOptions::new()
        .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Required);
    let metadata = parquet::arrow::arrow_reader::ArrowReaderMetadata::load(&bytes, options).unwrap();
    let pages = &metadata.metadata().offset_index().unwrap()[0];
    assert!(pages.iter().all(|column| column.page_locations.len() == 10));
    assert!(metadata.metadata().column_index().is_some());
}

#[test]
fn sizes_of_columns_add_up_and_the_hash_is_that_of_the_bytes() {
    let (bytes, file) = write(5_000, &[("write.parquet.row-group-size-bytes", "20000")]);
    let chunks: i64 = footer(&bytes).row_groups().iter().map(|group| group.compressed_size()).sum();
    assert_eq!(file.column_sizes.iter().map(|(_, size)| size).sum::<i64>(), chunks);
    assert_eq!(file.column_sizes.len(), 3);
    let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(file.extras.by_id(FieldId(9001)).and_then(AvroValue::as_str), Some(hash.as_str()));

    let (_, file) = write(10, &[("write.metadata.metrics.column.name", "none")]);
    assert_eq!(file.column_sizes.get(FieldId(2)), None);
    assert_eq!(file.value_counts.get(FieldId(2)), None);
    assert!(file.column_sizes.get(FieldId(1)).is_some());
}

#[test]
fn every_column_chunk_has_the_checksum_of_its_bytes_and_no_flipped_bit_goes_unseen() {
    let filter = ("write.parquet.bloom-filter-enabled.column.name", "true");
    let (bytes, _) = write(3_000, &[("write.parquet.row-group-size-bytes", "15000"), filter]);
    let recorded = checksum::decode(&footer_text(&bytes, checksum::KEY).unwrap()).unwrap();
    let footer = footer(&bytes);
    let ranges: Vec<_> = footer
        .row_groups()
        .iter()
        .flat_map(|group| group.columns().iter().map(|chunk| chunk.byte_range()))
        .map(|(start, length)| usize::try_from(start).unwrap()..usize::try_from(start + length).unwrap())
        .collect();
    assert!(footer.num_row_groups() > 1);
    let found: Vec<u32> = ranges.iter().map(|range| crc32c::crc32c(&bytes[range.clone()])).collect();
    assert_eq!(found, recorded);
    for (range, checksum) in ranges.iter().zip(recorded) {
        let mut damaged = bytes[range.clone()].to_vec();
        for at in (0..damaged.len()).step_by(97) {
            damaged[at] ^= 1 << (at % 8);
            assert_ne!(crc32c::crc32c(&damaged), checksum);
            damaged[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn statistics_of_chunks_are_exact_unless_switched_off() {
    let long = "ß".repeat(300);
    let rows = RecordBatch::try_new(
        schema_to_arrow(&schema()).unwrap(),
        vec![
            Arc::new(Int64Array::from(vec![3, -5])),
            Arc::new(StringArray::from(vec![long.as_str(), "a"])),
            Arc::new(Float64Array::from(vec![f64::NAN, 1.5])),
        ],
    )
    .unwrap();
    let off = properties(&[("write.parquet.stats-enabled.column.id", "false")]);
    let (bytes, _) = write_file(&schema(), &[rows], &off).unwrap();
    let footer = footer(&bytes);
    let columns = footer.row_group(0).columns();
    assert!(columns[0].statistics().is_none());
    let Some(Statistics::ByteArray(name)) = columns[1].statistics() else { panic!() };
    assert_eq!(name.max_bytes_opt(), Some(long.as_bytes()));
    assert!(name.max_is_exact() && name.min_is_exact());
    let Some(Statistics::Double(score)) = columns[2].statistics() else { panic!() };
    assert_eq!((score.min_opt(), score.max_opt()), (Some(&1.5), Some(&1.5)));
}

#[test]
fn bloom_filters_are_written_for_the_columns_that_ask_for_them() {
    let (bytes, _) = write(
        2_000,
        &[
            ("write.parquet.bloom-filter-enabled.column.name", "true"),
            ("write.parquet.bloom-filter-max-bytes", "4096"),
        ],
    );
    let footer = footer(&bytes);
    let columns = footer.row_group(0).columns();
    let lengths: Vec<bool> = columns.iter().map(|chunk| chunk.bloom_filter_offset().is_some()).collect();
    assert_eq!(lengths, [false, true, false]);
    assert!(columns[1].bloom_filter_length().unwrap() <= 4096 + 64);
    let builder = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let filter = builder.get_row_group_column_bloom_filter(0, 1).unwrap().unwrap();
    assert!((0..2_000_i64).all(|n| filter.check(&format!("name {}", n * n).as_str())));
    assert!((0..200).filter(|n| filter.check(&format!("nobody {n}").as_str())).count() < 100);
}

#[test]
fn a_file_without_rows_is_a_file() {
    let (bytes, file) = write_file(&schema(), &[batch(0)], &BTreeMap::new()).unwrap();
    assert_eq!((file.record_count, footer(&bytes).num_row_groups()), (0, 0));
    assert_eq!(footer_text(&bytes, checksum::KEY).as_deref(), Some("1:"));
    assert!(file.lower_bounds.is_empty() && file.split_offsets.is_empty());
    assert_eq!(file.value_counts.get(FieldId(1)), Some(0));
}
