//! The second table of conflicts in the documentation: pairs of operations of which at least one changes metadata. Each cell is found out by doing it.

use std::fmt::Write;

use datashard_spec::id::{PartitionSpecId, SchemaId, SnapshotId};
use datashard_spec::metadata::{FormatVersion, StatisticsFile};
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::sort_order::NullOrder;
use datashard_spec::transform::Transform;

use super::testing::{LOCATION, TestTable, file};
use super::*;
use crate::operation::Operation;
use crate::refusal::Refusal;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conflicts.md");
const BEGIN: &str = "<!-- table of metadata conflicts: begin -->\n";
const END: &str = "<!-- table of metadata conflicts: end -->";

/// The snapshots of the table that all is planned on.
struct Ids {
    first: SnapshotId,
    second: SnapshotId,
    current: SnapshotId,
    staged: SnapshotId,
}

/// Makes the operation, under a name of its own where it adds something.
type Make = fn(&Ids, &str) -> Box<dyn Operation>;

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

fn location(name: &str) -> String {
    format!("{LOCATION}/data/{name}.parquet")
}

fn add_column(name: &str) -> UpdateSchema {
    UpdateSchema::new(SchemaUpdate::new().add_column(NewColumn::optional(name, PrimitiveType::Int)))
}

const OPERATIONS: [(&str, Make); 23] = [
    ("append", |_, tag| Box::new(append(tag))),
    ("delete files", |_, _| Box::new(DeleteFiles::new([location("a")]))),
    ("overwrite", |ids, tag| {
        let overwrite = Overwrite::new().removing([location("a")]).validated_from(Some(ids.current));
        Box::new(overwrite.with_file(SchemaId(0), PartitionSpecId(0), file(tag)))
    }),
    ("rewrite files", |ids, tag| {
        let rewrite = RewriteFiles::new(Some(ids.current)).removing([location("b")]);
        Box::new(rewrite.with_file(SchemaId(0), PartitionSpecId(0), file(tag)))
    }),
    ("rewrite manifests", |_, _| Box::new(RewriteManifests::new())),
    ("cherry-pick", |ids, _| Box::new(CherryPick::new(ids.staged))),
    ("schema: add a column", |_, tag| Box::new(add_column(tag))),
    ("schema: rename `day`", |_, tag| {
        Box::new(UpdateSchema::new(SchemaUpdate::new().rename_column("day", format!("day_{tag}"))))
    }),
    ("partition spec", |_, _| Box::new(UpdatePartitionSpec::new().add_field("day", Transform::Month))),
    ("sort order", |_, _| Box::new(ReplaceSortOrder::new().asc("day", NullOrder::First))),
    ("properties", |_, tag| Box::new(SetProperties::new().set("comment", tag))),
    ("format version", |_, _| Box::new(UpgradeFormatVersion::to(FormatVersion::V3))),
    ("statistics", |ids, tag| {
        let file = StatisticsFile::new(ids.first, format!("{LOCATION}/metadata/{tag}.stats"), 2_048, 512);
        Box::new(UpdateStatistics::new().set(file))
    }),
    ("create branch `x`", |ids, _| Box::new(UpdateRefs::new().create_branch("x", ids.first))),
    ("tag the first snapshot", |ids, tag| Box::new(UpdateRefs::new().create_tag(tag, ids.first))),
    ("move branch `audit`", |ids, _| {
        Box::new(UpdateRefs::new().replace_branch("audit", ids.second, ids.current))
    }),
    ("remove branch `audit`", |_, _| Box::new(UpdateRefs::new().remove_branch("audit"))),
    ("append to `audit`", |_, tag| Box::new(append(tag).to_branch("audit"))),
    ("roll back", |ids, _| Box::new(RollbackTo::snapshot(ids.second))),
    ("roll back from a head", |ids, _| Box::new(RollbackTo::snapshot(ids.second).from(ids.current))),
    ("set current from one", |ids, _| Box::new(SetCurrentSnapshot::to(ids.second).from(Some(ids.current)))),
    ("expire the first snapshot", |ids, _| Box::new(ExpireSnapshots::new().snapshot(ids.first))),
    ("transaction", |_, tag| {
        Box::new(Transaction::new().with(add_column(&format!("t{tag}"))).with(append(tag)))
    }),
];

/// Three snapshots, a branch `audit` at the second, and a staged one.
fn table() -> (TestTable, Ids) {
    let mut table = TestTable::plain(FormatVersion::V2);
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        let next = table.commit(&append(name)).unwrap();
        made.extend(next.snapshot_id);
    }
    table.commit(&UpdateRefs::new().create_branch("audit", made[1])).unwrap();
    let staged = table.commit(&append("w").staged("audit-7")).unwrap().snapshot_id.unwrap();
    (table, Ids { first: made[0], second: made[1], current: made[2], staged })
}

/// Whether the second of two has a conflict, both of which were planned on the same version.
fn has_conflict(before: &TestTable, ids: &Ids, theirs: Make, mine: Make) -> Result<bool, String> {
    let mine = mine(ids, "mine");
    let planned = before.for_operation(50);
    let lost = planned.attempt(mine.as_ref(), 1, &[]).map_err(|e| format!("alone: {e}"))?;
    let mut table = before.for_operation(60);
    table.keep_files(&lost);
    table.commit(theirs(ids, "theirs").as_ref()).map_err(|e| format!("theirs: {e}"))?;
    let mut table = table.for_operation(50);
    match table.attempt(mine.as_ref(), 2, &TestTable::written(&lost)) {
        Ok(next) => {
            table.adopt(&next);
            Ok(false)
        }
        Err(Refusal::Conflict(_)) => Ok(true),
        Err(other) => Err(other.to_string()),
    }
}

fn pairs() -> String {
    let mut text = String::from("| mine, planned before |");
    for (name, _) in OPERATIONS {
        write!(text, " {name} |").unwrap();
    }
    text.push_str("\n| --- |");
    text.push_str(&" --- |".repeat(OPERATIONS.len()));
    text.push('\n');
    let (table, ids) = table();
    for (name, mine) in OPERATIONS {
        write!(text, "| {name} |").unwrap();
        for (other, theirs) in OPERATIONS {
            let sign = match has_conflict(&table, &ids, theirs, mine) {
                Ok(true) => "conflict",
                Ok(false) => "–",
                Err(reason) => panic!("{name} after {other}: {reason}"),
            };
            write!(text, " {sign} |").unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_table_of_metadata_conflicts_in_the_documentation_is_what_operations_do() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the table begins");
    let (written, after) = rest.split_once(END).expect("the table ends");
    let done = pairs();
    if std::env::var_os("DATASHARD_WRITE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, format!("{before}{BEGIN}{done}{END}{after}")).unwrap();
    }
    assert!(written == done, "docs/conflicts.md does not say what operations do, which is:\n{done}");
}
