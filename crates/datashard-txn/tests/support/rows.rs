//! Tables whose rows are texts, one in each data file: what is committed is then told from the table alone.
//!
//! Commits do not look into data files, so a file holds its row and nothing else.

use bytes::Bytes;
use datashard_io::TablePath;
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::manifest::{DataFile, FileFormat};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_txn::action::{Append, CreateTable};
use datashard_txn::{Committer, epoch};

/// A table of rows that keeps its last 100 snapshots.
pub(crate) fn table() -> CreateTable {
    endless().with_property("datashard.snapshot.retention-count", "100")
}

/// A table of rows that keeps all of its history.
pub(crate) fn endless() -> CreateTable {
    let schema = Schema::new(vec![NestedField::required(1, "row", PrimitiveType::String)]);
    CreateTable::new(schema.expect("a schema"))
}

/// Appends a row. `copy` tells apart files of one row: a row that is sent anew goes into another file.
pub(crate) fn row(committer: &Committer, row: &str, copy: &str) -> Append {
    rows(committer, &[row], copy)
}

/// Appends rows, each in a file of its own.
pub(crate) fn rows(committer: &Committer, rows: &[&str], copy: &str) -> Append {
    let epoch = epoch::prefix(committer.base().expect("an open table").version);
    rows.iter().fold(Append::new(SchemaId(0)), |append, row| {
        let path = TablePath::parse(&format!("data/{epoch}{row}-{copy}.parquet")).expect("a path");
        let bytes = Bytes::from((*row).to_owned());
        let length = i64::try_from(bytes.len()).expect("a short row");
        let location = committer.store().location().file(&path);
        let file = DataFile::new(location, FileFormat::Parquet, 1, length);
        append.with_unwritten_file(PartitionSpecId(0), file, path, bytes)
    })
}
