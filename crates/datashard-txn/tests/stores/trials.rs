//! Which tests run on which store, and what is said of those that do not.

use std::io::Write;
use std::process::ExitCode;

use datashard_io::Durability;
use datashard_io::context::Context;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Handle;

use crate::race::Race;
use crate::servers::Server;
use crate::spoiled;
use crate::support::costs;

/// Set to `1` where servers have to be there.
const REQUIRE: &str = "DATASHARD_TEST_REQUIRE_STORES";

/// Runs what the arguments choose.
pub(crate) fn run() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(2));
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut trials = vec![
        race(
            "folder",
            "d1_processes_that_are_killed_append_each_acknowledged_row_once",
            Race { processes: 4, rows: 50, kills: 30, ..Race::default() },
        ),
        race(
            "folder",
            "d1_processes_that_are_killed_append_each_acknowledged_row_once_without_flushes",
            Race { processes: 4, rows: 100, kills: 30, durability: Durability::None, ..Race::default() },
        ),
    ];
    let mut missing = Vec::new();
    for (told, title) in
        [(Server::s3(), "S3 (DATASHARD_TEST_S3)"), (Server::gcs(), "GCS (DATASHARD_TEST_GCS)")]
    {
        match told {
            Ok(Some(server)) => add_server(&mut trials, runtime.handle(), &server),
            Ok(None) => missing.push(title),
            Err(half) => {
                say(&half);
                return ExitCode::FAILURE;
            }
        }
    }
    if !missing.is_empty() {
        say(&format!("not tried: {}; `cargo xtask test` runs them", missing.join(", ")));
        if std::env::var(REQUIRE).is_ok_and(|value| value == "1") {
            say(&format!("{REQUIRE} is set, so that is a failure"));
            return ExitCode::FAILURE;
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Says a line that test runners do not hold back.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "stores: {line}");
}

fn race(store: &str, name: &str, race: Race) -> Trial {
    let (title, race) = (format!("{store}::{name}"), Race { store: store.to_owned(), ..race });
    Trial::test(title.clone(), move || {
        let figures = race.run().map_err(Failed::from)?;
        say(&format!("{title}: {figures}"));
        Ok(())
    })
}

fn add_server(trials: &mut Vec<Trial>, handle: &Handle, server: &Server) {
    let mut add = |name: &str, run: fn(Server) -> futures_util::future::BoxFuture<'static, ()>| {
        let (server, handle) = (server.clone(), handle.clone());
        trials.push(Trial::test(format!("{}::{name}", server.name), move || {
            handle.block_on(run(server));
            Ok(())
        }));
    };
    add("a_small_append_costs_four_puts_and_one_get", |server| {
        Box::pin(async move { costs::small_appends(open(&server, &fresh()).await).await })
    });
    add("a_duplicate_costs_nothing_and_moves_no_hint", |server| {
        Box::pin(async move { costs::duplicates(open(&server, &fresh()).await).await })
    });
    add("a_stale_handle_writes_its_manifest_list_anew_and_nothing_else", |server| {
        Box::pin(async move {
            let table = fresh();
            costs::stale_handles(open(&server, &table).await, open(&server, &table).await).await;
        })
    });
    for (name, run) in spoiled::TESTS {
        add(name, run);
    }
    trials.push(race(
        server.name,
        "d2_processes_that_are_killed_on_a_network_with_every_fault_append_each_acknowledged_row_once",
        Race { processes: 4, rows: 12, kills: 30, ..Race::default() },
    ));
}

fn fresh() -> String {
    format!("costs-{}", Context::system().ids.uuid())
}

async fn open(server: &Server, table: &str) -> datashard_io::TableStore {
    server.open(table).await.expect("a client")
}
