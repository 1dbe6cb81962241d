//! The location is corrected to where the table lies, and nowhere else.

use datashard_spec::metadata::{ApplyContext, FormatVersion};

use super::*;
use crate::action::SetProperties;
use crate::action::testing::{LOCATION, TestTable};

/// A table that says that it is elsewhere, as one does whose folder was copied.
fn astray(version: FormatVersion) -> TestTable {
    let mut table = TestTable::plain(version);
    let elsewhere = TableUpdate::SetLocation { location: "s3://old/place".to_owned() };
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[elsewhere], &ApplyContext::new(1_000)).unwrap();
    table
}

#[test]
fn it_is_corrected_to_where_the_table_lies_in_every_version_and_in_a_retry() {
    for version in [FormatVersion::V1, FormatVersion::V2, FormatVersion::V3] {
        let table = astray(version).numbered(50);
        let correction = SetLocation::to(LOCATION);
        assert_eq!(table.attempt(&correction, 1, &[]).unwrap().metadata.location(), LOCATION, "{version}");
        let mut other = table.clone().numbered(60);
        other.commit(&SetProperties::new().set("theirs", "1")).unwrap();
        let mut again = other.for_operation(50);
        let next = again.attempt(&correction, 2, &[]).unwrap();
        again.adopt(&next);
        assert_eq!(again.metadata().location(), LOCATION);
        assert_eq!(again.metadata().properties()["theirs"], "1");
        // Who was as fast finds it done.
        again.commit(&SetLocation::to(format!("{LOCATION}/"))).unwrap();
        assert_eq!(again.metadata().location(), LOCATION);
    }
}

#[test]
fn any_other_place_is_refused() {
    let table = TestTable::plain(FormatVersion::V2);
    for place in ["s3://old/place", "memory://actions/table2", "memory://actions", "", "no://such scheme"] {
        for attempt in [1, 2] {
            let refusal = table.attempt(&SetLocation::to(place), attempt, &[]).unwrap_err();
            assert!(matches!(refusal, Refusal::Rejected { operation: NAME, .. }), "{place}: {refusal}");
        }
    }
    assert!(matches!(TestTable::none().attempt(&SetLocation::to(LOCATION), 1, &[]), Err(Refusal::NoTable)));
}
