//! A laboratory: tables whose files tell their rows by name, commands that are planned on one snapshot and committed on another, and a model
//! of what they come to one after the other.

pub(super) mod command;
mod engine;
mod handles;
pub(super) mod interleaved;
pub(super) mod model;
pub(super) mod rows;
pub(super) mod stage;
mod table;
