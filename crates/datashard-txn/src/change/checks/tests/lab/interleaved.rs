//! Any two commands, planned on the same version and committed one after the other, hold what their isolation levels promise.
//!
//! Planning changes nothing, so that of all orders of two plans and two commits there are three that differ: either after the other, and both
//! planned before the first is committed. All ordered pairs are tried, which covers them.

use datashard_spec::property::IsolationLevel;
use proptest::prelude::*;

use super::command::{Command, Verb};
use super::model::effect;
use super::rows::{Row, partition_of};
use super::stage::{Ended, Stage};
use crate::conflict::ConflictKind;
use crate::rules::Rules;

/// What went wrong with a pair, if something did.
fn violation(mut stage: Stage, pair: [Command; 2]) -> Option<String> {
    let [first, second] = pair;
    let start = stage.rows();
    let ours = stage.prepare(second);
    let theirs = stage.prepare(first);
    let (theirs_file, ours_file) = (stage.rows_beside(first.key), stage.rows_beside(second.key));
    match stage.commit(theirs) {
        Ended::Committed => {}
        Ended::Idle => return None,
        Ended::Conflict(kind, _) => return Some(format!("the first has a conflict: {kind:?}")),
    }
    let theirs = effect(&first, &start, &theirs_file);
    let middle = theirs.after(&first, &start);
    let found = stage.rows();
    if found != middle {
        return Some(format!("alone: {found:?}, and not {middle:?}"));
    }
    let (version, at_fault) = (stage.version(), stage.table.snapshot().id);
    let ended = stage.commit(ours);
    let end = stage.rows();
    match ended {
        Ended::Idle => return None,
        Ended::Conflict(kind, named) => {
            // A deletion of files does not say what it was planned on; who deleted the same rows is not told.
            let is_told = named == Some(at_fault);
            if !is_told && second.verb != Verb::DeleteFiles && kind != ConflictKind::SameRows {
                return Some(format!("{kind:?} names {named:?}, and not {at_fault}"));
            }
            let unchanged = end == middle && stage.version() == version;
            return (!unchanged).then(|| format!("refused with {kind:?}, and it changed the table"));
        }
        Ended::Committed => {}
    }
    let doubled = end.windows(2).any(|pair| pair[0] == pair[1]);
    if doubled {
        return Some(format!("a row is there twice: {end:?}"));
    }
    let seen = effect(&second, &start, &ours_file);
    if second.level == IsolationLevel::Serializable {
        let after =
            |command: &Command, file: &[Row], rows: &[Row]| effect(command, rows, file).after(command, rows);
        let in_order = after(&second, &ours_file, &middle);
        let other_order = after(&first, &theirs_file, &after(&second, &ours_file, &start));
        let is_serial = end == in_order || end == other_order;
        return (!is_serial).then(|| format!("{end:?} is neither {in_order:?} nor {other_order:?}"));
    }
    // What it changes is what it has seen, and nobody changed it in between.
    let lost = seen.takes.iter().find(|row| seen.derives && !middle.contains(row));
    if let Some(row) = lost {
        return Some(format!("{row:?} was changed in between, and it was changed once more: {end:?}"));
    }
    let expected = seen.after(&second, &middle);
    (end != expected).then(|| format!("{end:?}, and not {expected:?}"))
}

/// Keys 0 and 1 in one file, 2 in another of their partition, 4 and 5 in another partition.
pub(super) const FILES: [&[Row]; 3] = [&[(0, 1), (1, 10)], &[(2, 100)], &[(4, 1_000), (5, 10_000)]];

/// All commands at a key.
fn commands(key: i32, tag: i64) -> impl Iterator<Item = Command> {
    use IsolationLevel::{Serializable, Snapshot};
    Verb::ALL.into_iter().flat_map(move |verb| {
        let levels: &[IsolationLevel] =
            if verb.has_level() { &[Serializable, Snapshot] } else { &[Serializable] };
        levels.iter().map(move |level| Command { verb, key, level: *level, tag })
    })
}

/// The violations among all pairs of commands.
fn violations(keys: &[i32], rules: Rules) -> Vec<String> {
    let stage = Stage::new(&FILES, rules);
    let mut found = Vec::new();
    for key in keys.iter().copied() {
        for first in Verb::ALL {
            for second in commands(0, 2) {
                let first = Command { verb: first, key, level: IsolationLevel::Serializable, tag: 1 };
                if let Some(what) = violation(stage.clone(), [first, second]) {
                    found.push(format!("{first:?}, then {second:?}: {what}"));
                }
            }
        }
    }
    found
}

#[test]
fn d8_d9_d10_commands_at_the_same_file_are_serializable_or_lose_nothing() {
    let found = violations(&[0, 1], Rules::all());
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn d8_d9_d10_commands_at_different_files_are_serializable_or_lose_nothing() {
    let found = violations(&[2, 4], Rules::all());
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
#[cfg(feature = "mutations")]
fn a_build_that_skips_validation_is_found_out() {
    let found = violations(&[0], Rules::without(crate::rules::Mutation::SkipValidation));
    for word in ["is neither", "was changed once more"] {
        assert!(found.iter().any(|what| what.contains(word)), "no violation says {word:?}");
    }
}

fn a_command(tag: i64) -> impl Strategy<Value = Command> {
    (0..Verb::ALL.len(), 0..8_i32, any::<bool>()).prop_map(move |(verb, key, is_serializable)| {
        let verb = Verb::ALL[verb];
        let is_serializable = is_serializable || !verb.has_level();
        let level = if is_serializable { IsolationLevel::Serializable } else { IsolationLevel::Snapshot };
        Command { verb, key, level, tag }
    })
}

/// Files of some keys each, all of one partition.
fn some_files() -> impl Strategy<Value = Vec<Vec<Row>>> {
    let file = (0..2_i32, proptest::collection::btree_set(0..4_i32, 1..4));
    proptest::collection::vec(file, 1..4).prop_map(|files| {
        let mut value = 1;
        let mut rows = |(partition, keys): (i32, std::collections::BTreeSet<i32>)| -> Vec<Row> {
            keys.into_iter()
                .map(|key| {
                    value *= 3;
                    (partition * 4 + key, value)
                })
                .collect()
        };
        files.into_iter().map(&mut rows).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_two_commands_on_any_table_are_serializable_or_lose_nothing(
        files in some_files(),
        before in (a_command(1), a_command(2)),
        pair in (a_command(3), a_command(4)),
    ) {
        let files: Vec<&[Row]> = files.iter().map(Vec::as_slice).collect();
        assert!(files.iter().all(|rows| rows.iter().all(|row| partition_of(row.0) == partition_of(rows[0].0))));
        let mut stage = Stage::new(&files, Rules::all());
        for command in [before.0, before.1] {
            let prepared = stage.prepare(command);
            stage.commit(prepared);
        }
        prop_assert_eq!(violation(stage, [pair.0, pair.1]), None);
    }
}
