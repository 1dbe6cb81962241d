//! Row D18: many handles, futures that are dropped at every await, and a group that goes on without those who left it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use datashard_io::request::RequestKind::Put;
use datashard_io::sim::{Answer, Effect, Fault, Loss, Profile};
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_txn::action::Append;
use datashard_txn::{Background, Committer};
use futures_util::future::{BoxFuture, join_all};

use crate::ledger::Fate;
use crate::scene::{METADATA, Scene, append, ms, open, seconds};

/// Drops what nobody waits for, as when there is no runtime.
#[derive(Debug)]
struct Nobody;

impl Background for Nobody {
    fn run(&self, _: BoxFuture<'static, ()>) {}
}

/// Polls a future so many times at most, and drops it; `None` if it had not ended.
async fn poll_times<T>(future: impl Future<Output = T>, times: u64) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // The one who polled it last goes away at once.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// An append is dropped after so many polls, while another one on the same handle goes on or not, and what befalls its create is this.
/// Says whether the dropped append had ended.
fn dropped_after(polls: u64, has_company: bool, goes_on: bool, effect: Option<Effect>) -> bool {
    let scene = Scene::with(1, Profile::every(ms(10)), |plan| plan.timeout = seconds(60));
    let process = scene.process("writer");
    let (site, own) = (scene.site.clone(), process.clone());
    let table = scene.run_in(&process, async move {
        if goes_on {
            return open(&site, &own).await;
        }
        let options = site.options(&own).with_background(Arc::new(Nobody));
        Committer::open(site.table(&own), options).await.unwrap()
    });
    if let Some(effect) = &effect {
        scene.once(Put, METADATA, effect.clone());
    }
    let (site, other_site, other) = (scene.site.clone(), scene.site.clone(), table.clone());
    let company = process.spawn(async move {
        if has_company {
            append(&other_site, &other).await.unwrap();
        }
    });
    let one = table.clone();
    let ended = scene.run_in(&process, async move {
        let answer = poll_times(append(&site, &one), polls).await;
        answer.inspect(|answer| assert!(answer.is_ok(), "{answer:?}")).is_some()
    });
    scene.run(company).unwrap();
    if !has_company && polls.is_multiple_of(2) {
        // Whoever comes next finds the commit in progress, or what became of it.
        scene.wait(seconds(100));
    }
    scene.append(&process, &table).unwrap_or_else(|error| panic!("after {polls} polls: {error}"));
    scene.wait(seconds(100));
    let found = scene.audit();
    assert!(found.times.iter().sum::<usize>() >= 2, "{:?}", found.times);
    let unheard =
        scene.site.ledger().records.iter().filter(|record| matches!(record.fate, Fate::Unheard)).count();
    assert_eq!(unheard, usize::from(!ended));
    ended
}

#[test]
fn d18_an_append_may_be_dropped_at_every_await() {
    let silence = Effect::LoseAnswer(Loss::Silence);
    let error = Effect::LoseRequest(Loss::Answer(Answer::internal_error()));
    for effect in [None, Some(silence), Some(error)] {
        for has_company in [false, true] {
            for goes_on in [false, true] {
                let ended = |polls: &u64| dropped_after(*polls, has_company, goes_on, effect.clone());
                let last = (1..200).find(ended).expect("it ends at some time");
                assert!(last >= 3, "{last} awaits only");
            }
        }
    }
}

#[test]
fn d18_hundreds_of_clones_of_a_handle_share_few_commits() {
    let scene = Scene::with(2, Profile::s3(), |_| {});
    let process = scene.process("writer");
    let table = scene.open(&process);
    let tasks: Vec<_> = (0..256)
        .map(|_| {
            let (site, table) = (scene.site.clone(), table.clone());
            process.spawn(async move { append(&site, &table).await.unwrap().version.0 })
        })
        .collect();
    let mut versions: Vec<u64> = scene.run(join_all(tasks)).into_iter().map(Result::unwrap).collect();
    versions.sort_unstable();
    versions.dedup();
    assert!(versions.len() <= 3, "{versions:?}");
    assert_eq!(scene.audit().times.len(), 257);
}

#[test]
fn d18_handles_of_one_process_that_append_at_once_lose_nothing() {
    let scene = Scene::with(3, Profile::instant(), |plan| plan.timeout = seconds(3_600));
    let process = scene.process("writer");
    let tasks: Vec<_> = (0..48)
        .map(|_| {
            let (site, own) = (scene.site.clone(), process.clone());
            process.spawn(async move {
                let table = open(&site, &own).await;
                append(&site, &table).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        scene.run(task).unwrap();
    }
    assert_eq!(scene.audit().newest, 2 + 48);
}

#[test]
fn d18_one_bad_append_does_not_fail_its_group() {
    let scene = Scene::new(4);
    let process = scene.process("writer");
    let table = scene.open(&process);
    let (site, plan, own) = (scene.site.clone(), scene.site.clone(), process.clone());
    let answers = scene.run_in(&process, async move {
        // The first one is under way while the others gather.
        let first = append(&site, &table);
        let second = append(&site, &table);
        let file = DataFile::new(plan.table(&own).location().to_string(), FileFormat::Puffin, 1, 1);
        let bad = table.append(Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file));
        let third = append(&site, &table);
        let (first, second, bad, third) = futures_util::join!(first, second, bad, third);
        [first, second, bad, third].map(|answer| answer.is_ok())
    });
    assert_eq!(answers, [true, true, false, true]);
    scene.audit();
}

#[test]
fn d18_a_group_whose_time_is_up_has_no_more_time_for_each_of_its_members() {
    let scene = Scene::with(5, Profile::every(ms(10)), |plan| plan.timeout = seconds(10));
    let process = scene.process("writer");
    let table = scene.open(&process);
    // Every slot is taken by somebody else.
    let (site, rival) = (scene.site.clone(), scene.process("rival"));
    let own = rival.clone();
    drop(rival.spawn(async move {
        let table = open(&site, &own).await;
        loop {
            append(&site, &table).await.unwrap();
        }
    }));
    let slow = Fault::on(Put, "*/metadata/snap-*").by(&process).always();
    scene.site.store.add_fault(slow.doing(Effect::Delay(ms(200))));
    let (site, one) = (scene.site.clone(), table.clone());
    let clock = process.context().clock.clone();
    let (took, answers) = scene.run_in(&process, async move {
        let began = clock.elapsed();
        let calls = (0..8).map(|_| append(&site, &one));
        let answers = join_all(calls).await;
        (clock.elapsed() - began, answers)
    });
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert!(took < seconds(12), "{took:?}");
}
