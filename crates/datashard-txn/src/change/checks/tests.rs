//! Tests of the checks: a table whose snapshots are made by other writers, tidy and untidy ones, and operations that look at what those did.

mod foreign;
mod found;
mod history;
mod lab;
mod levels;
mod probe;
mod pruned;
mod writer;
