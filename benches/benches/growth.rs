//! A table of a hundred thousand commits: what each commit writes, what opening the table costs, and time travel to its beginning.
//!
//! Small appends on a simulated bucket whose every request takes a tenth of a second, so that round trips are told from the time that passes;
//! a commit every ten seconds. Old versions are retired along the way, everything else is kept: all of history can be read. The number of
//! commits is taken from `DATASHARD_GROWTH_COMMITS`; with `DATASHARD_GROWTH_SVG` the curve is drawn into that file.

#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![expect(clippy::print_stdout, reason = "it prints its table")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first surprise"
)]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::request::RequestCounts;
use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::maintain::RetireOptions;
use datashard_txn::{Background, CommitOptions, Committer, epoch};
use futures_util::future::BoxFuture;

const ROUND_TRIP: Duration = Duration::from_millis(100);
const BETWEEN: Duration = Duration::from_secs(10);
/// Commits over which bytes are averaged: what is moved and merged once in a while is part of it.
const WINDOW: usize = 500;
/// Bytes of a data file.
const DATA_BYTES: usize = 1_000;

/// The hint is written by the clean-up, and nothing else is put off.
#[derive(Debug)]
struct Nobody;

impl Background for Nobody {
    fn run(&self, work: BoxFuture<'static, ()>) {
        drop(work);
    }
}

/// What was seen after so many commits.
struct Seen {
    commits: usize,
    /// Bytes written per commit, without data files.
    bytes: u64,
    versions: u64,
    /// Round trips and requests of opening the table anew.
    open: (u128, RequestCounts),
    /// The same without the hint.
    open_unhinted: (u128, RequestCounts),
    /// The same of finding the tenth snapshot by its time.
    travel: (u128, RequestCounts),
}

fn main() {
    // Asked by `cargo test`, it has nothing to show.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let commits = std::env::var("DATASHARD_GROWTH_COMMITS").ok();
    let commits: usize = commits.map_or(100_000, |commits| commits.parse().unwrap());
    let simulation = Simulation::new(1)
        .with_step_limit(u64::MAX)
        .with_time_limit(Duration::from_secs(u64::from(u32::MAX)));
    let bucket = SimStore::new(&simulation, Profile::every(ROUND_TRIP));
    bucket.set_log_capacity(0);
    let seen = simulation.run(grow(&simulation, &bucket, commits)).unwrap();
    println!(
        "| commits | KB written per commit | versions there | open | open without hint | time travel to the 10th |"
    );
    println!("| ---: | ---: | ---: | --- | --- | --- |");
    for seen in &seen {
        let told = |(rounds, counts): &(u128, RequestCounts)| {
            format!("{rounds} round trips, {} GET, {} HEAD, {} LIST", counts.get, counts.head, counts.list)
        };
        println!(
            "| {} | {:.1} | {} | {} | {} | {} |",
            seen.commits,
            seen.bytes as f64 / 1_000.0,
            seen.versions,
            told(&seen.open),
            told(&seen.open_unhinted),
            told(&seen.travel)
        );
    }
    if let Ok(path) = std::env::var("DATASHARD_GROWTH_SVG") {
        std::fs::write(path, draw(&seen)).unwrap();
    }
}

async fn grow(simulation: &Simulation, bucket: &SimStore, commits: usize) -> Vec<Seen> {
    let options = || CommitOptions::default().with_background(Arc::new(Nobody));
    let schema = Schema::new(vec![NestedField::required(1, "row", PrimitiveType::String)]).unwrap();
    let store = bucket.table(simulation.context());
    let (table, _) = Committer::create(store, CreateTable::new(schema), options()).await.unwrap();
    let mut seen = Vec::new();
    let mut tenth = None;
    let mut before = table.store().counts();
    let mut cleaning = 0;
    for number in 1..=commits {
        simulation.context().clock.sleep(BETWEEN).await;
        let committed = table.append(append(&table, number)).await.unwrap();
        if number == 10 {
            let at_ms = table.base().unwrap().metadata.last_updated_ms();
            tenth = Some((committed.snapshot_id.unwrap(), at_ms));
        }
        if number % 1_000 == 0 {
            let counts = table.store().counts();
            table.retire(&RetireOptions::default()).await.unwrap();
            cleaning += table.store().counts().since(&counts).bytes_written;
        }
        let is_told =
            [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000].contains(&number) || number == commits;
        if is_told && let Some(tenth) = tenth {
            let written = table.store().counts().since(&before).bytes_written - cleaning;
            let bytes = written / WINDOW as u64 - DATA_BYTES as u64;
            seen.push(look(simulation, bucket, &options, number, bytes, tenth).await);
        }
        if (number + WINDOW).is_multiple_of(1_000) {
            before = table.store().counts();
            cleaning = 0;
        }
    }
    seen
}

async fn look(
    simulation: &Simulation,
    bucket: &SimStore,
    options: &impl Fn() -> CommitOptions,
    commits: usize,
    bytes: u64,
    (tenth, at_ms): (SnapshotId, i64),
) -> Seen {
    let clock = simulation.context().clock;
    let open = async || {
        let (store, began) = (bucket.table(simulation.context()), clock.elapsed());
        let table = Committer::open(store, options()).await.unwrap();
        let rounds = (clock.elapsed() - began).as_millis() / ROUND_TRIP.as_millis();
        (rounds, table.store().counts(), table)
    };
    let (rounds, counts, table) = open().await;
    let versions = table.base().unwrap().version.0 - table.store().retired().await.unwrap().0 + 1;
    let hint = "table/metadata/version-hint.text";
    let told = bucket.object(hint);
    bucket.remove(hint);
    let (unhinted_rounds, unhinted, _) = open().await;
    if let Some(told) = told {
        bucket.insert(hint, told).unwrap();
    }
    let (before, began) = (table.store().counts(), clock.elapsed());
    let base = table.base().unwrap();
    let found = table.find_snapshot_at(&base, at_ms).await.unwrap().unwrap();
    assert_eq!(found.snapshot.id, tenth);
    assert_eq!(found.snapshot.summary.total_records(), Some(10));
    let travel_rounds = (clock.elapsed() - began).as_millis() / ROUND_TRIP.as_millis();
    Seen {
        commits,
        bytes,
        versions,
        open: (rounds, counts),
        open_unhinted: (unhinted_rounds, unhinted),
        travel: (travel_rounds, table.store().counts().since(&before)),
    }
}

fn append(table: &Committer, number: usize) -> Append {
    let store: &TableStore = table.store();
    let epoch = epoch::prefix(table.base().unwrap().version);
    let path = TablePath::parse(&format!("data/{epoch}{number}.parquet")).unwrap();
    let file = DataFile::new(store.location().file(&path), FileFormat::Parquet, 1, DATA_BYTES as i64);
    Append::new(SchemaId(0)).with_unwritten_file(
        PartitionSpecId(0),
        file,
        path,
        Bytes::from(vec![0; DATA_BYTES]),
    )
}

/// The curve: commits by their logarithm, kilobytes from zero.
fn draw(seen: &[Seen]) -> String {
    let (width, height, left, bottom) = (640.0, 320.0, 60.0, 40.0);
    let most = seen.iter().map(|seen| seen.bytes).max().unwrap_or(1) as f64 * 1.25;
    let last = seen.last().map_or(10.0, |seen| (seen.commits as f64).log10());
    let x = |commits: usize| {
        left + ((commits as f64).log10() - 3.0) / (last - 3.0).max(0.1) * (width - left - 20.0)
    };
    let y = |bytes: f64| height - bottom - bytes / most * (height - bottom - 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for step in 0..=4 {
        let bytes = most * f64::from(step) / 4.0;
        let at = y(bytes);
        writeln!(svg, "<line x1=\"{left}\" y1=\"{at:.1}\" x2=\"{width}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>")
            .unwrap();
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} KB</text>",
            left - 6.0,
            at + 4.0,
            bytes / 1_000.0
        )
        .unwrap();
    }
    let mut points = String::new();
    for seen in seen {
        let (px, py) = (x(seen.commits), y(seen.bytes as f64));
        write!(points, "{px:.1},{py:.1} ").unwrap();
        writeln!(svg, "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"3\" fill=\"#06c\"/>").unwrap();
        writeln!(
            svg,
            "<text x=\"{px:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            height - 20.0,
            seen.commits
        )
        .unwrap();
    }
    writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"2\"/>",
        points.trim()
    )
    .unwrap();
    writeln!(svg, "<text x=\"{left}\" y=\"14\">bytes written per commit, without data, after so many commits</text>\n</svg>").unwrap();
    svg
}
