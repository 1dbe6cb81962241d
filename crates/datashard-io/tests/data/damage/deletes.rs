//! Delete files of every kind and format, damaged, as the loader meets them: a scan learns which file it was, or gets its deletes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datashard_io::delete::DeleteLoader;
use datashard_io::{Bytes, DataError, InputFile};
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::schema::Schema;

use super::child::{contained, now_at};
use super::{MEMORY_LIMIT_BYTES, Tally, damaged};
use crate::fixture::Fixture;
use crate::fixture_scan::Scan;

/// A table of which one delete file gets damaged.
struct Victim {
    fixture: Arc<Fixture>,
    scan: Scan,
    schemas: Vec<Arc<Schema>>,
    location: String,
}

impl Victim {
    /// With the first delete file of this ending.
    async fn of_table(table: &str, ending: &str) -> Self {
        let fixture = Fixture::all().into_iter().find(|fixture| fixture.name == table).unwrap();
        let metadata = fixture.metadata();
        let schema = metadata.current_schema();
        let scan = Scan::new(&fixture, &metadata, metadata.current_snapshot().unwrap(), schema).await;
        let ends = |location: &str| location.ends_with(ending);
        let found = scan.deletes.iter().find(|delete| ends(&delete.file.file_path));
        let location = found.unwrap_or_else(|| panic!("{table} has no {ending}")).file.file_path.clone();
        let schemas = std::iter::once(schema).chain(metadata.schemas().iter().rev()).cloned().collect();
        Self { fixture: Arc::new(fixture), scan, schemas, location }
    }

    /// Deletes of a data file, with these bytes for the delete file; and whether that was needed.
    async fn load(&self, data: usize, bytes: &[u8], verify: bool) -> (Result<(), DataError>, bool) {
        let (location, bytes) = (self.location.clone(), Bytes::copy_from_slice(bytes));
        let fixture = Arc::clone(&self.fixture);
        let was_needed = Arc::new(AtomicBool::new(false));
        let needed = Arc::clone(&was_needed);
        let loader = DeleteLoader::new(self.scan.deletes.clone(), self.schemas.clone(), move |wanted| {
            if wanted == location {
                needed.store(true, Ordering::Relaxed);
                return Ok(InputFile::in_memory(wanted, bytes.clone()));
            }
            Ok(InputFile::in_memory(wanted, Bytes::from(fixture.read(wanted))))
        });
        let loader = loader.with_memory_limit_bytes(MEMORY_LIMIT_BYTES).with_verification(verify);
        let live = &self.scan.data[data].delete;
        let data = LiveFile { file: &live.file, sequence_number: live.sequence_number, spec: &live.spec };
        let loaded = loader.load(data).await.map(drop);
        (loaded, was_needed.load(Ordering::Relaxed))
    }

    /// Damages the file in every way.
    async fn survives(&self, cases: usize) {
        let good = self.fixture.read(&self.location);
        let mut data = None;
        for number in 0..self.scan.data.len() {
            let (loaded, was_needed) = self.load(number, &good, true).await;
            loaded.unwrap_or_else(|e| panic!("{}: {e}", self.location));
            data = data.or(was_needed.then_some(number));
        }
        let data = data.unwrap_or_else(|| panic!("{} deletes nothing", self.location));
        let mut copies = Vec::new();
        damaged(&good, cases, |what, bytes| copies.push((what.to_owned(), bytes.to_vec())));
        let mut tally = Tally::default();
        for (what, bytes) in copies {
            now_at(&format!("{}: {what}", self.location));
            for verify in [true, false] {
                let (loaded, _) = self.load(data, &bytes, verify).await;
                tally.note(&self.location, &what, loaded);
            }
        }
        tally.finish(&self.location);
    }
}

macro_rules! damaged_deletes {
    ($($name:ident: $table:literal, $ending:literal, $cases:literal;)*) => {$(
        #[test]
        fn $name() {
            contained(concat!(module_path!(), "::", stringify!($name)), || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { Victim::of_table($table, $ending).await.survives($cases).await });
            });
        }
    )*};
}

damaged_deletes! {
    position_deletes_in_parquet_survive_damage: "mor_position_deletes", "-deletes.parquet", 40;
    position_deletes_in_avro_survive_damage: "avro_position_deletes", "-deletes.avro", 40;
    position_deletes_in_orc_survive_damage: "orc_position_deletes", "-deletes.orc", 40;
    equality_deletes_in_parquet_survive_damage: "equality_deletes", "-deletes.parquet", 40;
    equality_deletes_in_avro_survive_damage: "equality_and_position_deletes", "-eq-deletes.avro", 40;
    deletion_vectors_survive_damage: "v3_deletion_vectors", "-deletes.puffin", 60;
}
