//! Manifest lists: whole files as they come, and with the input as the block of a file whose header is right, as its
//! compressed block, and as a schema with a block.

#![no_main]

use std::sync::LazyLock;

use datashard_fuzz::{avro_file, first, fits, same};
use datashard_spec::avro::{
    Codec, ListSnapshot, ManifestListReader, ManifestListWriter, ReadOptions, WriteOptions,
};
use datashard_spec::id::{FieldId, SequenceNumber, SnapshotId};
use datashard_spec::manifest::{
    ExtraField, ExtraLocation, ManifestContent, ManifestFile, assign_first_row_ids,
};
use datashard_spec::metadata::FormatVersion;
use libfuzzer_sys::fuzz_target;

const MAX_BLOCK_BYTES: usize = 1 << 18;
const SEQUENCE: SequenceNumber = SequenceNumber(12);

fn check(file: &[u8]) {
    let options = ReadOptions::default().with_max_block_bytes(MAX_BLOCK_BYTES);
    let Ok(mut reader) = ManifestListReader::with_options(file, &options) else { return };
    let extra_fields = reader.extra_fields();
    let rows: Vec<ManifestFile> = first(&mut reader).map_while(Result::ok).collect();
    for row in &rows {
        // What is not known counts as there.
        assert_eq!(row.may_have_added_files(), row.added_files_count != Some(0));
        assert!(row.may_have_live_files() || row.existing_files_count == Some(0));
    }
    if rows.is_empty() {
        return;
    }
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        check_rewrite(version, &extra_fields, &rows);
    }
    let mut assigned = rows.clone();
    if let Ok(next) = assign_first_row_ids(&mut assigned, 1000) {
        assert!(next >= 1000);
        for (before, after) in rows.iter().zip(&assigned) {
            let is_data = before.content == ManifestContent::Data;
            assert_eq!(after.first_row_id.is_some(), is_data, "data manifests have row ids, others do not");
            assert!(!is_data || before.first_row_id.is_none() || before.first_row_id == after.first_row_id);
        }
    }
}

fn check_rewrite(version: FormatVersion, extra_fields: &[ExtraField], rows: &[ManifestFile]) {
    let write = |rows: &[ManifestFile]| {
        let snapshot = ListSnapshot::new(SnapshotId(7), SEQUENCE);
        let options = WriteOptions::default().with_extra_fields(extra_fields.to_vec());
        let mut writer = ManifestListWriter::new(version, snapshot, &options)?;
        let kept: Vec<_> = rows.iter().filter(|row| writer.write(row).is_ok()).cloned().collect();
        writer.finish().map(|bytes| (bytes, kept))
    };
    let Ok((bytes, mut kept)) = write(rows) else { return };
    kept.iter_mut().for_each(|row| drop_what_is_not_in(version, row));

    let reader = ManifestListReader::new(&bytes).expect("what was written is read");
    let again: Vec<ManifestFile> = reader.collect::<Result<_, _>>().expect("what was written is read");
    assert!(same(&again, &kept), "{again:?} was {kept:?}");
    let (second, _) = write(&again).expect("what was written is written again");
    assert_eq!(second, bytes, "writing is stable");
}

fn drop_what_is_not_in(version: FormatVersion, row: &mut ManifestFile) {
    if version < FormatVersion::V3 {
        row.first_row_id = None;
    }
    if version == FormatVersion::V1 {
        row.sequence_number = Some(SequenceNumber(0));
        row.min_sequence_number = Some(SequenceNumber(0));
    }
}

static AVRO_SCHEMA: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let extra = ExtraField::optional_string(ExtraLocation::Entry, FieldId(9000), "note");
    let options = WriteOptions::default().with_extra_fields(vec![extra]);
    let snapshot = ListSnapshot::new(SnapshotId(7), SEQUENCE);
    let writer = ManifestListWriter::new(FormatVersion::V3, snapshot, &options);
    let file = writer.and_then(ManifestListWriter::finish).expect("an empty list");
    // The text from its first brace to before the next key.
    let find = |text: &[u8]| file.windows(text.len()).position(|window| window == text).expect("it is there");
    file[find(b"{")..find(b"\x16snapshot-id")].to_vec()
});

fn with_header(avro: &[u8], codec: Codec, entries: u8, block: &[u8]) -> Vec<u8> {
    avro_file(&[("avro.schema", avro), ("avro.codec", codec.as_str().as_bytes())], entries, block)
}

fuzz_target!(|input: &[u8]| {
    let [choice, rest @ ..] = input else { return };
    if !fits(input) {
        return;
    }
    // One way each, as most of the time goes into reading schemas.
    let rows = choice >> 3;
    let block = |codec| check(&with_header(&AVRO_SCHEMA, codec, rows, rest));
    match choice % 8 {
        0..3 => block(Codec::Null),
        3 => block(Codec::Deflate),
        4 => block(Codec::Snappy),
        5 => block(Codec::Zstandard),
        // A schema, and after a zero byte the rows by it.
        6 => {
            let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
            let block = rest.get(end + 1..).unwrap_or_default();
            check(&with_header(&rest[..end], Codec::Null, rows, block));
        }
        // The first byte of every container among them.
        _ => check(input),
    }
});
