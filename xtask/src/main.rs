//! Checks and chores of the workspace: `cargo xtask test` is the one command that must pass.
fn main() {}
