//! Files of `testdata/` with damage: cut, bits flipped, numbers that lie. Each decoder answers with a value or a typed
//! error; nothing panics, nothing hangs.

use datashard_spec::avro::{ManifestListReader, ManifestReader};
use datashard_spec::metadata::TableMetadata;
use datashard_spec::puffin::PuffinReader;
use datashard_spec::{ErrorKind, SpecError};

use crate::fixture::{Fixture, avro_files};
use crate::hostile::{bits_flipped, numbers_that_lie, truncated};

const TABLES: [&str; 6] =
    ["v1_basic", "v2_basic", "v3_deletion_vectors", "part_identity_types", "nested", "clickhouse_basic"];

/// Answers of a decoder to damaged input. Bytes can never be blamed on the caller.
#[derive(Default)]
struct Answers {
    read: usize,
    refused: usize,
}

impl Answers {
    fn take<T>(&mut self, answer: Result<T, impl Into<SpecError>>) {
        match answer {
            Ok(_) => self.read += 1,
            Err(error) => {
                let error = error.into();
                let kind = error.kind();
                assert!(matches!(kind, ErrorKind::InvalidData | ErrorKind::Unsupported), "{kind:?}: {error}");
                assert!(!error.is_retryable() && !error.to_string().is_empty());
                self.refused += 1;
            }
        }
    }
}

fn damage(good: &[u8], cases: usize, mut decode: impl FnMut(&[u8])) {
    truncated(good, cases, &mut decode);
    bits_flipped(good, cases, &mut decode);
    numbers_that_lie(good, cases / 4, &mut decode);
}

#[test]
fn damaged_metadata_is_read_or_refused() {
    let mut answers = Answers::default();
    for table in TABLES {
        let (_, good) = Fixture::named(table).metadata_files().pop().unwrap();
        damage(&good, 600, |bytes| {
            let parsed = TableMetadata::from_bytes(bytes);
            answers.take(parsed.and_then(|metadata| metadata.check_all()));
        });
    }
    assert!(answers.refused > 3_000 && answers.read > 100, "{} {}", answers.refused, answers.read);
}

#[test]
fn damaged_manifests_are_read_or_refused() {
    let mut answers = Answers::default();
    for table in TABLES {
        for (_, good) in avro_files(&Fixture::named(table), false).into_iter().take(2) {
            damage(&good, 600, |bytes| {
                let read = ManifestReader::new(bytes);
                answers.take(read.and_then(|entries| Ok(entries.collect::<Result<Vec<_>, _>>()?)));
            });
        }
    }
    assert!(answers.refused > 5_000 && answers.read > 100, "{} {}", answers.refused, answers.read);
}

#[test]
fn damaged_manifest_lists_are_read_or_refused() {
    let mut answers = Answers::default();
    for table in TABLES {
        for (_, good) in avro_files(&Fixture::named(table), true).into_iter().take(2) {
            damage(&good, 600, |bytes| {
                let read = ManifestListReader::new(bytes);
                answers.take(read.and_then(|rows| Ok(rows.collect::<Result<Vec<_>, _>>()?)));
            });
        }
    }
    assert!(answers.refused > 5_000 && answers.read > 100, "{} {}", answers.refused, answers.read);
}

#[test]
fn damaged_puffin_files_are_read_or_refused() {
    let mut answers = Answers::default();
    let mut files = 0;
    for table in ["v3_deletion_vectors", "v3_deletion_vectors_big", "v2_to_v3"] {
        let data = Fixture::named(table).dir.join("data");
        for entry in std::fs::read_dir(data).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "puffin") {
                continue;
            }
            let good = std::fs::read(path).unwrap();
            let all_vectors = |bytes: &[u8]| {
                let reader = PuffinReader::new(bytes)?;
                (0..reader.footer().blobs.len())
                    .map(|i| reader.deletion_vector(i))
                    .collect::<Result<Vec<_>, _>>()
            };
            assert!(!all_vectors(&good).unwrap().is_empty());
            damage(&good, 600, |bytes| answers.take(all_vectors(bytes)));
            files += 1;
        }
    }
    assert!(files >= 3 && answers.refused > 2_000, "{files} {} {}", answers.refused, answers.read);
}
