//! The conformance suite on every store there is, and real servers on a bad network.
//!
//! Memory, folders and simulated buckets are always tried. Servers are those that the environment tells of (`cargo xtask stores env`);
//! without them one line says what was not tried.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "all of this is tests, which clippy cannot tell without the usual harness"
)]

#[cfg(not(all(
    feature = "conformance",
    feature = "sim",
    feature = "local",
    feature = "s3",
    feature = "gcs"
)))]
fn main() {
    eprintln!("stores: nothing was tried, since the build lacks features; run with --all-features");
}

#[cfg(all(feature = "conformance", feature = "sim", feature = "local", feature = "s3", feature = "gcs"))]
#[path = "support/fault_rows.rs"]
mod fault_rows;
#[cfg(all(feature = "conformance", feature = "sim", feature = "local", feature = "s3", feature = "gcs"))]
#[path = "support/proxy.rs"]
mod proxy;
#[cfg(all(feature = "conformance", feature = "sim", feature = "local", feature = "s3", feature = "gcs"))]
#[path = "support/servers.rs"]
mod servers;
#[cfg(all(feature = "conformance", feature = "sim", feature = "local", feature = "s3", feature = "gcs"))]
#[path = "support/suites.rs"]
mod suites;

#[cfg(all(feature = "conformance", feature = "sim", feature = "local", feature = "s3", feature = "gcs"))]
fn main() -> std::process::ExitCode {
    suites::run()
}
