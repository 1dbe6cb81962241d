//! The table of requests in the documentation is what operations cost: each row is counted by doing it, on the buckets of two vendors.
//!
//! The handle is warm: it made the table and its last three snapshots. What comes after the answer (the hint) is not counted.

mod fixture;
mod rows;

use std::fmt::Write;
use std::time::Duration;

use datashard_io::sim::{Profile, Simulation};

use self::fixture::Lab;
use self::rows::{ROWS, Row};
use crate::support::costs::Cost;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/requests.md");
const BEGIN: &str = "<!-- table of requests: begin -->\n";
const END: &str = "<!-- table of requests: end -->";

/// The requests of a row, each on a table of its own.
fn count(row: &Row, profile: Profile) -> Cost {
    let simulation = Simulation::new(7).with_time_limit(Duration::from_secs(10_000_000));
    let run = row.run;
    simulation.run(async { run(&Lab::new(&simulation, profile).await).await }).unwrap()
}

fn table() -> String {
    let mut table =
        String::from("| what | PUT | GET | HEAD | LIST | DELETE |\n| --- | --- | --- | --- | --- | --- |\n");
    for row in ROWS {
        let (s3, gcs) = (count(row, Profile::s3()), count(row, Profile::gcs()));
        let cells: Vec<String> = s3.into_iter().zip(gcs).map(cell).collect();
        writeln!(table, "| {} | {} |", row.what, cells.join(" | ")).unwrap();
    }
    table
}

/// What the two vendors' buckets were asked.
fn cell((s3, gcs): (u64, u64)) -> String {
    match s3 == gcs {
        true if s3 == 0 => "–".to_owned(),
        true => s3.to_string(),
        false => format!("{s3} (S3), {gcs} (GCS)"),
    }
}

#[test]
fn the_table_of_requests_in_the_documentation_is_what_operations_cost() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the table begins");
    let (written, after) = rest.split_once(END).expect("the table ends");
    let counted = table();
    if std::env::var_os("DATASHARD_WRITE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, format!("{before}{BEGIN}{counted}{END}{after}")).unwrap();
    }
    assert!(written == counted, "docs/requests.md does not say what operations cost, which is:\n{counted}");
}

/// Each operation that the crate has is in the table.
#[test]
fn no_operation_is_missing_in_the_table_of_requests() {
    let actions = include_str!("../../../src/action/mod.rs");
    let listed = actions.lines().filter_map(|line| line.strip_prefix("//! | [`")?.split_once("`]"));
    let names: Vec<&str> = listed.map(|(name, _)| name).collect();
    assert!(names.len() >= 24, "{names:?}");
    for name in names {
        let starts = format!("`{name}`");
        assert!(ROWS.iter().any(|row| row.what.starts_with(&starts)), "{name} has no row");
    }
}
