//! Commits on every store there is: what they cost, and races of processes that are killed, on networks that spoil requests.
//!
//! Folders are always tried. Servers are those that the environment tells of (`cargo xtask stores env`); without them one line says what
//! was not tried. Called with `stress` it runs one race at length (`cargo xtask stress`), called with `writer` it is a process of a race.

#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "all of this is tests, which clippy cannot tell without the usual harness"
)]

#[path = "stores/judge.rs"]
mod judge;
#[path = "stores/place.rs"]
mod place;
#[path = "../../datashard-io/tests/support/proxy.rs"]
#[allow(dead_code, reason = "the tests of storage use all of it")]
mod proxy;
#[path = "stores/race.rs"]
mod race;
#[allow(dead_code, reason = "the tests of storage use all of it")]
#[path = "../../datashard-io/tests/support/servers.rs"]
mod servers;
#[path = "stores/spoiled.rs"]
mod spoiled;
#[allow(dead_code, reason = "other tests use all of it")]
#[path = "support/mod.rs"]
mod support;
#[path = "stores/trials.rs"]
mod trials;
#[path = "stores/writer.rs"]
mod writer;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map(String::as_str) {
        Some("writer") => writer::run(rest),
        Some("stress") => race::stress(rest),
        _ => trials::run(),
    }
}
