//! Integration tests: whole calls against stores in memory, simulated stores and folders.

mod head_find;
#[cfg(feature = "local")]
mod head_folder;
mod head_hint;
mod head_layout;
mod head_retired;
#[cfg(feature = "sim")]
mod head_sim;
mod head_support;
