//! Old history is thinned: what is kept is kept by tags, for everybody, until the policy or the age says otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;

const HOUR_MS: i64 = 3_600_000;
const DAY: Duration = Duration::from_secs(86_400);

/// A snapshot every six hours from the start of day 2 to the end of day 13. It is the beginning of day 14.
fn every_six_hours(version: FormatVersion) -> TestTable {
    let mut table = TestTable::create(created(version));
    for number in 8..56 {
        table.now_ms = number * 6 * HOUR_MS;
        table.commit(&append(0, number)).unwrap();
    }
    table.now_ms = 14 * DAY_MS;
    table
}

/// The last two days, and of the six before them one snapshot a day.
fn thinned(now_ms: i64) -> ExpireSnapshots {
    let thinning = Thinning::new().one_per(DAY, 8 * DAY);
    ExpireSnapshots::new().older_than_ms(now_ms - 2 * DAY_MS).thinned(thinning)
}

fn times(table: &TestTable) -> BTreeSet<i64> {
    table.metadata().snapshots().map(|snapshot| snapshot.unwrap().timestamp_ms).collect()
}

fn tags(table: &TestTable) -> usize {
    table.metadata().refs().keys().filter(|name| name.starts_with("datashard.kept.")).count()
}

/// What should be left of the times: all that is young, the head, and besides them the newest of each day of what is not too old.
fn expected(times: &BTreeSet<i64>, now_ms: i64) -> BTreeSet<i64> {
    let head = times.last().copied();
    let (young, old): (Vec<i64>, Vec<i64>) =
        times.iter().partition(|at_ms| **at_ms >= now_ms - 2 * DAY_MS || Some(**at_ms) == head);
    let old = old.into_iter().filter(|at_ms| *at_ms >= now_ms - 8 * DAY_MS);
    let newest: BTreeMap<i64, i64> = old.map(|at_ms| (at_ms / DAY_MS, at_ms)).collect();
    newest.into_values().chain(young).collect()
}

#[test]
fn one_snapshot_a_day_is_kept_and_days_later_the_oldest_of_them_go() {
    for version in VERSIONS {
        let mut table = every_six_hours(version);
        let files = table.live();
        let expect = expected(&times(&table), table.now_ms);
        table.commit(&thinned(table.now_ms)).unwrap();
        assert_eq!(times(&table), expect, "{version}");
        assert_eq!((table.metadata().snapshot_count(), tags(&table)), (8 + 6, 6));
        assert_eq!(table.live(), files);
        assert!(!thinned(table.now_ms).is_due(table.base(), table.now_ms).unwrap(), "it is stable");
        for _ in 0..3 {
            table.now_ms += DAY_MS;
            let expect = expected(&times(&table), table.now_ms);
            let head = table.metadata().current_snapshot_id();
            table.commit(&thinned(table.now_ms)).unwrap();
            assert_eq!(times(&table), expect, "{version}");
            assert_eq!(table.metadata().current_snapshot_id(), head);
        }
    }
}

#[test]
fn who_expires_without_the_policy_keeps_what_it_kept_until_the_age_of_the_tags() {
    let mut table = every_six_hours(FormatVersion::V2);
    table.commit(&thinned(table.now_ms)).unwrap();
    let all_else = ExpireSnapshots::new().older_than_ms(i64::MAX).keep_last(1);
    table.commit(&all_else).unwrap();
    assert_eq!((table.metadata().snapshot_count(), tags(&table)), (1 + 6, 6));
    table.now_ms += 9 * DAY_MS;
    table.commit(&all_else).unwrap();
    assert_eq!((table.metadata().snapshot_count(), tags(&table)), (1, 0));
}

#[test]
fn a_kept_snapshot_goes_with_its_tag_if_it_is_named_and_tags_of_others_stay() {
    let mut table = every_six_hours(FormatVersion::V2);
    let oldest = *table.metadata().snapshot_ids().collect::<Vec<_>>().first().unwrap();
    table.commit(&tag("first", oldest.0).create_tag("datashard.kept.mine", oldest)).unwrap();
    table.commit(&thinned(table.now_ms)).unwrap();
    let kept = table
        .metadata()
        .refs()
        .iter()
        .find(|(name, reference)| **name == format!("datashard.kept.{}", reference.snapshot_id));
    let kept = kept.unwrap().1.snapshot_id;
    table.commit(&thinned(table.now_ms).snapshot(kept)).unwrap();
    assert!(!table.metadata().has_snapshot(kept));
    assert!(table.metadata().has_snapshot(oldest));
    let refs = table.metadata().refs();
    assert!(refs.contains_key("first") && refs.contains_key("datashard.kept.mine"));
    assert!(!refs.contains_key(&format!("datashard.kept.{kept}")));
}

#[test]
fn a_retry_thins_what_is_there_then() {
    let table = every_six_hours(FormatVersion::V3).numbered(100);
    let expire = thinned(table.now_ms);
    let first = table.attempt(&expire, 1, &[]).unwrap();
    let mut other = table.clone().numbered(200);
    other.commit(&expire).unwrap();
    other.commit(&append(0, "theirs")).unwrap();
    let mut again = other.for_operation(100);
    let next = again.attempt(&expire, 2, &[]).unwrap();
    assert_eq!(next.metadata.snapshot_count(), first.metadata.snapshot_count() + 1);
    again.adopt(&next);
    assert_eq!(tags(&again), 6);
}

#[test]
fn steps_that_make_no_sense_are_refused() {
    let table = every_six_hours(FormatVersion::V2);
    for thinning in [
        Thinning::new().one_per(Duration::ZERO, DAY),
        Thinning::new().one_per(DAY, 2 * DAY).one_per(DAY / 2, 4 * DAY),
        Thinning::new().one_per(DAY, 2 * DAY).one_per(2 * DAY, 2 * DAY),
        Thinning::new().one_per(DAY, Duration::ZERO),
    ] {
        let refusal = table.attempt(&ExpireSnapshots::new().thinned(thinning), 1, &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{refusal}");
    }
}
