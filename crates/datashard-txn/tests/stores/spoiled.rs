//! One append whose metadata, or the answer to it, is spoiled on the way to a real server. Whatever happens, the row is in the table once, in
//! one snapshot, and its writer is told so.

use std::time::Duration;

use datashard_io::TableStore;
use datashard_io::context::Context;
use datashard_io::store::RetryPolicy;
use datashard_txn::{CommitOptions, Committed, Committer};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join};

use crate::proxy::{Fault, Proxy, Rule};
use crate::servers::Server;
use crate::support::audit::audit;
use crate::support::rows::{row, table};

/// A test: its name, and how to run it on a server.
pub(crate) type Test = (&'static str, fn(Server) -> BoxFuture<'static, ()>);

const LATE: Duration = Duration::from_millis(1_500);

pub(crate) const TESTS: [Test; 14] = [
    ("b1_commit_whose_answer_is_closed_off_is_recognised", |s| alone(s, Fault::CloseAfter, 1)),
    ("b1_commit_whose_answer_is_reset_is_recognised", |s| alone(s, Fault::ResetAfter, 1)),
    ("b1_commit_whose_answer_is_cut_off_is_recognised", |s| alone(s, Fault::CutAfter, 1)),
    ("b2_commit_that_is_never_answered_is_recognised", |s| {
        alone(s, Fault::HangAfter(Duration::from_secs(30)), 1)
    }),
    ("b2_commit_that_never_arrives_is_sent_again", |s| alone(s, Fault::CloseBefore, 2)),
    ("b3_commit_that_arrives_late_is_applied_once", |s| late(s)),
    ("b4_commit_that_is_delivered_twice_and_granted_is_applied_once", |s| alone(s, Fault::TwiceFirst, 1)),
    ("b4_commit_that_is_delivered_twice_and_refused_is_recognised", |s| alone(s, Fault::TwiceLast, 1)),
    ("b5_commit_that_is_acted_on_and_answered_500_is_recognised", |s| alone(s, Fault::StatusAfter(500), 1)),
    ("b5_commit_without_answer_is_recognised_below_a_commit_of_another", |s| below_another(s)),
    ("b6_conflict_with_the_slot_empty_is_sent_again", |s| alone(s, Fault::StatusBefore(409), 1)),
    ("b7_slot_that_is_taken_costs_no_data", |s| taken(s)),
    ("b8_throttled_commit_is_sent_again", |s| alone(s, Fault::StatusBefore(429), 1)),
    ("b8_unavailable_store_is_asked_again", |s| alone(s, Fault::StatusBefore(503), 2)),
];

/// A table with a row, whose writer reaches it through a proxy.
struct Spoiled {
    proxy: Proxy,
    table: String,
    committer: Committer,
    /// Another handle, not through the proxy.
    other: Committer,
}

/// The version that the spoiled append is to make.
const VERSION: u64 = 3;

impl Spoiled {
    async fn begin(server: &Server, request_timeout: Duration) -> Self {
        let proxy = Proxy::start(&server.endpoint).await.expect("a free port");
        let name = format!("spoiled-{}", Context::system().ids.uuid());
        let retry = RetryPolicy::default().with_request_timeout(request_timeout);
        let store = server.behind(proxy.url()).open_with(&name, retry).await.expect("a client");
        let (committer, _) =
            Committer::create(store, table(), CommitOptions::default()).await.expect("a table");
        committer.append(row(&committer, "before", "0")).await.expect("an append");
        let direct = server.open(&name).await.expect("a client");
        let other = Committer::open(direct, CommitOptions::default()).await.expect("the table");
        Self { proxy, table: name, committer, other }
    }

    fn spoil(&self, fault: Fault) {
        let metadata = format!("{}/metadata/v{VERSION}.metadata.json", self.table);
        self.proxy.spoil(Rule::new("PUT", &metadata, fault, 1));
    }

    async fn append(&self) -> Committed {
        self.committer.append(row(&self.committer, "spoiled", "0")).await.expect("an append")
    }

    fn direct(&self) -> &TableStore {
        self.other.store()
    }

    async fn check(&self, rows: &[&str]) {
        let audited = audit(self.direct()).await.expect("a sound table");
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        assert_eq!(audited.each_once().into_iter().collect::<Vec<_>>(), rows);
        assert_eq!(audited.version, rows.len() as u64 + 1, "one version for each row");
    }
}

fn alone(server: Server, fault: Fault, attempts: u32) -> BoxFuture<'static, ()> {
    async move {
        let is_silent = matches!(fault, Fault::HangAfter(_));
        let timeout = Duration::from_secs(if is_silent { 2 } else { 30 });
        let spoiled = Spoiled::begin(&server, timeout).await;
        spoiled.spoil(fault);
        let committed = spoiled.append().await;
        assert_eq!(
            (committed.version.0, committed.attempts, committed.duplicate),
            (VERSION, attempts, false)
        );
        assert!(committed.snapshot_id.is_some());
        spoiled.check(&["before", "spoiled"]).await;
        // The session goes on.
        spoiled.committer.append(row(&spoiled.committer, "after", "0")).await.expect("an append");
        spoiled.check(&["before", "spoiled", "after"]).await;
    }
    .boxed()
}

fn late(server: Server) -> BoxFuture<'static, ()> {
    async move {
        let spoiled = Spoiled::begin(&server, Duration::from_secs(30)).await;
        spoiled.spoil(Fault::Late(LATE));
        let committed = spoiled.append().await;
        assert_eq!((committed.version.0, committed.attempts), (VERSION, 2));
        spoiled.other.append(row(&spoiled.other, "theirs", "0")).await.expect("an append");
        // Until what was late has arrived.
        let clock = Context::system().clock;
        while !spoiled.proxy.log().iter().any(|seen| matches!(seen.fault, Some(Fault::Late(_)))) {
            clock.sleep(Duration::from_millis(50)).await;
        }
        spoiled.check(&["before", "spoiled", "theirs"]).await;
    }
    .boxed()
}

fn below_another(server: Server) -> BoxFuture<'static, ()> {
    async move {
        let spoiled = Spoiled::begin(&server, Duration::from_secs(30)).await;
        spoiled.spoil(Fault::HangAfter(Duration::from_secs(3)));
        let theirs = async {
            // Once what is spoiled has been acted on, another handle finds it and commits on top.
            while spoiled.other.refresh().await.expect("the table").version.0 < VERSION {
                Context::system().clock.sleep(Duration::from_millis(20)).await;
            }
            spoiled.other.append(row(&spoiled.other, "theirs", "0")).await.expect("an append").version.0
        };
        let (ours, theirs) = join(spoiled.append(), theirs).await;
        assert_eq!((ours.version.0, ours.attempts, theirs), (VERSION, 1, VERSION + 1));
        spoiled.check(&["before", "spoiled", "theirs"]).await;
    }
    .boxed()
}

fn taken(server: Server) -> BoxFuture<'static, ()> {
    async move {
        let spoiled = Spoiled::begin(&server, Duration::from_secs(30)).await;
        spoiled.spoil(Fault::Delay(Duration::from_secs(2)));
        let sent = || spoiled.proxy.log().into_iter().filter(|seen| seen.method == "PUT");
        let before = sent().count();
        let theirs = async {
            // Ours is under way when its children are there.
            while sent().count() < before + 3 {
                Context::system().clock.sleep(Duration::from_millis(20)).await;
            }
            spoiled.other.append(row(&spoiled.other, "theirs", "0")).await.expect("an append").version.0
        };
        let (ours, theirs) = join(spoiled.append(), theirs).await;
        assert_eq!((ours.version.0, ours.attempts, theirs), (VERSION + 1, 2, VERSION));
        let data = sent().skip(before).filter(|seen| seen.path.contains(".parquet")).count();
        assert_eq!(data, 1, "data is written once");
        spoiled.check(&["before", "spoiled", "theirs"]).await;
    }
    .boxed()
}
