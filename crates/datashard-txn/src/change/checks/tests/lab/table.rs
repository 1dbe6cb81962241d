//! The table of conflicts in the documentation is what operations do: each cell is found out by doing it.

use std::fmt::Write;
use std::sync::Arc;

use datashard_spec::property::IsolationLevel;

use super::command::{Command, Verb};
use super::engine::Any;
use super::interleaved::FILES;
use super::stage::{Ended, Ready, Stage, first_files};
use crate::action::testing::LOCATION;
use crate::action::{MergeManifests, SetProperties};
use crate::rules::Rules;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conflicts.md");
const BEGIN: &str = "<!-- table of conflicts: begin -->\n";
const END: &str = "<!-- table of conflicts: end -->";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Verb(Verb),
    MergeManifests,
    SetProperties,
}

use Deed::Verb as Do;

/// The columns: what others commit meanwhile.
const THEIRS: [(&str, Deed); 12] = [
    ("append", Do(Verb::Append)),
    ("delete where", Do(Verb::DeleteWhere)),
    ("delete files", Do(Verb::DeleteFiles)),
    ("overwrite files", Do(Verb::Overwrite)),
    ("overwrite by filter", Do(Verb::OverwriteWhere)),
    ("replace partitions", Do(Verb::ReplacePartition)),
    ("row delta, deletes", Do(Verb::DeleteRows)),
    ("row delta, updates", Do(Verb::UpdateRows)),
    ("equality row delta", Do(Verb::Upsert)),
    ("rewrite files", Do(Verb::RewriteNew)),
    ("merge manifests", Deed::MergeManifests),
    ("set properties", Deed::SetProperties),
];

/// The rows: what was planned before.
const MINE: [(&str, Deed, Option<IsolationLevel>); 20] = {
    const SNAPSHOT: Option<IsolationLevel> = Some(IsolationLevel::Snapshot);
    const SERIALIZABLE: Option<IsolationLevel> = Some(IsolationLevel::Serializable);
    [
        ("append", Do(Verb::Append), None),
        ("delete where", Do(Verb::DeleteWhere), None),
        ("delete files", Do(Verb::DeleteFiles), None),
        ("overwrite files", Do(Verb::Overwrite), SNAPSHOT),
        ("overwrite files", Do(Verb::Overwrite), SERIALIZABLE),
        ("overwrite by filter", Do(Verb::OverwriteWhere), SNAPSHOT),
        ("overwrite by filter", Do(Verb::OverwriteWhere), SERIALIZABLE),
        ("replace partitions", Do(Verb::ReplacePartition), SNAPSHOT),
        ("replace partitions", Do(Verb::ReplacePartition), SERIALIZABLE),
        ("row delta, deletes", Do(Verb::DeleteRows), SNAPSHOT),
        ("row delta, deletes", Do(Verb::DeleteRows), SERIALIZABLE),
        ("row delta, updates", Do(Verb::UpdateRows), SNAPSHOT),
        ("row delta, updates", Do(Verb::UpdateRows), SERIALIZABLE),
        ("row delta, has read more than it deletes", Do(Verb::MergeRows), SNAPSHOT),
        ("row delta, has read more than it deletes", Do(Verb::MergeRows), SERIALIZABLE),
        ("equality row delta", Do(Verb::Upsert), None),
        ("rewrite files, old sequence number", Do(Verb::RewriteOld), None),
        ("rewrite files, new sequence number", Do(Verb::RewriteNew), None),
        ("merge manifests", Deed::MergeManifests, None),
        ("set properties", Deed::SetProperties, None),
    ]
};

/// Where the others are at work while the operation is at key 0: at its row, in its file, in its partition, elsewhere.
const KEYS: [i32; 4] = [0, 1, 2, 4];

/// A table whose manifests are due to be merged.
fn with_small_manifests() -> Stage {
    let mut stage = Stage::new(&[], Rules::all());
    for rows in FILES {
        let key = rows[0].0.to_string();
        stage.apply(&first_files(LOCATION, &key, &[rows]));
    }
    stage.apply(&SetProperties::new().set("commit.manifest.min-count-to-merge", "2"));
    stage
}

/// Whether the second of two deeds has a conflict, both of which were planned on the same version.
fn has_conflict(stage: &Stage, theirs: (Deed, i32), mine: (Deed, Option<IsolationLevel>)) -> bool {
    let mut stage = stage.clone();
    let level = mine.1.unwrap_or_default();
    let ours = prepare(&mut stage, mine.0, Command { verb: Verb::Append, key: 0, level, tag: 2 });
    let command = Command { verb: Verb::Append, key: theirs.1, level: IsolationLevel::Serializable, tag: 1 };
    let theirs = prepare(&mut stage, theirs.0, command);
    assert_eq!(stage.commit(theirs), Ended::Committed, "nobody stands in the way of the first");
    matches!(stage.commit(ours), Ended::Conflict(..))
}

fn prepare(stage: &mut Stage, deed: Deed, command: Command) -> Ready {
    match deed {
        Do(verb) => stage.prepare(Command { verb, ..command }),
        Deed::MergeManifests => stage.ready(Some(Any(Arc::new(MergeManifests::new())))),
        Deed::SetProperties => {
            let comment = command.tag.to_string();
            stage.ready(Some(Any(Arc::new(SetProperties::new().set("comment", comment)))))
        }
    }
}

/// The sign of a cell, by where there is a conflict.
fn sign(conflicts: [bool; 4]) -> &'static str {
    match conflicts {
        [false, false, false, false] => "–",
        [true, false, false, false] => "rows",
        [true, true, false, false] => "files",
        [true, true, true, false] => "partition",
        [true, true, true, true] => "always",
        other => panic!("a cell of no sign: {other:?}"),
    }
}

fn table() -> String {
    let mut table = String::from("| mine, planned before | isolation |");
    for (name, _) in THEIRS {
        write!(table, " {name} |").unwrap();
    }
    table.push_str("\n| --- | --- |");
    table.push_str(&" --- |".repeat(THEIRS.len()));
    table.push('\n');
    let plain = Stage::new(&FILES, Rules::all());
    let due = with_small_manifests();
    for (name, mine, level) in MINE {
        let isolation = level.map_or("", IsolationLevel::as_str);
        write!(table, "| {name} | {isolation} |").unwrap();
        for (_, theirs) in THEIRS {
            let stage = if [mine, theirs].contains(&Deed::MergeManifests) { &due } else { &plain };
            let conflicts = KEYS.map(|key| has_conflict(stage, (theirs, key), (mine, level)));
            write!(table, " {} |", sign(conflicts)).unwrap();
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_table_in_the_documentation_is_what_operations_do() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = document.split_once(BEGIN).expect("the table begins");
    let (written, after) = rest.split_once(END).expect("the table ends");
    let done = table();
    if std::env::var_os("DATASHARD_WRITE_DOCS").is_some() {
        return std::fs::write(DOCUMENT, format!("{before}{BEGIN}{done}{END}{after}")).unwrap();
    }
    assert!(written == done, "docs/conflicts.md does not say what operations do, which is:\n{done}");
}
