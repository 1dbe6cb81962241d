//! What is written reads back: any entry, in every version, codec and partition type; the planner sees what the reader
//! does.

use proptest::prelude::*;

use super::*;
use crate::expr::ColumnMetrics as _;

/// Partition types: one field of each, and their values from a few random numbers.
pub(super) fn partition_types() -> Vec<PrimitiveType> {
    use PrimitiveType as T;
    vec![
        T::Boolean,
        T::Int,
        T::Long,
        T::Float,
        T::Double,
        T::Decimal { precision: 9, scale: 2 },
        T::Decimal { precision: 38, scale: 10 },
        T::Date,
        T::Time,
        T::Timestamp,
        T::Timestamptz,
        T::TimestampNs,
        T::TimestamptzNs,
        T::String,
        T::Uuid,
        T::Fixed(5),
        T::Binary,
    ]
}

pub(super) fn value_of(of: &PrimitiveType, seed: i64) -> Value {
    use PrimitiveType as T;
    let int = i32::from_le_bytes(seed.to_le_bytes()[..4].try_into().unwrap());
    match of {
        T::Boolean => Value::Boolean(seed % 2 == 0),
        T::Int => Value::Int(int),
        T::Float => Value::Float(f32::from_bits(int.cast_unsigned())),
        T::Double => Value::Double(f64::from_bits(seed.cast_unsigned())),
        T::Decimal { precision: 9, scale } => Value::decimal(i128::from(seed % 1_000_000_000), *scale),
        T::Decimal { scale, .. } => Value::decimal(i128::from(seed) * i128::from(seed), *scale),
        T::Date => Value::Date(int),
        T::Time => Value::Time(seed.rem_euclid(86_400_000_000)),
        T::Timestamp => Value::Timestamp(seed),
        T::Timestamptz => Value::Timestamptz(seed),
        T::TimestampNs => Value::TimestampNs(seed),
        T::TimestamptzNs => Value::TimestamptzNs(seed),
        T::String => Value::String(format!("é{seed}")),
        T::Uuid => Value::Uuid(uuid::Uuid::from_u64_pair(seed.cast_unsigned(), 1)),
        T::Fixed(_) => Value::Fixed(seed.to_le_bytes()[..5].to_vec()),
        T::Binary => Value::Binary(seed.to_le_bytes().to_vec()),
        _ => Value::Long(seed),
    }
}

/// A table with a column and an identity partition field of each type; names are not legal in Avro.
pub(super) fn wide() -> (Schema, PartitionSpec) {
    let columns = (1..).zip(partition_types());
    let schema: Vec<_> =
        columns.clone().map(|(id, of)| NestedField::optional(id, format!("{id}.c"), of)).collect();
    let fields = columns.map(|(id, _)| {
        PartitionField::new(FieldId(id), FieldId(999 + id), format!("{id}.p"), Transform::Identity)
    });
    (Schema::new(schema).unwrap(), PartitionSpec::new(PartitionSpecId(4), fields.collect()))
}

prop_compose! {
    fn any_metrics()(
        numbers in prop::collection::vec((1..40_i32, any::<i64>()), 0..12),
        bounds in prop::collection::vec((1..40_i32, prop::collection::vec(any::<u8>(), 0..9)), 0..12),
    ) -> (MetricMap, BoundMap) {
        (
            numbers.iter().map(|(id, value)| (FieldId(*id), *value)).collect(),
            bounds.iter().map(|(id, bytes)| (FieldId(*id), bytes)).collect(),
        )
    }
}

prop_compose! {
    /// An entry that its version can hold.
    pub(super) fn any_entry(version: FormatVersion, deletes: bool)(
        status in prop::sample::select(vec![ManifestStatus::Added, ManifestStatus::Existing, ManifestStatus::Deleted]),
        (snapshot, sequence, file_sequence) in (any::<i64>(), 0..1000_i64, 0..1000_i64),
        (explicit, has_snapshot) in any::<(bool, bool)>(),
        (path, format) in (".{0,20}", prop::sample::select(vec!["PARQUET", "ORC", "AVRO", "LANCE"])),
        (rows, size, order) in (0..1_i64 << 40, 0..i64::MAX, prop::option::of(any::<i32>())),
        seeds in prop::collection::vec(prop::option::weighted(0.8, any::<i64>()), 17),
        (first, second, third) in (any_metrics(), any_metrics(), any_metrics()),
        key in prop::option::of(prop::collection::vec(any::<u8>(), 0..9)),
        offsets in prop::collection::vec(any::<i64>(), 0..4),
        (row_id, offset, length) in (prop::option::of(0..i64::MAX), 0..i64::MAX, 0..i64::MAX),
        referenced in prop::option::of(".{0,9}"),
        kind in 0..3_u8,
    ) -> ManifestEntry {
        let mut file = DataFile::new(path, FileFormat::parse(format), rows, size)
            .with_partition(partition_types().iter().zip(&seeds).map(|(of, seed)| seed.map(|seed| value_of(of, seed))).collect())
            .with_column_sizes(first.0).with_lower_bounds(first.1)
            .with_value_counts(second.0).with_upper_bounds(second.1)
            .with_null_value_counts(third.0.clone()).with_nan_value_counts(third.0)
            .with_split_offsets(offsets);
        file.key_metadata = key;
        file.sort_order_id = order.map(SortOrderId);
        let is_v3 = version >= FormatVersion::V3;
        if deletes {
            file.content = FileContent::PositionDeletes;
            file.referenced_data_file = referenced;
            match kind {
                0 => file = file.with_content(FileContent::EqualityDeletes).with_equality_ids(vec![FieldId(3), FieldId(1)]),
                1 if is_v3 => {
                    file.file_format = FileFormat::Puffin;
                    file.referenced_data_file = Some("data".to_owned());
                    file = file.with_content_offset(offset).with_content_size_in_bytes(length);
                }
                _ => {}
            }
        } else if is_v3 {
            file.first_row_id = row_id;
        }
        let mut entry = ManifestEntry::new(status, file);
        let added = status == ManifestStatus::Added;
        if version == FormatVersion::V1 || has_snapshot || !added {
            entry.snapshot_id = Some(SnapshotId(snapshot));
        }
        if version > FormatVersion::V1 {
            if explicit || !added {
                entry.data_sequence_number = Some(DataSequenceNumber(sequence));
            }
            if !added {
                entry.file_sequence_number = Some(FileSequenceNumber(file_sequence));
            }
        }
        entry
    }
}

/// Every version with data, and deletes where it has them.
pub(super) fn any_entries() -> impl Strategy<Value = (FormatVersion, bool, Vec<ManifestEntry>)> {
    use FormatVersion as V;
    let kinds = vec![(V::V1, false), (V::V2, false), (V::V2, true), (V::V3, false), (V::V3, true)];
    prop::sample::select(kinds).prop_flat_map(|(version, deletes)| {
        (Just(version), Just(deletes), prop::collection::vec(any_entry(version, deletes), 0..8))
    })
}

pub(super) fn write_wide(
    version: FormatVersion,
    deletes: bool,
    entries: &[ManifestEntry],
    codec: Codec,
) -> (Vec<u8>, ManifestFile) {
    let (schema, spec) = wide();
    let content = if deletes { ManifestContent::Deletes } else { ManifestContent::Data };
    let options = WriteOptions::default().with_codec(codec).with_target_block_bytes(700);
    let mut writer = ManifestWriter::new(version, &schema, &spec, content, SnapshotId(8), &options).unwrap();
    entries.iter().for_each(|entry| writer.write(entry).unwrap());
    writer.finish("m").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_entries_read_back_and_the_planner_agrees(
        (version, deletes, entries) in any_entries(),
        codec in prop::sample::select(CODECS.to_vec()),
        wanted in prop::collection::btree_set(1..40_i32, 0..6),
    ) {
        let (bytes, row) = write_wide(version, deletes, &entries, codec);
        let found = read(&bytes).unwrap();
        prop_assert_eq!(&found, &entries);
        let total = row.added_files_count.unwrap() + row.existing_files_count.unwrap() + row.deleted_files_count.unwrap();
        prop_assert_eq!(usize::try_from(total).unwrap(), entries.len());
        let wanted: Vec<FieldId> = wanted.into_iter().map(FieldId).collect();
        let mut planner = ManifestPlanner::new(&bytes, &wanted).unwrap();
        for entry in &entries {
            let view = planner.next_entry().unwrap().unwrap();
            let file = &entry.data_file;
            prop_assert_eq!((view.status, view.snapshot_id), (entry.status, entry.snapshot_id));
            prop_assert_eq!(view.data_sequence_number, entry.data_sequence_number);
            prop_assert_eq!(view.file_sequence_number, entry.file_sequence_number);
            prop_assert_eq!((view.content, view.file_path), (file.content, file.file_path.as_str()));
            prop_assert_eq!(&view.file_format(), &file.file_format);
            prop_assert_eq!((view.record_count, view.file_size_in_bytes), (file.record_count, file.file_size_in_bytes));
            prop_assert_eq!((view.first_row_id, view.referenced_data_file), (file.first_row_id, file.referenced_data_file.as_deref()));
            prop_assert_eq!((view.content_offset, view.content_size_in_bytes), (file.content_offset, file.content_size_in_bytes));
            prop_assert_eq!(view.partition, file.partition.as_slice());
            prop_assert_eq!(view.equality_ids, file.equality_ids.as_slice());
            for id in &wanted {
                let id = *id;
                prop_assert_eq!(view.value_count(id), file.value_count(id));
                prop_assert_eq!(view.null_count(id), file.null_count(id));
                prop_assert_eq!(view.nan_count(id), file.nan_count(id));
                prop_assert_eq!(view.lower_bound(id), file.lower_bound(id));
                prop_assert_eq!(view.upper_bound(id), file.upper_bound(id));
            }
        }
        prop_assert!(planner.next_entry().unwrap().is_none());
    }

    #[test]
    fn any_row_of_a_list_reads_back(
        version in prop::sample::select(vec![FormatVersion::V1, FormatVersion::V2, FormatVersion::V3]),
        (path, length, spec, snapshot) in (".{0,20}", 0..i64::MAX, any::<i32>(), any::<i64>()),
        (is_delete, sequence, smallest) in (any::<bool>(), 0..i64::MAX, 0..i64::MAX),
        files in prop::array::uniform3(0..i32::MAX),
        rows in prop::array::uniform3(0..i64::MAX),
        summaries in prop::option::of(prop::collection::vec(
            (any::<bool>(), prop::option::of(any::<bool>()), prop::option::of(".{0,5}"), prop::option::of(".{0,5}")), 0..4)),
        (key, row_id) in (prop::option::of(".{0,5}"), prop::option::of(0..i64::MAX)),
    ) {
        let mut row = ManifestFile::new(path, length, PartitionSpecId(spec), SnapshotId(snapshot));
        let later = version > FormatVersion::V1;
        row.sequence_number = Some(SequenceNumber(if later { sequence } else { 0 }));
        row.min_sequence_number = Some(SequenceNumber(if later { smallest } else { 0 }));
        if is_delete && later {
            row.content = ManifestContent::Deletes;
        }
        let counts = files.map(Some);
        [row.added_files_count, row.existing_files_count, row.deleted_files_count] = counts;
        [row.added_rows_count, row.existing_rows_count, row.deleted_rows_count] =
            if later { rows.map(Some) } else { [None, Some(rows[1]), None] };
        row.partitions = summaries.map(|summaries| {
            summaries.into_iter().map(|(null, nan, lower, upper)| {
                let mut summary = FieldSummary::new(null, nan);
                summary.lower_bound = lower.map(String::into_bytes);
                summary.upper_bound = upper.map(String::into_bytes);
                summary
            }).collect()
        });
        row.key_metadata = key.map(String::into_bytes);
        row.first_row_id = row_id.filter(|_| version >= FormatVersion::V3);
        let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
        let mut list = ManifestListWriter::new(version, snapshot, &WriteOptions::default()).unwrap();
        list.write(&row).unwrap();
        list.write(&row).unwrap();
        let bytes = list.finish().unwrap();
        let found: Vec<_> = ManifestListReader::new(&bytes).unwrap().collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(found, vec![row.clone(), row]);
    }
}

#[test]
fn trap_07_smallest_sequence_number_is_that_of_explicit_live_entries_or_of_the_commit() {
    let added = |number: Option<i64>| {
        let mut entry = ManifestEntry::added(file(1));
        entry.data_sequence_number = number.map(DataSequenceNumber);
        entry
    };
    let old = |status, number| {
        ManifestEntry::new(status, file(1))
            .with_snapshot_id(SnapshotId(1))
            .with_data_sequence_number(DataSequenceNumber(number))
            .with_file_sequence_number(FileSequenceNumber(20))
    };
    let check = |entries: &[ManifestEntry], expected: i64| {
        let (bytes, row) = write(FormatVersion::V2, entries, &WriteOptions::default());
        assert_eq!(row.sequence_number, None, "open until the commit");
        let mut list = ManifestListWriter::new(
            FormatVersion::V2,
            ListSnapshot::new(SnapshotId(77), SEQUENCE),
            &WriteOptions::default(),
        )
        .unwrap();
        list.write(&row).unwrap();
        let list = list.finish().unwrap();
        let row = ManifestListReader::new(&list).unwrap().next().unwrap().unwrap();
        assert_eq!(row.sequence_number, Some(SEQUENCE));
        assert_eq!(row.min_sequence_number, Some(SequenceNumber(expected)), "{entries:?}");
        // It is what the entries say once they have inherited.
        let mut inherit = row.inherit();
        let live = read(&bytes).unwrap().into_iter().filter_map(|mut entry| {
            inherit.apply(&mut entry).unwrap();
            entry.data_sequence_number.filter(|_| entry.status.is_live())
        });
        let smallest = live.min();
        assert!(smallest.is_none_or(|smallest| smallest == DataSequenceNumber(expected)), "{smallest:?}");
    };
    let (existing, deleted) = (ManifestStatus::Existing, ManifestStatus::Deleted);
    check(&[added(None)], 12);
    check(&[added(None), added(Some(4))], 4);
    check(&[added(Some(4)), added(Some(3))], 3);
    check(&[added(None), old(existing, 7)], 7);
    check(&[added(None), old(deleted, 2)], 12);
    check(&[old(existing, 7), old(deleted, 2)], 7);
    check(&[old(deleted, 2)], 12);
    check(&[], 12);
    // A number above the commit's own, of an entry that counts on a later commit: the ones that inherit are below.
    let (_, row) = write(FormatVersion::V2, &[added(None), added(Some(40))], &WriteOptions::default());
    let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
    let mut list = ManifestListWriter::new(FormatVersion::V2, snapshot, &WriteOptions::default()).unwrap();
    list.write(&row).unwrap();
    let list = list.finish().unwrap();
    let row = ManifestListReader::new(&list).unwrap().next().unwrap().unwrap();
    assert_eq!(row.min_sequence_number, Some(SEQUENCE));
}

#[test]
fn trap_07_added_entries_are_written_without_sequence_numbers() {
    let options = WriteOptions::default();
    let content = ManifestContent::Data;
    let mut writer =
        ManifestWriter::new(FormatVersion::V3, &schema(), &spec(), content, SnapshotId(77), &options)
            .unwrap();
    writer.add(file(1).with_first_row_id(6)).unwrap();
    let (bytes, row) = writer.finish("m").unwrap();
    let entry = read(&bytes).unwrap().remove(0);
    assert_eq!((entry.data_sequence_number, entry.file_sequence_number), (None, None));
    assert_eq!(entry.data_file.first_row_id, None);
    assert_eq!(entry.snapshot_id, Some(SnapshotId(77)));
    assert_eq!((row.sequence_number, row.first_row_id), (None, None));
}

#[test]
fn trap_11_nan_partitions_leave_no_bounds() {
    let (schema, spec) = wide();
    let nans = partition_types().into_iter().map(|of| match of {
        PrimitiveType::Float => Some(Value::Float(f32::NAN)),
        PrimitiveType::Double => Some(Value::Double(f64::NAN)),
        of => Some(value_of(&of, 5)),
    });
    let entry = ManifestEntry::added(file(1).with_partition(nans.collect()));
    let (bytes, row) = write_wide(FormatVersion::V2, false, std::slice::from_ref(&entry), Codec::Null);
    assert_eq!(read(&bytes).unwrap(), [entry]);
    for (summary, of) in row.partitions.unwrap().iter().zip(partition_types()) {
        let is_float = matches!(of, PrimitiveType::Float | PrimitiveType::Double);
        assert_eq!(summary.contains_nan, Some(is_float), "{of}");
        assert_eq!(summary.lower_bound.is_none(), is_float, "{of}");
        assert_eq!(summary.upper_bound.is_none(), is_float, "{of}");
        if let Some(bound) = &summary.lower_bound {
            assert_eq!(Value::from_binary(&of, bound).unwrap(), value_of(&of, 5));
        }
    }
    assert_eq!(spec.partition_type(&schema).fields.len(), 17);
}

#[test]
fn values_of_a_narrower_type_are_widened_with_their_bounds() {
    let schema = Schema::new(vec![
        NestedField::optional(1, "a", PrimitiveType::Long),
        NestedField::optional(2, "b", PrimitiveType::Double),
    ])
    .unwrap();
    let field =
        |id: i32, name: &str| PartitionField::new(FieldId(id), FieldId(999 + id), name, Transform::Identity);
    let spec = PartitionSpec::new(PartitionSpecId(0), vec![field(1, "a"), field(2, "b")]);
    let (content, options) = (ManifestContent::Data, WriteOptions::default());
    let mut writer =
        ManifestWriter::new(FormatVersion::V2, &schema, &spec, content, SnapshotId(1), &options).unwrap();
    for (a, b) in [
        (Value::Int(7), Value::Float(0.5)),
        (Value::Long(-3), Value::Double(2.5)),
        (Value::Int(9), Value::Float(1.0)),
    ] {
        writer.add(DataFile { partition: vec![Some(a), Some(b)], ..file(1) }).unwrap();
    }
    let (bytes, row) = writer.finish("m").unwrap();
    let found = read(&bytes).unwrap();
    assert_eq!(found[0].data_file.partition, [Some(Value::Long(7)), Some(Value::Double(0.5))]);
    let [a, b] = <[FieldSummary; 2]>::try_from(row.partitions.unwrap()).unwrap();
    assert_eq!(
        (a.lower_bound, a.upper_bound),
        (Some((-3_i64).to_le_bytes().to_vec()), Some(9_i64.to_le_bytes().to_vec()))
    );
    assert_eq!(
        (b.lower_bound, b.upper_bound),
        (Some(0.5_f64.to_le_bytes().to_vec()), Some(2.5_f64.to_le_bytes().to_vec()))
    );
}

#[test]
fn memory_while_reading_is_that_of_a_block_whatever_the_number_of_entries() {
    let held = |codec, count: usize| {
        let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
        let options = WriteOptions::default().with_codec(codec);
        let content = ManifestContent::Data;
        let mut writer =
            ManifestWriter::new(FormatVersion::V2, &schema(), &spec, content, SnapshotId(7), &options)
                .unwrap();
        for number in 0..count {
            writer
                .add(DataFile::new(format!("s3://b/t/data/{number:08}.parquet"), FileFormat::Parquet, 5, 6))
                .unwrap();
        }
        let (bytes, _) = writer.finish("m").unwrap();
        let mut planner = ManifestPlanner::new(&bytes, &[FieldId(1)]).unwrap();
        let mut seen = 0;
        while planner.next_entry().unwrap().is_some() {
            seen += 1;
        }
        let mut reader = ManifestReader::new(&bytes).unwrap();
        assert_eq!((seen, reader.by_ref().count()), (count, count));
        planner.buffer_bytes().max(reader.buffer_bytes())
    };
    for codec in CODECS {
        let (few, many) = (held(*codec, 1_000), held(*codec, 100_000));
        assert!(many <= few * 2 && many <= 1 << 19, "{codec:?}: {few}, then {many}");
        assert_eq!(*codec == Codec::Null, many == 0, "{codec:?}");
    }
}

#[test]
fn what_a_version_has_no_column_for_is_refused() {
    let refuse = |version, entry: ManifestEntry, expected: FieldId| {
        let options = WriteOptions::default();
        let content = ManifestContent::Data;
        let mut writer =
            ManifestWriter::new(version, &schema(), &spec(), content, SnapshotId(7), &options).unwrap();
        match writer.write(&entry).unwrap_err() {
            SpecError::Manifest(ManifestError::Entry { field, .. }) => assert_eq!(field, expected),
            other => panic!("{other}"),
        }
    };
    let added = || ManifestEntry::added(file(1));
    refuse(
        FormatVersion::V1,
        added().with_data_sequence_number(DataSequenceNumber(3)),
        field_id::SEQUENCE_NUMBER,
    );
    refuse(FormatVersion::V2, ManifestEntry::added(file(1).with_first_row_id(3)), field_id::FIRST_ROW_ID);
    refuse(FormatVersion::V2, ManifestEntry::added(file(1).with_content_offset(3)), field_id::CONTENT_OFFSET);
    let negative =
        ManifestEntry::added(DataFile::new("f", FileFormat::Parquet, 1, -1).with_partition(vec![None; 5]));
    refuse(FormatVersion::V3, negative, field_id::FILE_SIZE_IN_BYTES);
}
