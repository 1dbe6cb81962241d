//! What `create` answers when its request or the answer to it is spoiled on the way to a real server.
//!
//! Each row names the fault, what may be answered, and what is then in the store. In every row the caller finds the truth in the same
//! way: the same bytes are sent again until the answer is definite, and the file is read. It then holds the caller's bytes.

use std::time::Duration;

use bytes::Bytes;
use datashard_io::context::Context;
use datashard_io::store::RetryPolicy;
use datashard_io::{Created, StoreError, TablePath, TableStore};
use datashard_spec::id::MetadataVersion;

use crate::proxy::{Fault, Proxy, Rule, Seen};
use crate::servers::Server;

/// The longest that a row waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `create` answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    No,
    Unclear,
    Denied,
}

/// What is in the store right after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Mine,
    Nothing,
}

/// One row: a fault of the first request, what is answered, what is there, and what the store was shown: its answers by request.
struct Row {
    name: &'static str,
    fault: Fault,
    told: Told,
    then: Then,
    /// Requests for the file that were sent by this one `create`.
    sent: usize,
}

const fn row(name: &'static str, fault: Fault, told: Told, then: Then, sent: usize) -> Row {
    Row { name, fault, told, then, sent }
}

const LATE: Duration = Duration::from_millis(1_500);

const ROWS: [Row; 18] = [
    row("b01_closed_after_the_write_is_unclear_and_mine", Fault::CloseAfter, Told::Unclear, Then::Mine, 1),
    row("b01_answer_cut_off_is_unclear_and_mine", Fault::CutAfter, Told::Unclear, Then::Mine, 1),
    row("b01_reset_after_the_write_is_unclear_and_mine", Fault::ResetAfter, Told::Unclear, Then::Mine, 1),
    row(
        "b02_hang_after_the_write_is_unclear_and_mine",
        Fault::HangAfter(PATIENCE),
        Told::Unclear,
        Then::Mine,
        1,
    ),
    row(
        "b05_status_503_after_the_write_is_unclear_and_mine",
        Fault::StatusAfter(503),
        Told::Unclear,
        Then::Mine,
        1,
    ),
    row(
        "b05_status_500_after_the_write_is_unclear_and_mine",
        Fault::StatusAfter(500),
        Told::Unclear,
        Then::Mine,
        1,
    ),
    row(
        "b05_status_502_after_the_write_is_unclear_and_mine",
        Fault::StatusAfter(502),
        Told::Unclear,
        Then::Mine,
        1,
    ),
    row(
        "b05_status_504_after_the_write_is_unclear_and_mine",
        Fault::StatusAfter(504),
        Told::Unclear,
        Then::Mine,
        1,
    ),
    row("b04_delivered_twice_first_answer_is_yes", Fault::TwiceFirst, Told::Yes, Then::Mine, 1),
    row("b04_delivered_twice_second_answer_is_no_and_mine", Fault::TwiceLast, Told::No, Then::Mine, 1),
    row("b06_conflict_with_empty_slot_is_repeated", Fault::StatusBefore(409), Told::Yes, Then::Mine, 2),
    row("b08_throttled_before_the_write_is_repeated", Fault::StatusBefore(429), Told::Yes, Then::Mine, 2),
    row(
        "b08_status_503_before_the_write_is_unclear_and_absent",
        Fault::StatusBefore(503),
        Told::Unclear,
        Then::Nothing,
        1,
    ),
    row(
        "b02_closed_before_the_write_is_unclear_and_absent",
        Fault::CloseBefore,
        Told::Unclear,
        Then::Nothing,
        1,
    ),
    row(
        "b02_reset_before_the_write_is_unclear_and_absent",
        Fault::ResetBefore,
        Told::Unclear,
        Then::Nothing,
        1,
    ),
    row("b10_forbidden_is_refused_at_once", Fault::StatusBefore(403), Told::Denied, Then::Nothing, 1),
    row("b12_slow_answer_is_yes", Fault::Delay(Duration::from_millis(700)), Told::Yes, Then::Mine, 1),
    row(
        "b03_request_that_arrives_late_is_unclear_and_absent_at_first",
        Fault::Late(LATE),
        Told::Unclear,
        Then::Nothing,
        1,
    ),
];

/// A test: its name, and how to run it on a server.
pub(crate) type Test = (String, Box<dyn Fn(Server) -> futures_util::future::BoxFuture<'static, ()> + Send>);

/// All tests of this file.
pub(crate) fn tests() -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for row in ROWS {
        let Row { name, fault, told, then, sent } = row;
        tests.push((
            name.to_owned(),
            Box::new(move |server| Box::pin(create_row(server, fault, told, then, sent))),
        ));
    }
    let mut add = |name: &str, run: fn(Server) -> futures_util::future::BoxFuture<'static, ()>| {
        tests.push((name.to_owned(), Box::new(run)));
    };
    add("b03_late_request_does_not_overwrite_who_came_first", |s| Box::pin(late_after_another(s)));
    add("b05_lost_answer_then_another_writer_is_told_no", |s| Box::pin(lost_answer_then_another(s)));
    add("b07_refused_create_whose_answer_is_lost_is_not_taken_for_own", |s| Box::pin(lost_no(s)));
    add("b09_failing_for_ever_ends_at_the_deadline", |s| Box::pin(for_ever(s)));
    add("b08_throttling_storm_is_survived_without_a_busy_loop", |s| Box::pin(storm(s)));
    add("b14_body_cut_short_is_read_again", |s| Box::pin(cut_body(s)));
    add("b14_body_cut_short_for_ever_is_an_error_that_names_the_file", |s| Box::pin(cut_body_for_ever(s)));
    add("b13_probe_settles_lost_answers_under_other_names", |s| Box::pin(probe_through_faults(s)));
    add("b01_put_and_delete_are_repeated_until_answered", |s| Box::pin(repeated_writes(s)));
    add("b01_to_b08_a_spoiled_replacement_of_the_boundary_ends_where_it_was_raised_to", |s| {
        Box::pin(spoiled_raises(s))
    });
    tests
}

/// A table behind a proxy, whose client knows already that conditions are honoured.
struct Spoiled {
    proxy: Proxy,
    table: String,
    store: TableStore,
    /// The same table, not through the proxy.
    direct: TableStore,
}

async fn spoiled(server: &Server, retry: RetryPolicy) -> Spoiled {
    let proxy = Proxy::start(&server.endpoint).await.expect("a free port");
    let table = format!("fault-{}", Context::system().ids.uuid());
    let store = server.behind(proxy.url()).open_with(&table, retry).await.expect("a client");
    store.with_retry(patient()).check_capabilities().await.expect("conditions are honoured");
    let direct = server.open(&table).await.expect("a client");
    Spoiled { proxy, table, store, direct }
}

impl Spoiled {
    fn seen(&self, method: &str, part: &str) -> Vec<Seen> {
        let part = format!("{}/{part}", self.table);
        self.proxy.log().into_iter().filter(|s| s.method == method && s.path.contains(&part)).collect()
    }

    /// Spoils requests for a file of this table.
    fn spoil(&self, method: &'static str, part: &str, fault: Fault, times: u32) {
        self.proxy.spoil(Rule::new(method, &format!("{}/{part}", self.table), fault, times));
    }
}

/// Of a machine that may be busy.
fn patient() -> RetryPolicy {
    RetryPolicy::default().with_deadline(PATIENCE).with_request_timeout(PATIENCE)
}

fn version(n: u32) -> TablePath {
    TablePath::parse(&format!("metadata/v{n}.metadata.json")).expect("a path")
}

/// Bytes that nobody else sends.
fn unique(who: &str) -> Bytes {
    Bytes::from(format!("{{\"by\":\"{who}\",\"id\":\"{}\"}}", Context::system().ids.uuid()))
}

fn told(answer: &Result<Created, StoreError>) -> Told {
    match answer {
        Ok(Created::Yes) => Told::Yes,
        Ok(Created::No) => Told::No,
        Ok(Created::Unclear(error)) => {
            assert!(!error.definitely_not_done(), "unclear for a reason that is clear: {error:?}");
            Told::Unclear
        }
        Err(error @ StoreError::PermissionDenied { .. }) => {
            assert!(error.definitely_not_done() && !error.is_retryable());
            Told::Denied
        }
        Err(error) => panic!("create failed: {error:?}"),
    }
}

async fn found(store: &TableStore, path: &TablePath) -> Option<Bytes> {
    match store.read(path, 1 << 20).await {
        Ok(bytes) => Some(bytes),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => panic!("read of the truth failed: {error:?}"),
    }
}

/// The way out of every doubt: the same bytes again, until somebody's are there.
async fn settle(store: &TableStore, path: &TablePath, bytes: &Bytes) -> Bytes {
    for _ in 0..20 {
        match store.create(path, bytes.clone()).await.expect("the fault is over") {
            Created::Yes | Created::No => match found(store, path).await {
                Some(found) => return found,
                None => panic!("`{path}` was said to exist and does not"),
            },
            Created::Unclear(_) => {}
        }
    }
    panic!("`{path}` was never settled");
}

async fn create_row(server: Server, fault: Fault, due: Told, then: Then, sent: usize) {
    let quick = matches!(fault, Fault::HangAfter(_));
    let retry = if quick { patient().with_request_timeout(Duration::from_secs(1)) } else { patient() };
    let spoiled = spoiled(&server, retry).await;
    let (path, mine) = (version(1), unique("me"));
    spoiled.spoil("PUT", path.as_str(), fault, 1);

    let answer = spoiled.store.create(&path, mine.clone()).await;
    let due_now = match then {
        Then::Mine => Some(mine.clone()),
        Then::Nothing => None,
    };
    assert_eq!(found(&spoiled.direct, &path).await, due_now, "{answer:?}");
    assert_eq!(told(&answer), due, "{answer:?}");
    if !matches!(fault, Fault::Late(_)) {
        let seen = spoiled.seen("PUT", path.as_str());
        assert_eq!(seen.len(), sent, "{seen:?}");
        assert_eq!(seen[0].fault, Some(fault), "{seen:?}");
    }
    if due != Told::Denied {
        // Whatever was told, what is there in the end is this caller's.
        assert_eq!(settle(&spoiled.store.with_retry(patient()), &path, &mine).await, mine);
    }
    if matches!(fault, Fault::Late(_)) {
        let seen = arrival(&spoiled, path.as_str()).await;
        assert_eq!(seen.statuses, [412], "what came late was refused: {seen:?}");
    }
    assert_eq!(found(&spoiled.direct, &path).await, (due != Told::Denied).then_some(mine));
}

/// Waits until a request that was held back has reached the store.
async fn arrival(spoiled: &Spoiled, path: &str) -> Seen {
    let clock = Context::system().clock;
    for _ in 0..300 {
        let mut seen = spoiled.seen("PUT", path).into_iter();
        if let Some(late) = seen.find(|seen| matches!(seen.fault, Some(Fault::Late(_)))) {
            return late;
        }
        clock.sleep(Duration::from_millis(100)).await;
    }
    panic!("the late request never arrived");
}

async fn late_after_another(server: Server) {
    let spoiled = spoiled(&server, patient()).await;
    let (path, mine, theirs) = (version(1), unique("me"), unique("another"));
    spoiled.spoil("PUT", path.as_str(), Fault::Late(LATE), 1);
    assert_eq!(told(&spoiled.store.create(&path, mine.clone()).await), Told::Unclear);
    assert!(spoiled.direct.create(&path, theirs.clone()).await.expect("a create").is_yes());
    let seen = arrival(&spoiled, path.as_str()).await;
    assert_eq!(seen.statuses, [412], "{seen:?}");
    assert_eq!(settle(&spoiled.store, &path, &mine).await, theirs);
}

async fn lost_answer_then_another(server: Server) {
    let spoiled = spoiled(&server, patient()).await;
    let (path, mine, theirs) = (version(1), unique("me"), unique("another"));
    spoiled.spoil("PUT", path.as_str(), Fault::StatusAfter(500), 1);
    assert_eq!(told(&spoiled.store.create(&path, mine.clone()).await), Told::Unclear);
    // Another writer sees the file, loses, and commits on top of it.
    assert_eq!(told(&spoiled.direct.create(&path, theirs.clone()).await), Told::No);
    assert_eq!(found(&spoiled.direct, &path).await, Some(mine.clone()));
    assert_eq!(told(&spoiled.direct.create(&version(2), theirs).await), Told::Yes);
    assert_eq!(settle(&spoiled.store, &path, &mine).await, mine);
}

async fn lost_no(server: Server) {
    for fault in [Fault::CloseAfter, Fault::StatusAfter(503), Fault::CutAfter, Fault::ResetAfter] {
        let spoiled = spoiled(&server, patient()).await;
        let (path, mine, theirs) = (version(1), unique("me"), unique("another"));
        assert!(spoiled.direct.create(&path, theirs.clone()).await.expect("a create").is_yes());
        spoiled.spoil("PUT", path.as_str(), fault, 1);
        assert_eq!(told(&spoiled.store.create(&path, mine.clone()).await), Told::Unclear, "{fault:?}");
        assert_eq!(settle(&spoiled.store, &path, &mine).await, theirs, "{fault:?}");
    }
}

async fn for_ever(server: Server) {
    let spoiled = spoiled(&server, patient().with_deadline(Duration::from_secs(2))).await;
    let (path, mine) = (version(1), unique("me"));
    // What certainly was not acted on is repeated, and ends as an error that says so.
    spoiled.spoil("PUT", path.as_str(), Fault::StatusBefore(429), u32::MAX);
    let error = spoiled.store.create(&path, mine).await.expect_err("throttled for ever");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(error.is_retryable() && error.definitely_not_done(), "{error:?}");
    let sent = spoiled.seen("PUT", path.as_str()).len();
    assert!((2..=12).contains(&sent), "{sent} requests in two seconds");
    // A read that fails for ever says so, too, and names the file.
    spoiled.spoil("GET", path.as_str(), Fault::StatusBefore(500), u32::MAX);
    let error = spoiled.store.read(&path, 100).await.expect_err("failing for ever");
    assert!(matches!(error, StoreError::Unavailable { attempts: 2.., .. }), "{error:?}");
    assert!(error.to_string().contains(path.as_str()), "{error}");
}

async fn storm(server: Server) {
    let spoiled = spoiled(&server, patient()).await;
    let (path, mine) = (version(1), unique("me"));
    spoiled.spoil("PUT", path.as_str(), Fault::StatusBefore(429), 4);
    assert_eq!(told(&spoiled.store.create(&path, mine.clone()).await), Told::Yes);
    assert_eq!(spoiled.seen("PUT", path.as_str()).len(), 5);
    assert_eq!(found(&spoiled.direct, &path).await, Some(mine));
}

async fn cut_body(server: Server) {
    let spoiled = spoiled(&server, patient()).await;
    let (path, bytes) = (version(1), Bytes::from("metadata ".repeat(20_000)));
    spoiled.direct.put(&path, bytes.clone()).await.expect("a put");
    spoiled.spoil("GET", path.as_str(), Fault::CutBody, 1);
    assert_eq!(spoiled.store.read(&path, 1 << 20).await.expect("a read"), bytes);
    assert_eq!(spoiled.seen("GET", path.as_str()).len(), 2);
}

async fn cut_body_for_ever(server: Server) {
    let spoiled = spoiled(&server, patient().with_deadline(Duration::from_secs(1))).await;
    let (path, bytes) = (version(1), Bytes::from("metadata ".repeat(20_000)));
    spoiled.direct.put(&path, bytes).await.expect("a put");
    spoiled.spoil("GET", path.as_str(), Fault::CutBody, u32::MAX);
    let error = spoiled.store.read(&path, 1 << 20).await.expect_err("half a file is none");
    assert!(error.to_string().contains(path.as_str()), "{error}");
    assert!(error.is_retryable(), "{error:?}");
}

async fn probe_through_faults(server: Server) {
    for fault in [
        Fault::CloseAfter,
        Fault::StatusAfter(500),
        Fault::TwiceLast,
        Fault::StatusBefore(409),
        Fault::CloseBefore,
    ] {
        let proxy = Proxy::start(&server.endpoint).await.expect("a free port");
        let table = format!("fault-{}", Context::system().ids.uuid());
        let store = server.behind(proxy.url()).open_with(&table, patient()).await.expect("a client");
        proxy.spoil(Rule::new("PUT", &format!("{table}/metadata/_datashard/probe-"), fault, 1));
        let path = version(1);
        let answer = store.create(&path, unique("me")).await;
        assert_eq!(told(&answer), Told::Yes, "{fault:?}: {answer:?}");
        let folder = TablePath::parse("metadata/_datashard").expect("a path");
        let left = store.list_page(Some(&folder), None, 10).await.expect("a listing");
        assert!(left.is_empty(), "{fault:?}: {left:?}");
    }
}

async fn repeated_writes(server: Server) {
    let spoiled = spoiled(&server, patient()).await;
    let (path, mine) = (TablePath::parse("data/f.parquet").expect("a path"), unique("me"));
    for fault in [
        Fault::CloseAfter,
        Fault::ResetAfter,
        Fault::CutAfter,
        Fault::StatusAfter(503),
        Fault::StatusBefore(503),
        Fault::ResetBefore,
    ] {
        spoiled.spoil("PUT", path.as_str(), fault, 1);
        spoiled.store.put(&path, mine.clone()).await.expect("a put");
        assert_eq!(found(&spoiled.direct, &path).await, Some(mine.clone()), "{fault:?}");
        spoiled.spoil("DELETE", path.as_str(), fault, 1);
        spoiled.store.delete(&path).await.expect("a delete");
        assert_eq!(found(&spoiled.direct, &path).await, None, "{fault:?}");
    }
}

/// What is answered to a replacement (If-Match) is advice, as for a create: the file is read again, and then holds the value.
async fn spoiled_raises(server: Server) {
    for fault in [
        Fault::CloseAfter,
        Fault::CutAfter,
        Fault::ResetAfter,
        Fault::StatusAfter(500),
        Fault::StatusAfter(503),
        Fault::TwiceFirst,
        Fault::TwiceLast,
        Fault::StatusBefore(409),
        Fault::StatusBefore(429),
        Fault::StatusBefore(503),
        Fault::CloseBefore,
        Fault::ResetBefore,
        Fault::Late(LATE),
    ] {
        let spoiled = spoiled(&server, patient()).await;
        let raise = async |store: &TableStore, to: u64| {
            let raised = store.raise_retired(MetadataVersion(to)).await;
            raised.unwrap_or_else(|error| panic!("{fault:?}: {error:?}")).0
        };
        assert_eq!(raise(&spoiled.direct, 3).await, 3);
        spoiled.spoil("PUT", "metadata/_datashard/retired", fault, 1);
        assert_eq!(raise(&spoiled.store, 9).await, 9, "{fault:?}");
        if let Fault::Late(_) = fault {
            let seen = arrival(&spoiled, "metadata/_datashard/retired").await;
            assert_eq!(seen.statuses, [412], "what came late found another content: {seen:?}");
        }
        let seen = spoiled.seen("PUT", "metadata/_datashard/retired");
        assert!(seen.iter().any(|seen| seen.fault == Some(fault)), "{fault:?}: {seen:?}");
        assert_eq!(spoiled.direct.retired().await.expect("a number").0, 9, "{fault:?}");
    }
}
