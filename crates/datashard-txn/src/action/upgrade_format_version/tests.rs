//! Format versions are raised, beside anything that others do, and never lowered.

use datashard_spec::id::{PartitionSpecId, SchemaId};

use super::*;
use crate::action::Append;
use crate::action::testing::{TestTable, file};
use crate::conflict::ConflictKind;

const VERSIONS: [FormatVersion; 3] = [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3];

fn append(name: &str) -> Append {
    Append::new(SchemaId(0)).with_file(PartitionSpecId(0), file(name))
}

#[test]
fn every_version_is_raised_to_every_later_one_and_files_stay_what_they_were() {
    for from in VERSIONS {
        for to in VERSIONS.into_iter().filter(|to| *to >= from) {
            let mut table = TestTable::plain(from);
            table.commit(&append("before")).unwrap();
            let before = table.live();
            let uuid = table.metadata().table_uuid();
            table.commit(&UpgradeFormatVersion::to(to)).unwrap();
            assert_eq!(table.metadata().format_version(), to, "{from} to {to}");
            assert_eq!((table.live(), table.metadata().table_uuid()), (before, uuid), "{from} to {to}");
            assert!(uuid.is_some());
            table.commit(&append("after")).unwrap();
            let live = table.live();
            let numbers: Vec<i64> = live.values().map(|file| file.data_sequence_number).collect();
            // Files of version 1 have sequence number 0, and all that come later have greater ones.
            assert_eq!(live.len(), 2);
            assert!(to == FormatVersion::V1 || numbers[0] > numbers[1], "{from} to {to}: {numbers:?}");
        }
    }
}

#[test]
fn two_who_upgrade_at_once_are_both_right_and_who_is_late_for_a_lower_version_is_told() {
    let table = TestTable::plain(FormatVersion::V1).numbered(50);
    let to_v2 = UpgradeFormatVersion::to(FormatVersion::V2);
    table.attempt(&to_v2, 1, &[]).unwrap();
    let mut other = table.clone().numbered(60);
    other.commit(&to_v2).unwrap();
    assert!(other.for_operation(50).attempt(&to_v2, 2, &[]).is_ok());
    other.commit(&UpgradeFormatVersion::to(FormatVersion::V3)).unwrap();
    let again = other.for_operation(50);
    let Err(Refusal::Conflict(conflict)) = again.attempt(&to_v2, 2, &[]) else { panic!("it is 3") };
    assert_eq!(conflict.kind, ConflictKind::Requirement);
    let refusal = again.attempt(&to_v2, 1, &[]).unwrap_err();
    assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{refusal}");
    assert!(matches!(TestTable::none().attempt(&to_v2, 1, &[]), Err(Refusal::NoTable)));
}

#[test]
fn an_append_that_races_with_an_upgrade_is_written_for_the_version_that_it_lands_on() {
    for (from, to) in [
        (FormatVersion::V1, FormatVersion::V2),
        (FormatVersion::V1, FormatVersion::V3),
        (FormatVersion::V2, FormatVersion::V3),
    ] {
        let table = TestTable::plain(from).numbered(50);
        let ours = append("ours");
        let lost = table.attempt(&ours, 1, &[]).unwrap();
        let mut other = table.clone().numbered(60);
        other.keep_files(&lost);
        other.commit(&UpgradeFormatVersion::to(to)).unwrap();
        let mut again = other.for_operation(50);
        let next = again.attempt(&ours, 2, &TestTable::written(&lost)).unwrap();
        again.adopt(&next);
        let live = again.live();
        assert_eq!(live.len(), 1, "{from} to {to}");
        assert!(live.values().all(|file| file.data_sequence_number > 0), "{from} to {to}");
        if to == FormatVersion::V3 {
            let row_ids: Vec<_> = live.values().map(|file| file.file.first_row_id).collect();
            assert_eq!((row_ids, again.metadata().next_row_id()), (vec![Some(0)], 10));
        }
    }
}
