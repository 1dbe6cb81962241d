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
//! | [`RowDelta`] | adds rows, and deletes rows of data files that stay |
//! | [`MergeManifests`] | merges manifests that are too large for that, in a snapshot of its own |
//! | [`RewriteManifests`] | puts the entries of manifests into manifests by partition |
//! | [`CherryPick`] | applies a snapshot of another branch, or a staged one, to the head |
//! | [`SetProperties`] | sets and removes properties, key by key; raises the format version |
//! | [`UpdateSchema`] | adds, drops, renames, moves and widens columns, by name |
//! | [`UpdatePartitionSpec`] | changes how files are partitioned from now on |
//! | [`ReplaceSortOrder`] | says how rows are ordered in files from now on |
//! | [`UpgradeFormatVersion`] | raises the format version |
//! | [`SetLocation`] | corrects what the table says of where it is |
//! | [`UpdateStatistics`] | sets and removes statistics files |
//! | [`UpdateRefs`] | makes, moves, renames and removes branches and tags |
//! | [`RollbackTo`] | takes a branch back in its history |
//! | [`SetCurrentSnapshot`] | makes any snapshot the current one |
//! | [`ExpireSnapshots`] | removes snapshots that need not be kept |
//! | [`Transaction`] | several of these in one commit |
//!
//! Behind them: `files` and `schema_fit` say whether files may be added, `manifests` writes their manifests, `snapshot` makes manifest list
//! and snapshot, `retention` decides which snapshots go with the commit, `metadata_form` what of a table this library does not write.

mod append;
mod assign_ids;
mod cherry_pick;
mod create;
mod delete_file;
mod delete_files;
mod delete_where;
mod expire_snapshots;
mod files;
#[cfg(test)]
mod interplay;
mod manifests;
mod merge_manifests;
mod metadata_change;
mod metadata_form;
mod overwrite;
pub(crate) mod placed;
mod properties;
mod replace;
mod replace_partitions;
mod replace_sort_order;
mod retention;
mod rewrite_files;
mod rewrite_manifests;
mod rollback_to;
mod row_delta;
mod schema_fit;
mod set_current_snapshot;
mod set_location;
mod snapshot;
#[cfg(test)]
pub(crate) mod testing;
mod transaction;
mod update_partition_spec;
mod update_refs;
mod update_schema;
mod update_statistics;
mod upgrade_format_version;

pub use append::Append;
pub use cherry_pick::CherryPick;
pub use create::CreateTable;
pub use delete_files::DeleteFiles;
pub use delete_where::DeleteWhere;
pub use expire_snapshots::{ExpireSnapshots, Thinning};
pub use merge_manifests::MergeManifests;
pub use overwrite::Overwrite;
pub use properties::SetProperties;
pub use replace::ReplaceTable;
pub use replace_partitions::ReplacePartitions;
pub use replace_sort_order::ReplaceSortOrder;
pub use rewrite_files::RewriteFiles;
pub use rewrite_manifests::RewriteManifests;
pub use rollback_to::RollbackTo;
pub use row_delta::RowDelta;
pub use set_current_snapshot::SetCurrentSnapshot;
pub use set_location::SetLocation;
pub use transaction::Transaction;
pub use update_partition_spec::UpdatePartitionSpec;
pub use update_refs::UpdateRefs;
pub use update_schema::UpdateSchema;
pub use update_statistics::UpdateStatistics;
pub use upgrade_format_version::UpgradeFormatVersion;

pub(crate) use files::{Fitting, NewFile, excerpt, header_schema};
pub(crate) use manifests::{finish, finish_as, list_options, of_spec_error, refuse, table_path};
pub(crate) use snapshot::{NewSnapshot, Target};
#[cfg(test)]
pub(crate) use testing::produce_snapshot;
