//! Ids and counters of the format as newtypes, so that a sequence number cannot be passed as a snapshot id.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_structs, reason = "an id is its number and nothing else")]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Id of a field of a schema, of a list element, map key or map value, or (from 1000 on) of a partition field.
    FieldId(i32)
}
id! {
    /// Id of a schema within a table.
    SchemaId(i32)
}
id! {
    /// Id of a partition spec within a table.
    PartitionSpecId(i32)
}
id! {
    /// Id of a sort order within a table; 0 is always the unsorted order.
    SortOrderId(i32)
}
id! {
    /// Id of a snapshot: positive, unique within a table.
    SnapshotId(i64)
}
id! {
    /// Sequence number of a commit: of a snapshot, or of the manifest that a commit added.
    SequenceNumber(i64)
}
id! {
    /// Sequence number that says which deletes apply to a file. A compaction sets it to an older one on purpose.
    DataSequenceNumber(i64)
}
id! {
    /// Sequence number of the commit that added a file.
    FileSequenceNumber(i64)
}
id! {
    /// The N of `metadata/v{N}.metadata.json`, counted from 1.
    MetadataVersion(u64)
}

impl SchemaId {
    /// In a list of updates: the schema that the list added last.
    pub const LAST_ADDED: Self = Self(-1);
}

impl PartitionSpecId {
    /// In a list of updates: the partition spec that the list added last.
    pub const LAST_ADDED: Self = Self(-1);
}

impl SortOrderId {
    /// In a list of updates: the sort order that the list added last.
    pub const LAST_ADDED: Self = Self(-1);
}

impl FieldId {
    /// The highest id that a user's field may have; those above are reserved for metadata columns.
    pub const MAX_USER: Self = Self(2_147_483_447);
    /// `_file`: path of the file that holds the row.
    pub const FILE: Self = Self(2_147_483_646);
    /// `_pos`: position of the row in its file, from 0.
    pub const POS: Self = Self(2_147_483_645);
    /// `_deleted`: whether the row is deleted.
    pub const DELETED: Self = Self(2_147_483_644);
    /// `_spec_id`: partition spec of the file that holds the row.
    pub const SPEC_ID: Self = Self(2_147_483_643);
    /// `_partition`: partition tuple in the unified partition type.
    pub const PARTITION: Self = Self(2_147_483_642);
    /// `file_path` of a position-delete file.
    pub const DELETE_FILE_PATH: Self = Self(2_147_483_546);
    /// `pos` of a position-delete file.
    pub const DELETE_POS: Self = Self(2_147_483_545);
    /// `row` of a position-delete file.
    pub const DELETE_ROW: Self = Self(2_147_483_544);
    /// `_change_type` of a changelog row.
    pub const CHANGE_TYPE: Self = Self(2_147_483_543);
    /// `_change_ordinal` of a changelog row.
    pub const CHANGE_ORDINAL: Self = Self(2_147_483_542);
    /// `_commit_snapshot_id` of a changelog row.
    pub const COMMIT_SNAPSHOT_ID: Self = Self(2_147_483_541);
    /// `_row_id`: row lineage, v3.
    pub const ROW_ID: Self = Self(2_147_483_540);
    /// `_last_updated_sequence_number`: row lineage, v3.
    pub const LAST_UPDATED_SEQUENCE_NUMBER: Self = Self(2_147_483_539);

    /// Whether the id is reserved for a metadata column.
    pub fn is_reserved(self) -> bool {
        self > Self::MAX_USER
    }
}

impl From<SequenceNumber> for DataSequenceNumber {
    /// The sequence number that an added file inherits.
    fn from(inherited: SequenceNumber) -> Self {
        Self(inherited.0)
    }
}

impl From<SequenceNumber> for FileSequenceNumber {
    /// The sequence number that an added file inherits.
    fn from(inherited: SequenceNumber) -> Self {
        Self(inherited.0)
    }
}
