//! Whole files: written and read back, by us and by the library that serves as oracle, and broken in every way.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers made here")]

mod foreign;
mod hostile;
mod oracle;
mod round_trip;
mod surgery;

use super::*;
use crate::error::ErrorKind;
use crate::id::*;
use crate::manifest::*;
use crate::metadata::FormatVersion;
use crate::partition::{PartitionField, PartitionSpec};
use crate::schema::{NestedField, PrimitiveType, Schema};
use crate::transform::Transform;
use crate::value::{Decimal, Value};
use crate::{AvroFault, SpecError};

const SEQUENCE: SequenceNumber = SequenceNumber(12);

fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "when", PrimitiveType::Timestamp),
        NestedField::optional(3, "price", PrimitiveType::Decimal { precision: 9, scale: 2 }),
        NestedField::optional(4, "name", PrimitiveType::String),
        NestedField::optional(5, "key", PrimitiveType::Uuid),
    ])
    .unwrap()
}

fn spec() -> PartitionSpec {
    let field = |source, id, name: &str, transform| {
        PartitionField::new(FieldId(source), FieldId(id), name, transform)
    };
    PartitionSpec::new(
        PartitionSpecId(3),
        vec![
            field(2, 1000, "when.day", Transform::Day),
            field(3, 1001, "price", Transform::Identity),
            field(4, 1002, "name", Transform::Identity),
            field(5, 1003, "key", Transform::Identity),
            field(2, 1004, "when", Transform::Identity),
        ],
    )
}

fn file(number: i32) -> DataFile {
    let ids = (1..=5).map(FieldId);
    DataFile::new(format!("s3://b/t/data/{number}.parquet"), FileFormat::Parquet, i64::from(number), 1 << 20)
        .with_partition(vec![
            (number % 3 != 0).then_some(Value::Date(number - 5)),
            Some(Value::Decimal(Decimal { scale: 2, unscaled: i128::from(number) * -129 })),
            Some(Value::String(format!("n{number}"))),
            Some(Value::Uuid(uuid::Uuid::from_u128(7))),
            Some(Value::Timestamp(i64::from(number) * -1_000_001)),
        ])
        .with_column_sizes(ids.clone().map(|id| (id, 1000)).collect())
        .with_value_counts(ids.clone().map(|id| (id, i64::from(number))).collect())
        .with_null_value_counts([(FieldId(2), 1)].into_iter().collect())
        .with_lower_bounds(ids.clone().map(|id| (id, format!("lower{id}"))).collect())
        .with_upper_bounds(ids.map(|id| (id, "")).collect())
        .with_split_offsets(vec![4, 5000])
        .with_sort_order_id(SortOrderId(0))
}

fn entries(count: i32) -> Vec<ManifestEntry> {
    (0..count)
        .map(|number| {
            let status = match number % 3 {
                0 => ManifestStatus::Added,
                1 => ManifestStatus::Existing,
                _ => ManifestStatus::Deleted,
            };
            let entry = ManifestEntry::new(status, file(number)).with_snapshot_id(SnapshotId(77));
            match status {
                ManifestStatus::Added => entry,
                _ => entry
                    .with_data_sequence_number(DataSequenceNumber(5))
                    .with_file_sequence_number(FileSequenceNumber(6)),
            }
        })
        .collect()
}

fn write(
    version: FormatVersion,
    entries: &[ManifestEntry],
    options: &WriteOptions,
) -> (Vec<u8>, ManifestFile) {
    let content = ManifestContent::Data;
    let mut writer =
        ManifestWriter::new(version, &schema(), &spec(), content, SnapshotId(77), options).unwrap();
    for entry in entries {
        writer.write(entry).unwrap();
    }
    writer.finish("m0.avro").unwrap()
}

fn read(bytes: &[u8]) -> Result<Vec<ManifestEntry>, SpecError> {
    Ok(ManifestReader::new(bytes)?.collect::<Result<_, _>>()?)
}

const CODECS: &[Codec] = &[
    Codec::Null,
    Codec::Deflate,
    Codec::Snappy,
    #[cfg(feature = "zstd")]
    Codec::Zstandard,
];

#[test]
fn entries_read_back_in_every_version_and_codec() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        for codec in CODECS {
            let options = WriteOptions::default().with_codec(*codec).with_target_block_bytes(2000);
            let entries = entries(40);
            let (bytes, row) = write(version, &entries, &options);
            assert_eq!(read(&bytes).unwrap(), entries, "{version} {codec:?}");
            assert_eq!(
                (row.added_files_count, row.existing_files_count, row.deleted_files_count),
                (Some(14), Some(13), Some(13))
            );
            assert_eq!(row.min_sequence_number, Some(SequenceNumber(5)));
            assert_eq!(row.partitions.as_ref().unwrap()[4].upper_bound, Some(0_i64.to_le_bytes().to_vec()));
            let mut planner = ManifestPlanner::new(&bytes, &[FieldId(2), FieldId(9)]).unwrap();
            for entry in &entries {
                let view = planner.next_entry().unwrap().unwrap();
                assert_eq!(view.file_path, entry.data_file.file_path);
                assert_eq!((view.status, view.record_count), (entry.status, entry.data_file.record_count));
                assert_eq!(view.partition, entry.data_file.partition);
                let column = view.column(FieldId(2)).unwrap();
                assert_eq!(column.value_count, Some(entry.data_file.record_count));
                assert_eq!((column.null_value_count, column.nan_value_count), (Some(1), None));
                assert_eq!((column.lower_bound, column.upper_bound), (Some(&b"lower2"[..]), Some(&b""[..])));
                assert_eq!(view.column(FieldId(9)), Some(EntryColumn::default()));
            }
            assert!(planner.next_entry().unwrap().is_none());
        }
    }
}

#[test]
fn trap_06_partition_values_are_of_the_spec_in_the_header() {
    let (bytes, _) = write(FormatVersion::V2, &entries(1), &WriteOptions::default());
    let other = crate::schema::StructType::new(vec![NestedField::optional(1000, "x", PrimitiveType::String)]);
    let options = ReadOptions::default().with_partition_type(other);
    let reader = ManifestReader::with_options(&bytes, &options).unwrap();
    assert_eq!(reader.header().partition_spec_id, Some(PartitionSpecId(3)));
    assert_eq!(reader.header().partition_type.fields.len(), 5);
    assert_eq!(reader.header().schema().unwrap(), schema());
}

#[test]
fn trap_09_manifest_of_deletes_only_is_written_and_listed() {
    let content = ManifestContent::Data;
    let mut writer = ManifestWriter::new(
        FormatVersion::V2,
        &schema(),
        &spec(),
        content,
        SnapshotId(78),
        &WriteOptions::default(),
    )
    .unwrap();
    writer.delete(entries(2).remove(1)).unwrap();
    let (bytes, row) = writer.finish("m").unwrap();
    let entry = read(&bytes).unwrap().remove(0);
    assert_eq!((entry.status, entry.snapshot_id), (ManifestStatus::Deleted, Some(SnapshotId(78))));
    assert_eq!(entry.data_sequence_number, Some(DataSequenceNumber(5)));
    assert!(!row.may_have_live_files() && row.may_have_deleted_files());
}

#[test]
fn trap_22_version_1_reads_with_defaults() {
    let (bytes, mut row) =
        write(FormatVersion::V1, &[ManifestEntry::added(file(4))], &WriteOptions::default());
    row.added_rows_count = None;
    let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
    let mut list = ManifestListWriter::new(FormatVersion::V1, snapshot, &WriteOptions::default()).unwrap();
    list.write(&row).unwrap();
    let list = list.finish().unwrap();
    let row = ManifestListReader::new(&list).unwrap().next().unwrap().unwrap();
    assert_eq!((row.content, row.sequence_number), (ManifestContent::Data, Some(SequenceNumber(0))));
    assert_eq!(row.added_rows_count, None);
    let mut entry = read(&bytes).unwrap().remove(0);
    assert_eq!(entry.data_file.content, FileContent::Data);
    row.inherit().apply(&mut entry).unwrap();
    assert_eq!(entry.data_sequence_number, Some(DataSequenceNumber(0)));
    assert_eq!(entry.snapshot_id, Some(SnapshotId(77)));
}

#[test]
fn list_rows_read_back_and_open_numbers_become_the_commits() {
    for version in [FormatVersion::V2, FormatVersion::V3] {
        let (_, row) = write(version, &entries(1), &WriteOptions::default());
        let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE).with_parent(SnapshotId(1));
        let mut list = ManifestListWriter::new(version, snapshot, &WriteOptions::default()).unwrap();
        list.write(&row).unwrap();
        let bytes = list.finish().unwrap();
        let found = ManifestListReader::new(&bytes).unwrap().next().unwrap().unwrap();
        let mut expect = row;
        expect.sequence_number = Some(SEQUENCE);
        expect.min_sequence_number = Some(SEQUENCE);
        assert_eq!(found, expect);
    }
}

#[test]
fn extra_fields_survive_a_rewrite() {
    let field = ExtraField::optional_string(ExtraLocation::DataFile, FieldId(9001), "datashard_sha256");
    let options = WriteOptions::default().with_extra_fields(vec![field.clone()]);
    let mut entry = entries(1).remove(0);
    entry.data_file.extras.set(&field, AvroValue::String("abc".to_owned()));
    let (first, _) = write(FormatVersion::V2, &[entry], &options);
    let reader = ManifestReader::new(&first).unwrap();
    let again = WriteOptions::default().with_extra_fields(reader.header().extra_fields.clone());
    let (second, _) = write(FormatVersion::V2, &read(&first).unwrap(), &again);
    let found = read(&second).unwrap().remove(0);
    assert_eq!(found.data_file.extras.by_id(FieldId(9001)).and_then(AvroValue::as_str), Some("abc"));
    assert_eq!(first, second);
}

#[test]
fn the_oracle_reads_the_same_values() {
    let entries = entries(30);
    for codec in CODECS {
        let options = WriteOptions::default().with_codec(*codec).with_target_block_bytes(3000);
        let (bytes, _) = write(FormatVersion::V3, &entries, &options);
        let reader = apache_avro::Reader::new(bytes.as_slice()).unwrap();
        let mut count = 0;
        for (value, entry) in reader.zip(&entries) {
            let text = format!("{:?}", value.unwrap());
            assert!(
                text.contains(&format!("(\"file_path\", String(\"{}\"))", entry.data_file.file_path)),
                "{text}"
            );
            assert!(text.contains(&format!("(\"record_count\", Long({}))", entry.data_file.record_count)));
            assert!(text.contains(&format!("(\"status\", Int({}))", entry.status.number())));
            assert!(text.contains("Bytes([108, 111, 119, 101, 114, 51])"), "lower bound of column 3: {text}");
            count += 1;
        }
        assert_eq!(count, 30);
    }
}

#[test]
fn trap_08_entries_that_break_a_rule_are_not_written() {
    let content = ManifestContent::Data;
    let mut writer = ManifestWriter::new(
        FormatVersion::V2,
        &schema(),
        &spec(),
        content,
        SnapshotId(7),
        &WriteOptions::default(),
    )
    .unwrap();
    let mut refuse = |entry: ManifestEntry, field: FieldId| {
        let error = writer.write(&entry).unwrap_err();
        assert!(
            matches!(&error, SpecError::Manifest(ManifestError::Entry { field: found, .. }) if *found == field),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    };
    refuse(ManifestEntry::new(ManifestStatus::Deleted, file(1)), field_id::SNAPSHOT_ID);
    refuse(
        ManifestEntry::new(ManifestStatus::Existing, file(1)).with_snapshot_id(SnapshotId(1)),
        field_id::SEQUENCE_NUMBER,
    );
    refuse(
        ManifestEntry::added(file(1)).with_file_sequence_number(FileSequenceNumber(1)),
        field_id::FILE_SEQUENCE_NUMBER,
    );
    refuse(ManifestEntry::added(file(1).with_content(FileContent::PositionDeletes)), field_id::CONTENT);
    refuse(ManifestEntry::added(file(1).with_partition(Vec::new())), field_id::PARTITION);
    let wrong = ManifestEntry::added(file(1).with_partition(vec![Some(Value::Boolean(true)); 5]));
    assert!(matches!(
        writer.write(&wrong),
        Err(SpecError::Manifest(ManifestError::Partition { position: 0, .. }))
    ));
    writer.add(file(1)).unwrap();
    assert_eq!(read(&writer.finish("m").unwrap().0).unwrap().len(), 1);
}

/// Reads everything there is, by both ways.
fn drain(bytes: &[u8]) {
    if let Ok(reader) = ManifestReader::new(bytes) {
        reader.for_each(drop);
    }
    if let Ok(mut planner) = ManifestPlanner::new(bytes, &[FieldId(1)]) {
        while let Ok(Some(_)) = planner.next_entry() {}
    }
    if let Ok(reader) = ManifestListReader::new(bytes) {
        reader.for_each(drop);
    }
}

#[test]
fn truncated_files_and_flipped_bits_never_panic() {
    for codec in [Codec::Null, Codec::Snappy] {
        let (bytes, _) = write(FormatVersion::V2, &entries(2), &WriteOptions::default().with_codec(codec));
        let body = bytes.len() - 1500;
        for end in body..bytes.len() {
            let whole = read(&bytes[..end]).is_ok_and(|entries| entries.len() == 2);
            assert!(!whole, "{end}");
        }
        for at in (0..body).step_by(7).chain(body..bytes.len()) {
            let mut broken = bytes.clone();
            broken[at] ^= 1 << (at % 8);
            drain(&broken);
        }
        for end in (0..body).step_by(11) {
            drain(&bytes[..end]);
        }
    }
}

#[test]
fn errors_name_block_entry_and_field() {
    let entries = entries(3);
    let options = WriteOptions::default().with_codec(Codec::Null);
    let (mut bytes, _) = write(FormatVersion::V2, &entries, &options);
    let at = bytes.windows(9).rposition(|window| window == b"2.parquet").unwrap();
    // The format follows the path: claim that it is longer than the block.
    bytes[at + 9] = 0xfe;
    bytes[at + 10] = 0x7f;
    let error = read(&bytes).unwrap_err();
    assert!(
        matches!(
            &error,
            SpecError::Avro(AvroError::Entry {
                block: 0,
                entry: 2,
                field: Some(field_id::FILE_FORMAT),
                fault: AvroFault::Length { .. }
            })
        ),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

#[test]
fn bombs_stop_at_the_limit() {
    for codec in CODECS.iter().filter(|codec| **codec != Codec::Null) {
        let huge = file(1).with_key_metadata(vec![0; 1 << 20]);
        let (bytes, _) = write(
            FormatVersion::V2,
            &[ManifestEntry::added(huge)],
            &WriteOptions::default().with_codec(*codec),
        );
        let options = ReadOptions::default().with_max_block_bytes(1 << 16);
        let error = ManifestReader::with_options(&bytes, &options).unwrap().next().unwrap().unwrap_err();
        assert_eq!(error, AvroError::BlockTooLarge { block: 0, limit_bytes: 1 << 16 }, "{codec:?}");
    }
}

#[test]
fn memory_while_reading_does_not_grow_with_the_number_of_entries() {
    let buffer = |count| {
        let (bytes, _) =
            write(FormatVersion::V2, &entries(count), &WriteOptions::default().with_target_block_bytes(4096));
        let mut planner = ManifestPlanner::new(&bytes, &[FieldId(1)]).unwrap();
        while planner.next_entry().unwrap().is_some() {}
        planner.buffer_bytes()
    };
    assert!(buffer(3000) <= buffer(100) * 2);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn any_file_reads_back(
        path in ".{0,40}",
        numbers in proptest::collection::vec((proptest::prelude::any::<i32>(), proptest::prelude::any::<i64>()), 0..30),
        bounds in proptest::collection::vec((proptest::prelude::any::<i32>(), ".{0,9}"), 0..30),
        rows in 0..i64::MAX,
        size in 0..i64::MAX,
        row_id in proptest::option::of(0..i64::MAX),
        key in proptest::option::of(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..9)),
    ) {
        let mut data_file = file(2)
            .with_value_counts(numbers.iter().map(|(id, v)| (FieldId(*id), *v)).collect())
            .with_lower_bounds(bounds.iter().map(|(id, v)| (FieldId(*id), v)).collect());
        data_file.file_path = path;
        data_file.record_count = rows;
        data_file.file_size_in_bytes = size;
        data_file.first_row_id = row_id;
        data_file.key_metadata = key;
        data_file.split_offsets = numbers.iter().map(|(_, v)| *v).collect();
        let entry = ManifestEntry::added(data_file);
        let (bytes, _) = write(FormatVersion::V3, std::slice::from_ref(&entry), &WriteOptions::default());
        proptest::prop_assert_eq!(read(&bytes).unwrap(), vec![entry]);
    }
}
