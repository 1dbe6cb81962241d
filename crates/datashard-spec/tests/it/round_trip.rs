//! Every manifest list and manifest of `testdata/`, of all versions and snapshots: read whole, written again in the same
//! version and with every codec, and read back to the same values.

use datashard_spec::avro::{
    Codec, ListSnapshot, ManifestListReader, ManifestListWriter, ManifestPlanner, ManifestReader,
    ManifestWriter, WriteOptions,
};
use datashard_spec::id::{FieldId, PartitionSpecId, SnapshotId};
use datashard_spec::manifest::{FileContent, ManifestContent, ManifestEntry, ManifestFile, ManifestStatus};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;

use crate::fixture::{Fixture, avro_files};

const CODECS: [Codec; 4] = [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard];

fn entries(bytes: &[u8]) -> Vec<ManifestEntry> {
    ManifestReader::new(bytes).unwrap().map(|entry| entry.unwrap()).collect()
}

fn rows(bytes: &[u8]) -> Vec<ManifestFile> {
    ManifestListReader::new(bytes).unwrap().map(|row| row.unwrap()).collect()
}

#[test]
fn every_manifest_reads_whole_and_round_trips_by_value() {
    let (mut files, mut count) = (0, 0);
    for fixture in Fixture::all() {
        for (name, bytes) in avro_files(&fixture, false) {
            let at = format!("{}/{name}", fixture.name);
            let header = ManifestReader::new(&bytes).unwrap_or_else(|e| panic!("{at}: {e}")).header().clone();
            let read = entries(&bytes);
            // One writer numbers added files itself, which the format leaves to inheritance: ours does not.
            let mut legal = read.clone();
            legal
                .iter_mut()
                .filter(|e| e.status == ManifestStatus::Added)
                .for_each(|e| e.file_sequence_number = None);
            let schema = header.schema().unwrap();
            let spec = header.partition_spec.clone();
            let spec = spec.unwrap_or_else(|| PartitionSpec::unpartitioned(PartitionSpecId(0)));
            // One writer says "data" in the header of its delete manifests; the entries know better.
            let deletes = read.iter().any(|entry| entry.data_file.content != FileContent::Data);
            let content = if deletes { ManifestContent::Deletes } else { header.content };
            let snapshot = read.iter().find_map(|entry| entry.snapshot_id).unwrap_or(SnapshotId(1));
            for codec in CODECS {
                let options = WriteOptions::default().with_codec(codec);
                let version = header.format_version;
                let mut writer =
                    ManifestWriter::new(version, &schema, &spec, content, snapshot, &options).unwrap();
                for entry in &legal {
                    writer.write(entry).unwrap_or_else(|e| panic!("{at}: {e}"));
                }
                let (written, _) = writer.finish("m.avro").unwrap();
                assert_eq!(entries(&written), legal, "{at}: {codec:?}");
            }
            // Planning sees what the whole entries hold.
            let column = FieldId(1);
            let mut planner = ManifestPlanner::new(&bytes, &[column]).unwrap();
            for entry in &read {
                let view = planner.next_entry().unwrap().unwrap();
                let file = &entry.data_file;
                assert_eq!((view.file_path, view.status), (file.file_path.as_str(), entry.status), "{at}");
                assert_eq!(view.partition, file.partition, "{at}");
                let metrics = view.column(column);
                assert_eq!(metrics.and_then(|m| m.lower_bound), file.lower_bounds.get(column), "{at}");
                assert_eq!(metrics.and_then(|m| m.value_count), file.value_counts.get(column), "{at}");
            }
            assert!(planner.next_entry().unwrap().is_none());
            files += 1;
            count += read.len();
        }
    }
    assert!(files > 200 && count > 400, "{files} files, {count} entries");
}

#[test]
fn every_manifest_list_reads_whole_and_round_trips_by_value() {
    let (mut files, mut count) = (0, 0);
    for fixture in Fixture::all() {
        for (name, bytes) in avro_files(&fixture, true) {
            let at = format!("{}/{name}", fixture.name);
            let read = rows(&bytes);
            // A list in the oldest version that holds all that was read.
            let version = match &read {
                rows if rows.iter().any(|row| row.first_row_id.is_some()) => FormatVersion::V3,
                rows if rows.iter().any(|row| row.sequence_number.is_some_and(|n| n.0 > 0)) => {
                    FormatVersion::V2
                }
                _ => FormatVersion::V1,
            };
            let number = read.iter().filter_map(|row| row.sequence_number).max();
            let Some(number) = number else { continue };
            for codec in CODECS {
                let mut snapshot = ListSnapshot::new(SnapshotId(1), number);
                if version == FormatVersion::V3 {
                    snapshot = snapshot.with_first_row_id(0);
                }
                let options = WriteOptions::default().with_codec(codec);
                let mut writer = ManifestListWriter::new(version, snapshot, &options).unwrap();
                for row in &read {
                    writer.write(row).unwrap_or_else(|e| panic!("{at}: {e}"));
                }
                assert_eq!(rows(&writer.finish().unwrap()), read, "{at}: {codec:?}");
            }
            files += 1;
            count += read.len();
        }
    }
    assert!(files > 150 && count > 300, "{files} files, {count} rows");
}
