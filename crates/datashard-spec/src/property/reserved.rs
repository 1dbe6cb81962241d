//! Keys that look like properties and are none.

use std::collections::BTreeMap;

/// Keys by which engines pass or show table state. They are accepted when a table is made and never stored.
pub const RESERVED_KEYS: [&str; 9] = [
    "format-version",
    "uuid",
    "snapshot-count",
    "current-snapshot-id",
    "current-snapshot-summary",
    "current-snapshot-timestamp-ms",
    "current-schema",
    "default-partition-spec",
    "default-sort-order",
];

/// Whether a key is reserved and so never stored as a property.
pub fn is_reserved(key: &str) -> bool {
    RESERVED_KEYS.contains(&key)
}

/// The reserved keys among these properties.
pub fn reserved_in(properties: &BTreeMap<String, String>) -> impl Iterator<Item = &str> {
    properties.keys().map(String::as_str).filter(|key| is_reserved(key))
}
