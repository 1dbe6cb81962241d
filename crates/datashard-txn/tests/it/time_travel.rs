//! Time travel through history segments: the metadata lists a few snapshots, and all of history is there.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::SnapshotId;
use datashard_spec::snapshot_ref::SnapshotRef;
use datashard_txn::action::{CreateTable, ExpireSnapshots, SetProperties};
use datashard_txn::maintain::SweepOptions;
use datashard_txn::segments::{HISTORY, SegmentIndex, TrimHistory};
use datashard_txn::{CommitError, CommitOptions, Committer};
use futures_util::TryStreamExt;

use crate::support::rows::{endless, row};

const HOUR: Duration = Duration::from_secs(3_600);

fn simulated(seed: u64, test: impl AsyncFnOnce(&Simulation, SimStore)) {
    let simulation = Simulation::new(seed).with_time_limit(10_000 * HOUR);
    let store = SimStore::new(&simulation, Profile::instant());
    simulation.run(test(&simulation, store)).unwrap();
}

/// A table that lists eight snapshots.
fn short() -> CreateTable {
    let table = endless().with_property("datashard.history.keep-snapshots", "8");
    table.with_property("write.metadata.previous-versions-max", "3")
}

/// Appends rows a minute apart, and gives the snapshot and time of each.
async fn grow(table: &Committer, simulation: &Simulation, rows: usize) -> Vec<(SnapshotId, i64)> {
    let mut made = Vec::new();
    for number in 0..rows {
        simulation.context().clock.sleep(Duration::from_secs(60)).await;
        let committed = table.append(row(table, &format!("r{}-{number}", made.len()), "0")).await.unwrap();
        let base = table.base().unwrap();
        let snapshot = base.metadata.current_snapshot().unwrap().unwrap();
        assert_eq!(committed.snapshot_id, Some(snapshot.id));
        made.push((snapshot.id, snapshot.timestamp_ms));
    }
    made
}

fn index(table: &Committer) -> SegmentIndex {
    SegmentIndex::of_properties(table.base().unwrap().metadata.properties()).unwrap()
}

/// Whether every file of a snapshot is there.
pub(super) async fn is_whole(store: &TableStore, manifest_list: &str) -> bool {
    use datashard_spec::avro::{ManifestListReader, ManifestReader};
    let read = async |location: &str| {
        let path = store.location().relative(location).unwrap();
        store.read(&path, 1 << 30).await.ok()
    };
    let Some(list) = read(manifest_list).await else { return false };
    for manifest in ManifestListReader::new(&list).unwrap() {
        let Some(manifest) = read(&manifest.unwrap().manifest_path).await else { return false };
        for entry in ManifestReader::new(&manifest).unwrap() {
            let entry = entry.unwrap();
            if entry.status.is_live() && read(&entry.data_file.file_path).await.is_none() {
                return false;
            }
        }
    }
    true
}

#[test]
fn every_snapshot_is_found_by_id_and_by_time_however_many_were_made() {
    simulated(1, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        let made = grow(&table, simulation, 150).await;
        let base = table.base().unwrap();
        assert!(base.metadata.snapshot_count() < 8 + 2 + 1, "{}", base.metadata.snapshot_count());
        let segments = index(&table).segments;
        assert!((1..=16).contains(&segments.len()), "{segments:?}");
        assert_eq!(base.metadata.properties().get("gc.enabled").map(String::as_str), Some("false"));

        for (number, (id, at_ms)) in made.iter().enumerate() {
            let found = table.find_snapshot(&base, *id).await.unwrap().unwrap();
            assert_eq!((found.snapshot.id, found.snapshot.timestamp_ms), (*id, *at_ms));
            assert_eq!(found.is_moved, !base.metadata.has_snapshot(*id));
            assert_eq!(found.snapshot.summary.total_records(), Some(i64::try_from(number).unwrap() + 1));
            assert!(is_whole(table.store(), found.snapshot.manifest_list().unwrap()).await);
            for at_ms in [*at_ms, at_ms + 59_000] {
                let before = table.store().counts();
                let at = table.find_snapshot_at(&base, at_ms).await.unwrap().unwrap();
                assert_eq!(at.snapshot.id, *id, "at {at_ms}");
                assert!(table.store().counts().since(&before).get <= 1);
            }
        }
        assert!(table.find_snapshot_at(&base, made[0].1 - 1).await.unwrap().is_none());
        assert!(table.find_snapshot(&base, SnapshotId(1)).await.unwrap().is_none());
        let moved = table.moved_snapshots(&base).await.unwrap();
        let listed = base.metadata.snapshot_ids();
        let all: BTreeSet<_> = moved.iter().map(|snapshot| snapshot.id).chain(listed).collect();
        assert_eq!(all.len(), 150);
        assert_eq!(moved.len() + base.metadata.snapshot_count(), 150, "each is in one place");
    });
}

#[test]
fn a_sweep_keeps_what_history_refers_to_and_takes_merged_segments() {
    simulated(2, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        let made = grow(&table, simulation, 60).await;
        simulation.context().clock.sleep(HOUR).await;
        let swept = table.sweep(&SweepOptions::default().with_grace(Duration::ZERO)).await.unwrap();
        assert_eq!(swept.data_files.files, 0);
        let base = table.base().unwrap();
        for (id, _) in &made {
            let found = table.find_snapshot(&base, *id).await.unwrap().unwrap();
            assert!(is_whole(table.store(), found.snapshot.manifest_list().unwrap()).await);
        }
        let folder = TablePath::parse("metadata/_datashard/history").unwrap();
        let files: Vec<_> = table.store().list(Some(&folder), None).try_collect().await.unwrap();
        assert_eq!(files.len(), index(&table).segments.len(), "merged ones are gone");
    });
}

#[test]
fn e3_a_damaged_segment_stops_a_sweep_and_a_commit_that_would_merge_it() {
    simulated(3, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        grow(&table, simulation, 14).await;
        simulation.context().clock.sleep(HOUR).await;
        let path = index(&table).segments[0].path().unwrap();
        table.store().put(&path, Bytes::from_static(b"no zstd")).await.unwrap();
        let before: Vec<_> = table.store().list(None, None).try_collect::<Vec<_>>().await.unwrap();
        let refused = table.sweep(&SweepOptions::default().with_grace(Duration::ZERO)).await.unwrap_err();
        assert!(matches!(&refused, CommitError::Corrupt { path: of, .. } if *of == path), "{refused}");
        let after: Vec<_> = table.store().list(None, None).try_collect::<Vec<_>>().await.unwrap();
        assert!(before.iter().all(|file| after.iter().any(|left| left.path == file.path)));
        let mut refused = None;
        for number in 0..20 {
            if let Err(error) = table.append(row(&table, &format!("more-{number}"), "0")).await {
                refused = Some(error);
                break;
            }
        }
        let refused = refused.unwrap();
        assert!(matches!(&refused, CommitError::Corrupt { path: of, .. } if *of == path), "{refused}");
    });
}

#[test]
fn trimmed_history_is_gone_and_its_files_with_the_next_sweep() {
    simulated(4, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        let made = grow(&table, simulation, 60).await;
        let cut = made[30].1;
        table.commit(TrimHistory::before(cut), None).await.unwrap();
        let base = table.base().unwrap();
        for (number, (id, at_ms)) in made.iter().enumerate() {
            let found = table.find_snapshot(&base, *id).await.unwrap();
            assert_eq!(found.is_some(), number >= 30, "{number}");
            let at = table.find_snapshot_at(&base, *at_ms).await.unwrap();
            assert_eq!(at.map(|at| at.snapshot.id), Some(*id).filter(|_| number >= 30), "{number}");
        }
        let refused = table.commit(TrimHistory::before(cut), None).await;
        assert!(matches!(refused, Err(CommitError::Rejected { .. }) | Ok(_)));
        simulation.context().clock.sleep(HOUR).await;
        let swept = table.sweep(&SweepOptions::default().with_grace(Duration::ZERO)).await.unwrap();
        assert!(swept.metadata_files.files >= 30, "their manifest lists at least: {swept:?}");

        table.commit(TrimHistory::before(i64::MAX), None).await.unwrap();
        let base = table.base().unwrap();
        assert!(!base.metadata.properties().contains_key(HISTORY));
        assert!(!base.metadata.properties().contains_key("gc.enabled"), "it was set because of segments");
    });
}

#[test]
fn what_a_tag_names_stays_listed_and_moves_when_the_tag_is_gone() {
    simulated(5, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        let made = grow(&table, simulation, 3).await;
        let tag = Tag { name: "release", snapshot: Some(made[1].0) };
        table.commit(tag, None).await.unwrap();
        grow(&table, simulation, 40).await;
        let base = table.base().unwrap();
        assert!(base.metadata.has_snapshot(made[1].0));
        assert!(!base.metadata.has_snapshot(made[0].0) && !base.metadata.has_snapshot(made[2].0));
        table.commit(Tag { name: "release", snapshot: None }, None).await.unwrap();
        grow(&table, simulation, 4).await;
        let base = table.base().unwrap();
        assert!(!base.metadata.has_snapshot(made[1].0));
        for (id, at_ms) in &made {
            assert_eq!(table.find_snapshot(&base, *id).await.unwrap().unwrap().snapshot.id, *id);
            assert_eq!(table.find_snapshot_at(&base, *at_ms).await.unwrap().unwrap().snapshot.id, *id);
        }
    });
}

#[test]
fn the_time_of_an_expired_snapshot_is_not_answered_with_the_one_before_it() {
    simulated(7, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        let mut made = grow(&table, simulation, 13).await;
        // The oldest that is listed comes right after the newest that was moved.
        let (gone, _) = made.iter().find(|(id, _)| table.base().unwrap().metadata.has_snapshot(*id)).unwrap();
        let gone = *gone;
        table.commit(ExpireSnapshots::new().older_than_ms(0).snapshot(gone), None).await.unwrap();
        for more in [0, 4, 60] {
            made.extend(grow(&table, simulation, more).await);
            let base = table.base().unwrap();
            for (id, at_ms) in &made {
                let at = table.find_snapshot_at(&base, at_ms + 1).await.unwrap();
                let expected = Some(*id).filter(|id| *id != gone);
                assert_eq!(at.map(|at| at.snapshot.id), expected, "at {at_ms}, {} snapshots", made.len());
            }
        }
    });
}

#[test]
fn the_index_of_segments_is_not_the_callers_to_change() {
    simulated(6, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        for change in [SetProperties::new().set(HISTORY, "{}"), SetProperties::new().remove(HISTORY)] {
            let refused = table.commit(change, None).await.unwrap_err();
            assert!(
                matches!(&refused, CommitError::Rejected { reason } if reason.contains(HISTORY)),
                "{refused}"
            );
        }
    });
}

/// Sets a tag, or removes it.
#[derive(Debug)]
struct Tag {
    name: &'static str,
    snapshot: Option<SnapshotId>,
}

impl datashard_txn::Operation for Tag {
    fn name(&self) -> &'static str {
        "tag"
    }

    fn fingerprint(&self) -> Vec<u8> {
        format!("{self:?}").into_bytes()
    }

    fn validate(&self, _: Option<&datashard_txn::Base>) -> Result<(), datashard_txn::Refusal> {
        Ok(())
    }

    fn produce(
        &self,
        _: Option<&datashard_txn::Base>,
        _: &datashard_txn::Inputs<'_>,
    ) -> Result<datashard_txn::Produced, datashard_txn::Refusal> {
        use datashard_spec::metadata::TableUpdate;
        let name = self.name.to_owned();
        let update = match self.snapshot {
            Some(id) => TableUpdate::SetSnapshotRef { name, reference: SnapshotRef::tag(id) },
            None => TableUpdate::RemoveSnapshotRef { name },
        };
        Ok(datashard_txn::Produced::new(datashard_txn::Content::Updates(vec![update])))
    }
}

#[test]
fn history_that_is_trimmed_while_more_of_it_is_due_to_move_stays_trimmed() {
    simulated(7, async |simulation, bucket| {
        let store = bucket.table(simulation.context());
        let (table, _) = Committer::create(store, short(), CommitOptions::default()).await.unwrap();
        // With each length, since what is due to move goes by it.
        for _ in 0..12 {
            let made = grow(&table, simulation, 11).await;
            let cut = made[0].1;
            match table.commit(TrimHistory::before(cut), None).await {
                Ok(_) => {}
                Err(CommitError::Rejected { reason, .. }) => assert!(reason.contains("that old"), "{reason}"),
                Err(error) => panic!("{error}"),
            }
            let base = table.base().unwrap();
            let moved = table.moved_snapshots(&base).await.unwrap();
            assert!(moved.iter().all(|snapshot| snapshot.timestamp_ms >= cut), "{cut}: {moved:?}");
        }
    });
}
