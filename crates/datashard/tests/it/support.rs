//! A table of events and its rows.

use datashard::spec::partition::PartitionSpec;
use datashard::spec::schema::{NestedField, PrimitiveType, Schema};
use datashard::{Table, TableOptions};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: i64,
    pub(crate) kind: String,
}

pub(crate) fn event(id: i64, kind: &str) -> Event {
    Event { id, kind: kind.to_owned() }
}

pub(crate) fn schema() -> Schema {
    Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "kind", PrimitiveType::String),
    ])
    .unwrap()
}

pub(crate) fn plain() -> TableOptions {
    TableOptions::new(schema())
}

pub(crate) fn by_kind() -> TableOptions {
    plain().with_partition_spec(PartitionSpec::builder(&schema()).identity("kind").build().unwrap())
}

/// A folder that is there as long as the test is, and a table's location in it.
pub(crate) fn place() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let location = format!("file://{}/events", dir.path().canonicalize().unwrap().display());
    (dir, location)
}

/// The rows of a table, as it reads them.
pub(crate) async fn rows(table: &Table) -> Vec<Event> {
    table.scan().rows().await.unwrap()
}
