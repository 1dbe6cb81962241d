//! Rows D3, D7, D13, D16, D17, G7: races of creators, of properties, of keys; a table that comes back to where it was; clones; clocks.

use std::collections::BTreeSet;

use bytes::Bytes;
use datashard_io::head::metadata_path;
use datashard_io::request::RequestKind::Put;
use datashard_io::sim::{Effect, Loss, Process, Profile};
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_spec::snapshot_ref::SnapshotRef;
use datashard_txn::action::SetProperties;
use datashard_txn::protocol::{
    AppKey, ChainHash, CommitId, CommitState, Generation, Ineligible, Limits, Member, OperationTag, Pending,
    SessionEntry, SessionId, Standing, Step, advance, resolve,
};
use datashard_txn::{CommitError, Committer};

use crate::chain::Chain;
use crate::ledger::What;
use crate::scene::{METADATA, Scene, append, append_keyed, ms, open, seconds};
use crate::site::create_table;

#[test]
fn d03_of_many_who_make_a_table_at_once_one_does() {
    for (seed, makers) in [(1, 2), (2, 5), (3, 32)] {
        for profile in [Profile::s3(), Profile::gcs(), Profile::instant()] {
            let scene = Scene::without_table(seed, profile, |_| {});
            let processes: Vec<Process> = (0..makers).map(|n| scene.process(&format!("maker{n}"))).collect();
            let make = |process: &Process| {
                let (site, own) = (scene.site.clone(), process.clone());
                process.spawn(async move {
                    match Committer::create(site.table(&own), create_table(), site.options(&own)).await {
                        Ok((table, _)) => (true, table.base().unwrap().metadata.table_uuid()),
                        Err(CommitError::TableExists { .. }) => {
                            (false, open(&site, &own).await.base().unwrap().metadata.table_uuid())
                        }
                        Err(error) => panic!("{error}"),
                    }
                })
            };
            let tasks: Vec<_> = processes.iter().map(make).collect();
            let told: Vec<_> = tasks.into_iter().map(|task| scene.run(task).unwrap()).collect();
            assert_eq!(told.iter().filter(|(made, _)| *made).count(), 1);
            assert_eq!(told.iter().map(|(_, uuid)| uuid).collect::<BTreeSet<_>>().len(), 1);
            assert_eq!(scene.audit().newest, 1);
        }
    }
}

#[test]
fn d03_the_maker_whose_answer_is_lost_has_made_the_table() {
    for loss in [Loss::Closed, Loss::Silence] {
        let scene = Scene::without_table(4, Profile::every(ms(10)), |_| {});
        let process = scene.process("maker");
        scene.once(Put, METADATA, Effect::LoseAnswer(loss));
        let (site, own) = (scene.site.clone(), process.clone());
        let made = scene.run_in(&process, async move {
            Committer::create(site.table(&own), create_table(), site.options(&own)).await.map(|_| ())
        });
        made.unwrap();
        assert_eq!(scene.audit().newest, 1);
    }
}

#[test]
fn d07_properties_set_at_once_merge_key_by_key_and_the_last_of_a_key_stands() {
    let scene = Scene::with(5, Profile::s3(), |_| {});
    let set = |number: u64| {
        let process = scene.process(&format!("writer{number}"));
        let (site, own) = (scene.site.clone(), process.clone());
        process.spawn(async move {
            let table = open(&site, &own).await;
            let record = site.ledger().begin(What::Property(format!("own.{number}")), Vec::new());
            let change =
                SetProperties::new().set(format!("own.{number}"), "set").set("shared", number.to_string());
            let answer = table.commit(change, None).await;
            site.ledger().end(record, &answer);
            (answer.unwrap().version.0, number)
        })
    };
    let tasks: Vec<_> = (0..8).map(set).collect();
    let last = tasks.into_iter().map(|task| scene.run(task).unwrap()).max().unwrap();
    scene.audit();
    let chain = Chain::read(&scene.site.store).unwrap();
    let (newest, version) = chain.newest().unwrap();
    assert_eq!(last.0, newest);
    assert_eq!(version.metadata.properties().get("shared"), Some(&last.1.to_string()));
}

#[test]
fn d07_a_commit_goes_by_the_properties_of_its_base() {
    let scene = Scene::new(6);
    let (one, other) = (scene.process("one"), scene.process("other"));
    let (stale, table) = (scene.open(&one), scene.open(&other));
    let change = SetProperties::new().set("write.metadata.previous-versions-max", "2");
    scene.run_in(&other, async move { table.commit(change, None).await.unwrap() });
    for _ in 0..3 {
        scene.append(&one, &stale).unwrap();
    }
    let chain = Chain::read(&scene.site.store).unwrap();
    assert_eq!(chain.newest().unwrap().1.metadata.metadata_log().len(), 2);
    scene.audit();
}

/// Sets `main` to a snapshot, as a rollback does.
fn roll_back(scene: &Scene, to: SnapshotId) {
    let process = scene.process("rollback");
    let table = scene.site.table(&process);
    scene.run_in(&process, async move {
        let head = table.find_head().await.unwrap().unwrap();
        let base = TableMetadata::from_bytes(&head.metadata).unwrap();
        let updates = [
            TableUpdate::SetSnapshotRef { name: "main".to_owned(), reference: SnapshotRef::branch(to) },
            TableUpdate::SetProperties { updates: [("rolled".to_owned(), head.version.to_string())].into() },
        ];
        let next = base.apply(&updates, &ApplyContext::new(base.last_updated_ms())).unwrap();
        let path = metadata_path(MetadataVersion(head.version.0 + 1)).unwrap();
        assert!(table.create(&path, Bytes::from(next.to_json())).await.unwrap().is_yes());
    });
}

#[test]
fn d13_a_table_that_came_back_to_an_earlier_snapshot_is_not_taken_for_unchanged() {
    let scene = Scene::new(7);
    let process = scene.process("writer");
    let table = scene.open(&process);
    scene.append(&process, &table).unwrap();
    let base = table.base().unwrap();
    let snapshots: Vec<SnapshotId> = base.metadata.snapshot_ids().collect();
    assert_eq!((base.version.0, snapshots.len()), (3, 2));
    roll_back(&scene, snapshots[0]);
    roll_back(&scene, snapshots[1]);
    // The current snapshot is the one that the handle knows, and the version is not.
    let committed = scene.append(&process, &table).unwrap();
    assert_eq!(committed.version.0, 6);
    let properties = table.base().unwrap().metadata.properties().clone();
    assert_eq!(properties.get("rolled").map(String::as_str), Some("4"), "nothing that was committed is lost");
    scene.audit();
}

#[test]
fn d13_an_append_after_a_rollback_goes_on_from_where_the_table_is() {
    let scene = Scene::new(8);
    let process = scene.process("writer");
    let table = scene.open(&process);
    let kept = table.base().unwrap().metadata.current_snapshot_id().unwrap();
    scene.append(&process, &table).unwrap();
    roll_back(&scene, kept);
    let committed = scene.append(&process, &table).unwrap();
    let base = table.base().unwrap();
    let snapshot = base.metadata.snapshot(committed.snapshot_id.unwrap()).unwrap().unwrap();
    assert_eq!(snapshot.parent_id, Some(kept));
    assert_eq!(snapshot.summary.total_data_files(), Some(2), "of the three appends one was rolled back");
}

#[test]
fn d16_two_machines_started_from_one_snapshot_lose_nothing_and_double_nothing() {
    for seed in 0..40 {
        for profile in [Profile::s3(), Profile::every(ms(10)), Profile::instant()] {
            let scene = Scene::with(seed, profile, |plan| {
                plan.limits = Limits::default().with_floor_distance(seed % 3);
            });
            let one = scene.process("machine");
            let other = one.snapshot("its clone");
            let work = |process: &Process| {
                let (site, own) = (scene.site.clone(), process.clone());
                process.spawn(async move {
                    let table = open(&site, &own).await;
                    for _ in 0..4 {
                        append(&site, &table).await.unwrap();
                    }
                })
            };
            let tasks = [work(&one), work(&other)];
            for task in tasks {
                scene.run(task).unwrap();
            }
            let found = scene.audit();
            assert_eq!((found.newest, found.times), (10, vec![1; 9]), "seed {seed}");
        }
    }
}

/// Its own entry may have been there before the clone's, and be dropped: only history knows.
#[test]
fn d16_a_number_that_a_clone_took_proves_nothing_once_the_entry_before_may_be_dropped() {
    let generation = Generation(1);
    let mut pending = Pending::new(SessionId(5), 1, ChainHash::default(), OperationTag(1));
    let mut state = CommitState::new(generation);
    pending.known_uncommitted(MetadataVersion(3), Some(&state), generation);
    let clones = SessionEntry { last: 1, version: MetadataVersion(7), chain: ChainHash(2) };
    state.sessions.insert(SessionId(5), clones);
    let standing = |floor: u64| {
        let mut state = state.clone();
        state.intent_floor = MetadataVersion(floor);
        resolve(&pending, MetadataVersion(8), Some(&state), Limits::default())
    };
    assert_eq!(standing(4), Standing::Uncommitted { new_session: true });
    assert_eq!(standing(5), Standing::AskHistory);
}

#[test]
fn d17_one_key_from_several_processes_at_once_is_applied_once_and_all_are_told_the_same() {
    for seed in 0..20 {
        let scene = Scene::with(seed, Profile::s3(), |plan| {
            plan.limits = Limits::default().with_floor_distance(seed % 4);
        });
        let key = AppKey::new("job", 7);
        let send = |number: u64| {
            let process = scene.process(&format!("sender{number}"));
            let (site, own, key) = (scene.site.clone(), process.clone(), key.clone());
            process.spawn(async move {
                let table = open(&site, &own).await;
                append_keyed(&site, &table, &key).await.2.unwrap()
            })
        };
        let tasks: Vec<_> = (0..4).map(send).collect();
        let mut told: Vec<_> = tasks.into_iter().map(|task| scene.run(task).unwrap()).collect();
        // After a restart, when all else has long been forgotten.
        for _ in 0..3 {
            let process = scene.process("other");
            let other = scene.open(&process);
            scene.append(&process, &other).unwrap();
        }
        told.push(scene.run(send(9)).unwrap());
        assert_eq!(told.iter().filter(|committed| !committed.duplicate).count(), 1, "{told:?}");
        let snapshots: BTreeSet<_> = told.iter().map(|committed| committed.snapshot_id.unwrap()).collect();
        assert_eq!(snapshots.len(), 1, "{told:?}");
        scene.audit();
    }
}

#[test]
fn d17_a_key_whose_first_send_was_never_answered_is_applied_once() {
    for acted in [true, false] {
        let scene = Scene::with(9, Profile::every(ms(10)), |plan| plan.timeout = seconds(5));
        let process = scene.process("sender");
        let table = scene.open(&process);
        let lost = if acted { Effect::LoseAnswer(Loss::Silence) } else { Effect::LoseRequest(Loss::Silence) };
        scene.once(Put, METADATA, lost);
        let key = AppKey::new("job", 1);
        let (site, own, same) = (scene.site.clone(), process.clone(), key.clone());
        drop(process.spawn(async move { append_keyed(&site, &table, &same).await.2.is_ok() }));
        scene.wait(ms(200));
        own.kill();
        let again = scene.process("sender again");
        let (site, table) = (scene.site.clone(), scene.open(&again));
        let committed =
            scene.run_in(&again, async move { append_keyed(&site, &table, &key).await.2.unwrap() });
        assert_eq!(committed.duplicate, acted);
        assert_eq!(scene.audit().newest, 3);
    }
}

#[test]
fn g07_timestamps_never_fall_whatever_the_wall_clocks_do() {
    let jumps_ms = [-3_600_000, 315_360_000_000, -315_360_000_000, -1, 60_000, i64::MIN / 4, -3_600_000];
    let scene = Scene::new(10);
    let processes = [scene.process("one"), scene.process("other")];
    let tables = processes.each_ref().map(|process| scene.open(process));
    for (number, jump_ms) in jumps_ms.into_iter().enumerate() {
        let (process, table) = (&processes[number % 2], &tables[number % 2]);
        process.jump_wall_clock(jump_ms);
        // Each time the other one's clock is right, or wrong in another way.
        for (process, table) in [(process, table), (&processes[(number + 1) % 2], &tables[(number + 1) % 2])]
        {
            scene.append(process, table).unwrap_or_else(|error| panic!("jump {jump_ms}: {error}"));
        }
        scene.audit();
    }
    assert_eq!(scene.audit().newest, 2 + 14);
}

/// Whoever drops the commit state drops the file floor: what was begun below it may be collected, and must not come in afterwards (R9).
#[test]
fn e06_files_begun_before_the_commit_state_was_lost_are_not_added() {
    let step = Step { commit: CommitId(1), generation: Generation(2), file_floor: MetadataVersion(0) };
    let of_epoch = |epoch: u64| {
        let member =
            Member::direct(SessionId(1), 1, OperationTag(1)).with_oldest_epoch(Some(MetadataVersion(epoch)));
        advance(None, MetadataVersion(9), &[member], step, Limits::default())
            .map(|advanced| advanced.state.file_floor)
    };
    assert_eq!(of_epoch(9), Ok(MetadataVersion(9)));
    assert_eq!(of_epoch(8), Err((0, Ineligible::FilesBelowFloor { floor: MetadataVersion(9) })));
}
