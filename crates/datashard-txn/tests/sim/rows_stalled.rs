//! Rows C11, D15 and E1: handles and writers that stand still for hours while the table moves on and old versions go.

use bytes::Bytes;
use datashard_io::head::metadata_path;
use datashard_io::sim::{Process, Profile};
use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_txn::action::SetProperties;
use datashard_txn::protocol::{COMMIT_STATE, CommitId, CommitState};
use datashard_txn::{CommitError, Committer, epoch};

use crate::chain::{Chain, reachable};
use crate::scene::{Scene, append, ms, open, seconds};

/// So many commits by another process, hours apart; then all but the last two versions are retired and gone.
fn move_on(scene: &Scene, commits: u64) {
    let process = scene.process("other");
    let table = scene.open(&process);
    for _ in 0..commits {
        scene.append(&process, &table).unwrap();
        scene.wait(seconds(3_600));
    }
    let newest = table.base().unwrap().version;
    retire(scene, MetadataVersion(newest.0 - 1));
}

fn retire(scene: &Scene, to: MetadataVersion) {
    let process = scene.process("clean-up");
    let table = scene.site.table(&process);
    scene.run_in(&process, async move {
        let _ = table.advance_hint(to).await;
        let _ = table.flush_hint().await;
        assert_eq!(table.raise_retired(to).await.unwrap(), to);
        for version in 1..to.0 {
            table.delete(&metadata_path(MetadataVersion(version)).unwrap()).await.unwrap();
        }
    });
}

#[test]
fn c11_a_handle_that_wakes_after_hours_reads_and_commits_what_is_the_newest_then() {
    for commits in [3, 10, 40] {
        for reads_first in [true, false] {
            let scene = Scene::new(1);
            let process = scene.process("sleeper");
            let table = scene.open(&process);
            move_on(&scene, commits);
            if reads_first {
                let same = table.clone();
                let base = scene.run_in(&process, async move { same.refresh().await.unwrap() });
                assert_eq!(base.version.0, 2 + commits);
            }
            assert_eq!(scene.append(&process, &table).unwrap().version.0, 3 + commits);
            scene.audit();
        }
    }
}

/// What the sleeper's base refers to is gone as well, since its snapshot was expired.
#[test]
fn c11_a_handle_whose_base_was_expired_and_swept_commits_on_the_newest_version() {
    let scene = Scene::new(2);
    let process = scene.process("sleeper");
    let table = scene.open(&process);
    let other = scene.process("other");
    let site = scene.site.clone();
    let own = other.clone();
    scene.run_in(&other, async move {
        let table = open(&site, &own).await;
        let change = SetProperties::new().set("datashard.snapshot.retention-count", "1");
        table.commit(change, None).await.unwrap();
        for _ in 0..3 {
            append(&site, &table).await.unwrap();
        }
    });
    scene.wait(seconds(4 * 3_600));
    retire(&scene, MetadataVersion(6));
    let chain = Chain::read(&scene.site.store).unwrap();
    let needed = reachable(&scene.site.store, &chain.newest().unwrap().1.metadata).unwrap();
    for key in scene.site.store.keys() {
        if key.ends_with(".avro") && !needed.contains(&key) {
            assert!(scene.site.store.remove(&key));
        }
    }
    let committed = scene.append(&process, &table).unwrap();
    assert_eq!(committed.version.0, 7);
    let base = table.base().unwrap();
    let snapshot = base.metadata.current_snapshot().unwrap().unwrap();
    assert_eq!(snapshot.summary.total_data_files(), Some(5));
}

/// A writer stands still after so much of its append, until other commits have been made and old versions are gone.
fn stalled_after(scene: &Scene, process: &Process, table: &Committer, after_ms: u64, commits: u64) -> u64 {
    let (site, table) = (scene.site.clone(), table.clone());
    let slow = process.spawn(async move { append(&site, &table).await.unwrap() });
    scene.wait(ms(after_ms));
    process.pause();
    move_on(scene, commits);
    process.resume();
    scene.run(slow).unwrap().version.0
}

/// Reads are answered before writes, so a writer may know that a version is free and stand still before it makes it.
fn reads_first() -> Profile {
    let mut profile = Profile::every(ms(10));
    profile.put = ms(40);
    profile
}

#[test]
fn d15_a_writer_that_stood_still_while_versions_were_retired_succeeds_only_in_the_chain() {
    for strict in [false, true] {
        for commits in [3, 12] {
            let mut late = 0;
            for after_ms in (0..100).step_by(5) {
                let scene = Scene::with(3, reads_first(), |plan| {
                    plan.strict = strict;
                    plan.timeout = seconds(1_000 * 3_600);
                });
                let process = scene.process("stalled");
                let table = scene.open(&process);
                let version = stalled_after(&scene, &process, &table, after_ms, commits);
                let found = scene.audit();
                assert_eq!(found.newest, 3 + commits, "{after_ms} ms");
                assert!(version >= found.retired || after_ms > 40, "{after_ms} ms: version {version}");
                late += u64::from(version > 3);
            }
            assert!((10..20).contains(&late), "{late}: some stood still before their create, some after it");
        }
    }
}

#[test]
fn d15_a_writer_that_stood_still_forgets_the_version_that_it_made_below_the_boundary() {
    let scene = Scene::with(4, reads_first(), |plan| plan.timeout = seconds(1_000 * 3_600));
    let process = scene.process("stalled");
    let table = scene.open(&process);
    // It has read that version 3 is free, and waits for its files to be written.
    let version = stalled_after(&scene, &process, &table, 30, 8);
    assert_eq!(version, 11);
    assert!(
        scene.site.store.object("table/metadata/v3.metadata.json").is_some(),
        "the version that does not count"
    );
    assert_eq!(scene.audit().retired, 9);
    assert_eq!(scene.append(&process, &table).unwrap().version.0, 12);
    scene.audit();
}

/// Raises the file floor to the version that does it, as a sweep does before it deletes.
fn raise_file_floor(scene: &Scene) -> MetadataVersion {
    let process = scene.process("sweep");
    let table = scene.site.table(&process);
    scene.run_in(&process, async move {
        let head = table.find_head().await.unwrap().unwrap();
        let base = TableMetadata::from_bytes(&head.metadata).unwrap();
        let mut state = CommitState::of_properties(base.properties(), head.version).unwrap().unwrap();
        let version = MetadataVersion(head.version.0 + 1);
        (state.parent, state.commit, state.file_floor) = (state.commit, CommitId(7), version);
        let updates = [(COMMIT_STATE.to_owned(), state.to_text())].into();
        let context = ApplyContext::new(base.last_updated_ms());
        let next = base.apply(&[TableUpdate::SetProperties { updates }], &context).unwrap();
        let created = table.create(&metadata_path(version).unwrap(), Bytes::from(next.to_json())).await;
        assert!(created.unwrap().is_yes());
        version
    })
}

#[test]
fn e01_what_was_begun_below_the_file_floor_is_written_anew_unless_it_is_the_callers() {
    let scene = Scene::new(5);
    let process = scene.process("stale");
    let table = scene.open(&process);
    let known = table.base().unwrap().version;
    let floor = raise_file_floor(&scene);
    // Nothing of these was written before they met the floor, or nothing that has an epoch but what a commit can write again.
    let same = table.clone();
    let change = SetProperties::new().set("a", "b");
    scene.run_in(&process, async move { same.commit(change, None).await.unwrap() });
    raise_file_floor(&scene);
    scene.append(&process, &table).unwrap();
    scene.wait(seconds(1));
    for key in scene.site.store.keys() {
        let epoch = epoch::of_file(&key).filter(|_| key.ends_with(".avro"));
        assert!(epoch.is_none_or(|epoch| epoch > floor || epoch < MetadataVersion(2)), "{key} was left");
    }
    // A file that the caller named at a time before the floor may be gone already.
    let (append, _) = scene.site.append(table.store(), 1, Some(known));
    let same = table.clone();
    let error = scene.run_in(&process, async move { same.append(append).await.unwrap_err() });
    assert!(matches!(error, CommitError::Rejected { .. }), "{error}");
    scene.audit();
}
