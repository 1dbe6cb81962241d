//! What stores answer, through real HTTP on this machine, and what becomes of it.

mod create;
mod credentials;
mod dialects;
mod list_and_delete;
mod read;
mod server;
mod write;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;

use self::server::{Reply, Server};
use crate::context::{Clock, Context};
use crate::path::TablePath;
use crate::request::RequestCounts;
use crate::store::{Conditions, Probe, RetryPolicy, StoreOptions, TableStore};

/// The time on the clock of the tests: Fri, 01 Mar 2024 00:00:00 GMT.
const NOW_MS: i64 = 1_709_251_200_000;
/// A request without an answer for so long is given up. Really waited for; the odd nanoseconds tell it, and the longer time that large
/// requests get, from pauses.
const REQUEST_TIMEOUT: Duration = Duration::from_nanos(300_000_007);

/// A clock whose pauses take no time, but for those in which something else may happen meanwhile.
#[derive(Debug, Default)]
struct TestClock {
    elapsed: Mutex<Duration>,
    pauses: Mutex<Vec<Duration>>,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        NOW_MS
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let is_timeout = duration.subsec_nanos() == REQUEST_TIMEOUT.subsec_nanos();
        if is_timeout || duration == super::service::ERROR_BODY_PATIENCE {
            return Context::system().clock.sleep(duration);
        }
        let mut elapsed = self.elapsed.lock().unwrap();
        *elapsed = elapsed.saturating_add(duration);
        drop(elapsed);
        self.pauses.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

/// A store on a server that answers as it is told, one answer for each request.
struct Setup {
    server: Server,
    store: TableStore,
    clock: Arc<TestClock>,
}

impl Setup {
    /// A bucket of S3 behind `replies`.
    async fn s3(replies: impl IntoIterator<Item = Reply>) -> Self {
        let server = Server::start(replies).await;
        let url = format!("s3://lake/t?endpoint={}&access_key_id=AKIA&secret_access_key=shh", server.url());
        Self::on(server, &url).await
    }

    async fn on(server: Server, url: &str) -> Self {
        let clock = Arc::new(TestClock::default());
        let system = Context::system();
        let context = Context::new(clock.clone(), system.randomness, system.ids);
        let retry = RetryPolicy::default().with_request_timeout(REQUEST_TIMEOUT);
        let options = StoreOptions::new().with_context(context).with_retry(retry);
        let store = TableStore::open(url, options).await.unwrap();
        // Whether the store honours conditions is not the question here.
        let store = store.with_conditions(Conditions { probe: Probe::known(), unsafe_single_writer: false });
        Self { server, store, clock }
    }

    /// Pauses between attempts.
    fn pauses(&self) -> Vec<Duration> {
        self.clock.pauses.lock().unwrap().clone()
    }

    fn counts(&self) -> RequestCounts {
        self.store.counts()
    }
}

fn path(text: &str) -> TablePath {
    TablePath::parse(text).unwrap()
}

/// An error of S3.
fn s3_error(status: u16, code: &str) -> Reply {
    Reply::new(status).body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>this &amp; that</Message></Error>"
    ))
}
