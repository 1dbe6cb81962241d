//! Setting properties.

use datashard_spec::metadata::ApplyContext;

use super::*;
use crate::action::CreateTable;
use crate::action::testing::{TestTable, schema};
use crate::protocol::COMMIT_STATE;

#[test]
fn d7_changes_of_different_keys_are_both_there() {
    let mut table = TestTable::create(CreateTable::new(schema()).with_property("owner", "ada"));
    table.commit(&SetProperties::new().set("a", "1").set("b", "1")).unwrap();
    table.commit(&SetProperties::new().set("b", "2").remove("owner").remove("absent")).unwrap();
    let properties = table.metadata().properties();
    assert_eq!((properties.get("a"), properties.get("b")), (Some(&"1".to_owned()), Some(&"2".to_owned())));
    assert!(!properties.contains_key("owner"));
    assert!(properties.contains_key(COMMIT_STATE));
    assert_eq!(table.metadata().metadata_log().len(), 2);
}

#[test]
fn the_format_version_is_raised_and_never_lowered() {
    let mut table = TestTable::plain(FormatVersion::V1);
    for (text, expect) in [("2", FormatVersion::V2), ("3", FormatVersion::V3), ("3", FormatVersion::V3)] {
        table.commit(&SetProperties::new().set("format-version", text).set("note", text)).unwrap();
        assert_eq!(table.metadata().format_version(), expect);
        assert!(!table.metadata().properties().contains_key("format-version"));
    }
    for (text, expect) in [("2", "no way back"), ("4", "1, 2 or 3"), ("two", "1, 2 or 3")] {
        let refusal =
            table.commit(&SetProperties::new().set("format-version", text)).unwrap_err().to_string();
        assert!(refusal.contains(expect), "{refusal}");
    }
}

#[test]
fn keys_that_are_not_the_callers_are_refused() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let new = SetProperties::new;
    for (change, expect) in [
        (new().set(COMMIT_STATE, "{}"), "kept by commits"),
        (new().remove(COMMIT_STATE), "kept by commits"),
        (new().set("uuid", "x"), "`uuid` is reserved"),
        (new().set("current-schema", "x"), "reserved"),
        (new().remove("format-version"), "reserved"),
        (new().set("a", "1").remove("a"), "both set and removed"),
        (new().set("write.metadata.compression-codec", "gzip"), "second name"),
    ] {
        let refusal = table.commit(&change).unwrap_err().to_string();
        assert!(refusal.contains(expect), "{refusal}");
    }
    assert_eq!(table.base().version.0, 1);
}

#[test]
fn c9_compression_of_metadata_can_be_switched_off_and_until_then_nothing_is_written() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let key = "write.metadata.compression-codec".to_owned();
    let gzip = TableUpdate::SetProperties { updates: [(key.clone(), "gzip".to_owned())].into() };
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[gzip], &ApplyContext::new(1_000)).unwrap();
    assert!(matches!(table.commit(&SetProperties::new().set("a", "b")), Err(Refusal::Unsupported { .. })));
    table.clone().commit(&SetProperties::new().set(&key, "none")).unwrap();
    table.commit(&SetProperties::new().remove(&key)).unwrap();
}
