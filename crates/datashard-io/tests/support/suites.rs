//! Which suites run on which store, and what is said of those that do not.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use datashard_io::conformance::{Case, Subject, cases};
use datashard_io::context::Context;
use datashard_io::sim::{Profile, Quirks, SimStore, Simulation};
use datashard_io::store::Durability;
use datashard_io::{Created, Location, StoreError, StoreOptions, TablePath, TableStore};
use datashard_spec::id::MetadataVersion;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Handle;

use crate::fault_rows;
use crate::servers::Server;

/// Set to `1` where servers have to be there.
const REQUIRE: &str = "DATASHARD_TEST_REQUIRE_STORES";
/// Seeds of the simulated buckets; each gives other latencies and another order of what is concurrent.
const SEEDS: [u64; 4] = [1, 2, 3, 4];

/// Runs what the arguments choose.
pub(crate) fn run() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of the time is waiting for servers.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&format!("no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let mut trials = Vec::new();
    let mut missing = Vec::new();
    add(&mut trials, runtime.handle(), memory());
    // The folder lives until all trials have ended.
    let folder = match tempfile::tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            say(&format!("no temporary folder: {error}"));
            return ExitCode::FAILURE;
        }
    };
    for (name, durability) in
        [("full", Durability::Full), ("group", Durability::group()), ("none", Durability::None)]
    {
        add(&mut trials, runtime.handle(), local(name, durability, folder.path()));
    }
    for seed in SEEDS {
        let (name, profile) =
            if seed.is_multiple_of(2) { ("sim-gcs", Profile::gcs()) } else { ("sim-s3", Profile::s3()) };
        add_simulated(&mut trials, name, seed, &profile, Quirks::default());
    }
    let mut quirks = Quirks::default();
    quirks.without_update = true;
    add_simulated(&mut trials, "sim-without-replace", 5, &Profile::s3(), quirks);
    for (told, title) in [
        (Server::s3(), "S3 (DATASHARD_TEST_S3)"),
        (Server::gcs(), "GCS (DATASHARD_TEST_GCS)"),
        (Server::ignores_conditions(), "S3 without conditions (DATASHARD_TEST_IGNORES_CONDITIONS)"),
    ] {
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
        say(&format!(
            "not tried: {}; `cargo xtask test` runs them, or `cargo xtask stores start` and then `eval \"$(cargo xtask stores env)\"`",
            missing.join(", ")
        ));
        if std::env::var(REQUIRE).is_ok_and(|value| value == "1") {
            say(&format!("{REQUIRE} is set, so that is a failure"));
            return ExitCode::FAILURE;
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    conclusion.exit_code()
}

/// Says a line that test runners do not hold back.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "stores: {line}");
}

fn failed(subject: &Subject, case: &Case, failure: impl std::fmt::Display) -> Failed {
    Failed::from(format!("{} on {}: {failure}", case.name(), subject.name()))
}

/// All cases on a store.
fn add(trials: &mut Vec<Trial>, handle: &Handle, subject: Subject) {
    add_some(trials, handle, subject, cases());
}

fn add_some(trials: &mut Vec<Trial>, handle: &Handle, subject: Subject, cases: Vec<Case>) {
    say(&format!("{}: {} cases", subject.name(), cases.len()));
    let subject = Arc::new(subject);
    for case in cases {
        let (subject, handle) = (Arc::clone(&subject), handle.clone());
        trials.push(Trial::test(format!("{}::{}", subject.name(), case.name()), move || {
            handle.block_on(case.run(&subject)).map_err(|failure| failed(&subject, &case, failure))
        }));
    }
}

fn memory() -> Subject {
    Subject::new("memory", "run", |table| {
        Box::pin(async move {
            TableStore::open(&format!("memory://conformance/{table}"), StoreOptions::new()).await
        })
    })
}

fn local(name: &str, durability: Durability, folder: &std::path::Path) -> Subject {
    let root = folder.join(name).to_string_lossy().into_owned();
    let made = std::fs::create_dir_all(&root);
    Subject::new(format!("local-{name}"), "run", move |table| {
        let (url, durability) = (format!("{root}/{table}"), durability);
        Box::pin(async move { TableStore::open(&url, StoreOptions::new().with_durability(durability)).await })
    })
    .with_abilities(|abilities| abilities.time_step_ms = if made.is_ok() { 10 } else { 0 })
}

/// A bucket, a clock and an order of events that the seed decides on; each case has a world of its own.
fn add_simulated(trials: &mut Vec<Trial>, name: &'static str, seed: u64, profile: &Profile, quirks: Quirks) {
    let is_gcs = name == "sim-gcs";
    let cases = cases();
    say(&format!("{name}-{seed}: {} cases", cases.len()));
    for case in cases {
        let profile = profile.clone();
        trials.push(Trial::test(format!("{name}-{seed}::{}", case.name()), move || {
            let simulation = Simulation::new(seed);
            let (store, context) = (SimStore::new(&simulation, profile), simulation.context());
            store.set_quirks(quirks);
            let subject = Subject::new(name, "run", move |table| {
                let (store, context) = (Arc::new(store.clone()), context.clone());
                Box::pin(async move {
                    let location = Location::parse(&format!("memory://sim/{table}"))?;
                    TableStore::from_object_store(store, &table, location, context)
                })
            });
            let subject =
                subject.with_abilities(|abilities| abilities.conditional_replace = !quirks.without_update);
            // Simulated GCS takes one write a second to a name, and deletes one name at a time.
            let subject = match is_gcs {
                true => subject
                    .with_abilities(|abilities| abilities.write_pause_ms = 1_100)
                    .with_sizes(|sizes| sizes.deleted = 200),
                false => subject,
            };
            match simulation.run(case.run(&subject)) {
                Ok(outcome) => outcome.map_err(|failure| failed(&subject, &case, failure)),
                Err(stuck) => Err(failed(&subject, &case, stuck)),
            }
        }));
    }
}

/// The suite through real HTTP, and the rows of a bad network.
fn add_server(trials: &mut Vec<Trial>, handle: &Handle, server: &Server) {
    let run = format!("run-{}", Context::system().ids.uuid());
    let of_subject = server.clone();
    let subject = Subject::new(server.name, run, move |table| {
        let server = of_subject.clone();
        Box::pin(async move { server.open(&table).await })
    });
    match server.name {
        // SeaweedFS lets writers to one name in one at a time, about one a second, and lists folder by folder.
        "s3" => {
            let subject = subject.with_abilities(|abilities| abilities.lists_by_bytes = false);
            add(trials, handle, subject.with_sizes(|sizes| sizes.rounds = 2));
        }
        // It has no bulk deletion, and is slow with many files.
        "gcs" => {
            let subject = subject.with_abilities(|abilities| abilities.names_per_delete = 1);
            add(trials, handle, subject.with_sizes(|sizes| (sizes.listed, sizes.deleted) = (2_010, 300)));
        }
        _ => {
            let subject = subject.with_abilities(|abilities| abilities.conditional_create = false);
            add_some(trials, handle, subject, cases().into_iter().filter(Case::creates).collect());
            add_single_writer(trials, handle, server);
            return;
        }
    }
    let rows = fault_rows::tests();
    say(&format!("{}: {} rows of a bad network", server.name, rows.len()));
    for (name, run) in rows {
        let (server, handle) = (server.clone(), handle.clone());
        trials.push(Trial::test(format!("{}::{name}", server.name), move || {
            handle.block_on(run(server));
            Ok(())
        }));
    }
}

/// What a server that ignores conditions is good for: a single writer who says so.
fn add_single_writer(trials: &mut Vec<Trial>, handle: &Handle, server: &Server) {
    let (server, handle) = (server.clone(), handle.clone());
    let name = format!("{}::b13_single_writer_may_write", server.name);
    trials.push(Trial::test(name, move || {
        handle.block_on(single_writer(&server)).map_err(|error| Failed::from(error.to_string()))
    }));
}

async fn single_writer(server: &Server) -> Result<(), StoreError> {
    let table = format!("run-{}", Context::system().ids.uuid());
    let path = TablePath::parse("metadata/v1.metadata.json")?;
    let options = StoreOptions::new().with_unsafe_single_writer(true);
    let store = server.open_by(&table, options).await?;
    assert!(!store.check_capabilities().await?.conditional_create);
    assert!(matches!(store.create(&path, "{}".into()).await?, Created::Yes));
    assert_eq!(store.read(&path, 100).await?, "{}");
    // Nobody else raises the boundary, so it needs no condition.
    for to in [3, 5, 4] {
        let raised = store.raise_retired(MetadataVersion(to)).await?;
        assert_eq!(raised, store.retired().await?);
        assert_eq!(raised.0, if to == 3 { 3 } else { 5 });
    }
    // Whoever did not say so is refused all the same.
    let other = server.open(&table).await?;
    let refused = other.create(&TablePath::parse("metadata/v2.metadata.json")?, "{}".into()).await;
    assert!(matches!(refused, Err(StoreError::ConditionsIgnored { .. })), "{refused:?}");
    Ok(())
}
