//! What commits do to tables: each action is an [`Operation`](crate::Operation), a pure function of the version it is built on.
//!
//! | action | what it does |
//! | --- | --- |
//! | [`CreateTable`] | makes the first version |
//! | [`ReplaceTable`] | begins a table anew under its identity, history kept |
//! | [`Append`] | adds data files, and merges small manifests along the way |
//! | [`DeleteFiles`] | removes data files that are named |
//! | [`DeleteWhere`] | removes the data files whose rows all match a filter |
//! | [`Overwrite`] | puts data files in the place of others |
//! | [`ReplacePartitions`] | puts data files in the place of all others in their partitions |
//! | [`RewriteFiles`] | puts files with the same rows in the place of others |
//! | [`MergeManifests`] | merges manifests that are too large for that, in a snapshot of its own |
//! | [`SetProperties`] | sets and removes properties, key by key; raises the format version |
//!
//! Behind them: `files` and `schema_fit` say whether files may be added, `manifests` writes their manifests, `snapshot` makes manifest list
//! and snapshot, `retention` decides which snapshots go with the commit, `metadata_form` what of a table this library does not write.

mod append;
mod assign_ids;
mod create;
mod delete_file;
mod delete_files;
mod delete_where;
mod files;
mod manifests;
mod merge_manifests;
mod metadata_form;
mod overwrite;
pub(crate) mod placed;
mod properties;
mod replace;
mod replace_partitions;
mod retention;
mod rewrite_files;
mod schema_fit;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;

pub use append::Append;
pub use create::CreateTable;
pub use delete_files::DeleteFiles;
pub use delete_where::DeleteWhere;
pub use merge_manifests::MergeManifests;
pub use overwrite::Overwrite;
pub use properties::SetProperties;
pub use replace::ReplaceTable;
pub use replace_partitions::ReplacePartitions;
pub use rewrite_files::RewriteFiles;

pub(crate) use files::{Fitting, NewFile, excerpt, header_schema};
pub(crate) use manifests::{finish, finish_as, list_options, of_spec_error, refuse};
pub(crate) use snapshot::{NewSnapshot, Target};
#[cfg(test)]
pub(crate) use testing::produce_snapshot;
