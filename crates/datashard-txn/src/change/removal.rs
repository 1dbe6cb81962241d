//! [`Removal`]: what a change takes out of the table.

use std::collections::BTreeSet;

use datashard_spec::expr::Predicate;
use datashard_spec::id::PartitionSpecId;
use datashard_spec::value::Tuple;

/// What a change takes out of the table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Removal<'o> {
    /// Locations of data files.
    pub(crate) files: Option<&'o BTreeSet<String>>,
    /// Locations of delete files; of a deletion vector, that of its Puffin file together with the data file that it is about.
    pub(crate) delete_files: Option<&'o BTreeSet<DeleteFileKey>>,
    /// All data files whose rows all match. A file of which some rows match and some may not is a conflict that asks for rewriting it.
    pub(crate) filter: Option<&'o Predicate>,
    /// Whether names in the filter are told apart by case.
    pub(crate) case_sensitive: bool,
    /// All data files of these partitions.
    pub(crate) partitions: Option<&'o BTreeSet<(PartitionSpecId, Tuple)>>,
    /// Whether each of the files must be part of the table.
    pub(crate) must_exist: bool,
    /// Whether nothing may be removed: if anything would be, that is a conflict.
    pub(crate) must_be_empty: bool,
}

/// What tells delete files apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeleteFileKey {
    /// Its location.
    pub(crate) location: String,
    /// Of a deletion vector, the data file that it is about.
    pub(crate) referenced_data_file: Option<String>,
}
