//! Rows D4, D16, G9: a table in the place of another one, and a machine that is copied while it commits.

use datashard_io::sim::Profile;
use datashard_txn::{CommitError, Committer};

use crate::ledger::What;
use crate::scene::{Scene, append, ms, open, seconds};
use crate::site::create_table;

fn wipe(scene: &Scene) {
    for key in scene.site.store.keys() {
        if key.starts_with("table/") {
            scene.site.store.remove(&key);
        }
    }
}

fn make_other(scene: &Scene) -> Committer {
    let process = scene.process("second maker");
    let (site, own) = (scene.site.clone(), process.clone());
    scene.run_in(&process, async move {
        Committer::create(site.table(&own), create_table(), site.options(&own)).await.unwrap().0
    })
}

#[test]
fn d4_a_handle_that_was_told_that_its_table_is_gone_never_commits_to_another_in_its_place() {
    let scene = Scene::new(1);
    let process = scene.process("writer");
    let table = scene.open(&process);
    // What others still had to do, the hint, is done.
    scene.wait(seconds(2));
    wipe(&scene);
    scene.wait(seconds(120));
    let gone = scene.append(&process, &table);
    assert!(matches!(gone, Err(CommitError::NoTable { .. })), "{gone:?}");
    make_other(&scene);
    let answer = scene.append(&process, &table);
    assert!(answer.is_err(), "{answer:?}");
    let again = scene.append(&process, &table);
    assert!(again.is_err(), "{again:?}");
}

#[test]
fn g9_a_handle_never_commits_on_top_of_another_table_that_is_shorter() {
    let scene = Scene::new(2);
    let process = scene.process("writer");
    let table = scene.open(&process);
    scene.append(&process, &table).unwrap();
    // What it still had to do, the hint, is done.
    scene.wait(seconds(2));
    wipe(&scene);
    make_other(&scene);
    let answer = scene.append(&process, &table);
    assert!(answer.is_err(), "{answer:?}");
}

#[test]
fn d16_a_machine_that_is_copied_in_the_middle_of_an_append_damages_nothing() {
    for seed in 0..60 {
        for profile in [Profile::s3(), Profile::every(ms(10))] {
            let scene = Scene::with(seed, profile, |_| {});
            let one = scene.process("machine");
            let other = one.snapshot("its copy");
            let store = scene.site.table(&one);
            let (added, files) = scene.site.append(&store, 1, None);
            let record = scene.site.ledger().begin(What::Append, files);
            let go = |process: &datashard_io::sim::Process| {
                let (site, own, added) = (scene.site.clone(), process.clone(), added.clone());
                process.spawn(async move {
                    let table = open(&site, &own).await;
                    table.append(added).await
                })
            };
            let tasks = [go(&one), go(&other)];
            let third = scene.process("third");
            let company = {
                let (site, own) = (scene.site.clone(), third.clone());
                third.spawn(async move {
                    let table = open(&site, &own).await;
                    for _ in 0..4 {
                        append(&site, &table).await.unwrap();
                    }
                })
            };
            let answers = tasks.map(|task| scene.run(task).unwrap());
            scene.run(company).unwrap();
            let best = if answers[0].is_ok() { &answers[0] } else { &answers[1] };
            scene.site.ledger().end(record, best);
            scene.wait(seconds(100));
            if let Err(what) = crate::auditor::audit(&scene.site) {
                panic!("seed {seed}: {what}: {answers:?}");
            }
        }
    }
}
