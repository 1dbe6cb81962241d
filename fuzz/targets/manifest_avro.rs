//! Manifests: whole files as they come, and with the input as the block of a file whose header is right, as its
//! compressed block, and as a schema with a block.

#![no_main]

use std::sync::LazyLock;

use datashard_fuzz::{avro_file, first, fits, same};
use datashard_spec::avro::{
    Codec, EntryView, ManifestPlanner, ManifestReader, ManifestWriter, ReadOptions, WriteOptions,
};
use datashard_spec::id::{FieldId, PartitionSpecId, SequenceNumber, SnapshotId};
use datashard_spec::manifest::{
    ExtraField, ExtraLocation, ManifestEntry, ManifestFile, ManifestHeader, ManifestStatus,
};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::schema::{PrimitiveType, Schema};
use datashard_spec::value::Value;
use libfuzzer_sys::fuzz_target;

const MAX_BLOCK_BYTES: usize = 1 << 18;
const COLUMNS: [FieldId; 3] = [FieldId(1), FieldId(2), FieldId(5)];
const SNAPSHOT: SnapshotId = SnapshotId(77);

fn options() -> ReadOptions {
    ReadOptions::default().with_max_block_bytes(MAX_BLOCK_BYTES)
}

fn check(file: &[u8]) {
    let Ok(mut reader) = ManifestReader::with_options(file, &options()) else { return };
    let mut planner =
        ManifestPlanner::with_options(file, &COLUMNS, &options()).expect("planning asks for less");
    let header = reader.header().clone();
    let mut entries = Vec::new();
    for entry in first(&mut reader) {
        // What the planner steps over it does not look into, so it may get further than the reader.
        let Ok(entry) = entry else { break };
        let view = planner.next_entry().expect("planning asks for less").expect("as many entries");
        check_view(&view, &entry);
        entries.push(entry);
    }
    assert!(reader.buffer_bytes() <= MAX_BLOCK_BYTES.max(1 << 16));

    if entries.is_empty() {
        return;
    }
    check_inheritance(&entries);
    if let (Ok(schema), Some(spec)) = (header.schema(), &header.partition_spec) {
        check_rewrite(&header, &schema, spec, &entries);
    }
}

fn check_view(view: &EntryView<'_>, entry: &ManifestEntry) {
    let file = &entry.data_file;
    assert_eq!(view.status, entry.status);
    assert_eq!(view.snapshot_id, entry.snapshot_id);
    assert_eq!(view.data_sequence_number, entry.data_sequence_number);
    assert_eq!(view.file_sequence_number, entry.file_sequence_number);
    assert_eq!(view.content, file.content);
    assert_eq!(view.file_path, file.file_path);
    assert_eq!(view.file_format(), file.file_format);
    assert_eq!(view.record_count, file.record_count);
    assert_eq!(view.file_size_in_bytes, file.file_size_in_bytes);
    assert_eq!(view.first_row_id, file.first_row_id);
    assert_eq!(view.referenced_data_file, file.referenced_data_file.as_deref());
    assert_eq!(view.content_offset, file.content_offset);
    assert_eq!(view.content_size_in_bytes, file.content_size_in_bytes);
    assert_eq!(view.partition, file.partition);
    assert_eq!(view.equality_ids, file.equality_ids);
    for id in COLUMNS {
        let column = view.column(id).expect("a chosen column");
        assert_eq!(column.value_count, file.value_counts.get(id));
        assert_eq!(column.null_value_count, file.null_value_counts.get(id));
        assert_eq!(column.nan_value_count, file.nan_value_counts.get(id));
        assert_eq!(column.lower_bound, file.lower_bounds.get(id));
        assert_eq!(column.upper_bound, file.upper_bounds.get(id));
    }
}

fn check_inheritance(entries: &[ManifestEntry]) {
    let mut row = ManifestFile::new("m", 0, PartitionSpecId(0), SNAPSHOT);
    row.sequence_number = Some(SequenceNumber(9));
    row.first_row_id = Some(1000);
    let mut inheritance = row.inherit();
    for entry in entries {
        let mut resolved = entry.clone();
        if inheritance.apply(&mut resolved).is_err() {
            return;
        }
        assert!(resolved.snapshot_id.is_some() && resolved.data_sequence_number.is_some());
        assert!(
            entry.status == ManifestStatus::Added
                || resolved.data_sequence_number == entry.data_sequence_number
        );
    }
}

/// Entries that may be written are read back as they were, and the row of the list bounds them.
fn check_rewrite(header: &ManifestHeader, schema: &Schema, spec: &PartitionSpec, entries: &[ManifestEntry]) {
    let version = header.format_version;
    let write = |entries: &[ManifestEntry]| {
        let options = WriteOptions::default().with_extra_fields(header.extra_fields.clone());
        let mut writer = ManifestWriter::new(version, schema, spec, header.content, SNAPSHOT, &options)?;
        let kept: Vec<_> = entries.iter().filter(|entry| writer.write(entry).is_ok()).cloned().collect();
        writer.finish("m").map(|(bytes, row)| (bytes, row, kept))
    };
    let Ok((bytes, row, mut kept)) = write(entries) else { return };
    kept.iter_mut().for_each(|entry| drop_what_is_not_in(version, entry));

    let reader = ManifestReader::new(&bytes).expect("what was written is read");
    assert_eq!(reader.header().partition_spec.as_ref(), Some(spec));
    assert_eq!(reader.header().partition_type, header.partition_type);
    assert_eq!(reader.header().schema().as_ref(), Ok(schema));
    let again: Vec<ManifestEntry> = reader.collect::<Result<_, _>>().expect("what was written is read");
    assert!(same(&again, &kept), "{again:?} was {kept:?}");
    let (second, row_again, _) = write(&again).expect("what was written is written again");
    assert!(second == bytes && same(&row, &row_again), "writing is stable");

    assert_eq!(row.manifest_length, bytes.len() as i64);
    let counts = [row.added_files_count, row.existing_files_count, row.deleted_files_count];
    assert_eq!(counts.into_iter().flatten().sum::<i32>() as usize, kept.len());
    check_summaries(header, &row, &kept);
}

fn drop_what_is_not_in(version: FormatVersion, entry: &mut ManifestEntry) {
    let file = &mut entry.data_file;
    if version < FormatVersion::V3 {
        file.first_row_id = None;
        file.content_offset = None;
        file.content_size_in_bytes = None;
    }
    if version == FormatVersion::V1 {
        entry.snapshot_id.get_or_insert(SNAPSHOT);
        entry.data_sequence_number = None;
        entry.file_sequence_number = None;
        file.referenced_data_file = None;
    }
}

fn check_summaries(header: &ManifestHeader, row: &ManifestFile, entries: &[ManifestEntry]) {
    let summaries = row.partitions.as_deref().unwrap_or_default();
    let fields = &header.partition_type.fields;
    assert!(summaries.is_empty() || summaries.len() == fields.len());
    for (position, (summary, field)) in summaries.iter().zip(fields).enumerate() {
        let Some(of) = field.field_type.as_primitive() else { continue };
        let bound = |bytes: &Option<Vec<u8>>| -> Option<Value> {
            bytes.as_deref().map(|bytes| Value::from_binary(of, bytes).expect("a bound is a value"))
        };
        let (lower, upper) = (bound(&summary.lower_bound), bound(&summary.upper_bound));
        for entry in entries {
            match &entry.data_file.partition[position] {
                None => assert!(summary.contains_null),
                Some(value) if value.is_nan() => assert_ne!(summary.contains_nan, Some(false)),
                Some(value) => {
                    // Zeros of either sign are one value.
                    let zero = matches!(value, Value::Float(0.0) | Value::Double(0.0));
                    assert!(
                        zero || lower
                            .as_ref()
                            .is_none_or(|lower| is_date_as_int(of, value) || lower <= value)
                    );
                    assert!(
                        zero || upper
                            .as_ref()
                            .is_none_or(|upper| is_date_as_int(of, value) || upper >= value)
                    );
                }
            }
        }
    }
}

/// Some writers store days as plain ints.
fn is_date_as_int(of: &PrimitiveType, value: &Value) -> bool {
    *of == PrimitiveType::Date && matches!(value, Value::Int(_))
}

/// What a header of a manifest with every kind of partition value says.
struct Template {
    schema: String,
    spec: String,
    avro: Vec<u8>,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let schema = r#"{"type":"struct","schema-id":0,"fields":[
        {"id":1,"name":"l","required":false,"type":"long"},{"id":2,"name":"d","required":false,"type":"double"},
        {"id":3,"name":"t","required":false,"type":"timestamptz"},{"id":4,"name":"s","required":false,"type":"string"},
        {"id":5,"name":"m","required":false,"type":"decimal(9, 2)"},{"id":6,"name":"u","required":false,"type":"uuid"},
        {"id":7,"name":"f","required":false,"type":"fixed[2]"},{"id":8,"name":"b","required":false,"type":"boolean"}]}"#;
    let spec = r#"[{"source-id":1,"field-id":1000,"name":"l","transform":"truncate[10]"},
        {"source-id":2,"field-id":1001,"name":"d","transform":"identity"},
        {"source-id":3,"field-id":1002,"name":"t_day","transform":"day"},
        {"source-id":3,"field-id":1003,"name":"t","transform":"identity"},
        {"source-id":4,"field-id":1004,"name":"s","transform":"identity"},
        {"source-id":5,"field-id":1005,"name":"m","transform":"identity"},
        {"source-id":6,"field-id":1006,"name":"u","transform":"identity"},
        {"source-id":7,"field-id":1007,"name":"f","transform":"identity"},
        {"source-id":8,"field-id":1008,"name":"b","transform":"identity"}]"#;
    let extra = |location, id, name| ExtraField::optional_string(location, FieldId(id), name);
    let options = WriteOptions::default().with_extra_fields(vec![
        extra(ExtraLocation::Entry, 9000, "note"),
        extra(ExtraLocation::DataFile, 9001, "sum"),
    ]);
    let of_schema = Schema::from_json(schema).expect("a schema");
    let of_spec = PartitionSpec::fields_from_json(PartitionSpecId(0), spec).expect("a spec");
    let content = datashard_spec::manifest::ManifestContent::Data;
    let writer = ManifestWriter::new(FormatVersion::V3, &of_schema, &of_spec, content, SNAPSHOT, &options);
    let (file, _) = writer.and_then(|writer| writer.finish("m")).expect("an empty manifest");
    Template { schema: schema.to_owned(), spec: spec.to_owned(), avro: avro_schema_of(&file).to_vec() }
});

/// The Avro schema in a header: the text from its first brace to before the next key.
fn avro_schema_of(file: &[u8]) -> &[u8] {
    let find = |text: &[u8]| file.windows(text.len()).position(|window| window == text).expect("it is there");
    let start = find(b"{");
    let end = find(b"\x0cschema");
    &file[start..end]
}

fn with_header(avro: &[u8], content: &[u8], codec: Codec, entries: u8, block: &[u8]) -> Vec<u8> {
    let metadata: [(&str, &[u8]); 6] = [
        ("avro.schema", avro),
        ("avro.codec", codec.as_str().as_bytes()),
        ("schema", TEMPLATE.schema.as_bytes()),
        ("partition-spec", TEMPLATE.spec.as_bytes()),
        ("format-version", b"3"),
        ("content", content),
    ];
    avro_file(&metadata, entries, block)
}

fuzz_target!(|input: &[u8]| {
    let [choice, rest @ ..] = input else { return };
    if !fits(input) {
        return;
    }
    // One way each, as most of the time goes into reading schemas.
    let content: &[u8] = if choice & 0x80 == 0 { b"data" } else { b"deletes" };
    let entries = choice >> 3 & 0x0f;
    let block = |codec| check(&with_header(&TEMPLATE.avro, content, codec, entries, rest));
    match choice % 8 {
        0..3 => block(Codec::Null),
        3 => block(Codec::Deflate),
        4 => block(Codec::Snappy),
        5 => block(Codec::Zstandard),
        // A schema, and after a zero byte the entries by it.
        6 => {
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            let block = rest.get(end + 1..).unwrap_or_default();
            check(&with_header(&rest[..end], content, Codec::Null, entries, block));
        }
        // The first byte of every container among them.
        _ => check(input),
    }
});
