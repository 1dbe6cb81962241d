//! Properties of a table as a whole: history, clean-up, encryption, identity.

use super::TextProperty;

/// A comment for people.
pub static COMMENT: TextProperty = TextProperty { key: "comment" };
/// Name mapping, as JSON, for files without field ids.
pub static DEFAULT_NAME_MAPPING: TextProperty = TextProperty { key: "schema.name-mapping.default" };
/// Id of the key that encrypts the table.
pub static ENCRYPTION_KEY_ID: TextProperty = TextProperty { key: "encryption.key-id" };

super::properties! {
    /// Length of keys that encrypt files, in bytes.
    ENCRYPTION_DATA_KEY_LENGTH: u32 = "encryption.data-key-length" or 16, positive;
    /// Whether engines may rely on the identifier fields being unique.
    IDENTIFIER_FIELDS_RELY: bool = "identifier-fields.rely" or false;
    /// How old a snapshot may become before it expires, in ms.
    MAX_SNAPSHOT_AGE_MS: u64 = "history.expire.max-snapshot-age-ms" or 432_000_000;
    /// How many snapshots of a branch are kept whatever their age.
    MIN_SNAPSHOTS_TO_KEEP: u32 = "history.expire.min-snapshots-to-keep" or 1, positive;
    /// How old a reference other than main may become before it expires, in ms; by default forever.
    MAX_REF_AGE_MS: u64 = "history.expire.max-ref-age-ms" or 9_223_372_036_854_775_807;
    /// Whether files of this table may be deleted: not where others share them.
    GC_ENABLED: bool = "gc.enabled" or true;
    /// Whether entries of v1 manifests may inherit their snapshot id.
    SNAPSHOT_ID_INHERITANCE_ENABLED: bool = "compatibility.snapshot-id-inheritance.enabled" or false;
}
