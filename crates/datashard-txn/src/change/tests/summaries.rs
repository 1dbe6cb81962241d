//! What a snapshot's summary tells of a change.

use super::*;
use crate::action::{DeleteFiles, Overwrite, RewriteFiles};

fn check(table: &TestTable, expect: &[(&str, Option<&str>)]) {
    let summary = &table.snapshot().summary;
    for (key, value) in expect {
        assert_eq!(summary.get(key), *value, "{key} of {summary:?}");
    }
}

#[test]
fn an_overwrite_counts_what_comes_and_what_goes() {
    let mut table = partitioned(FormatVersion::V2);
    table.commit(&append([of("a", 1), of("b", 2)])).unwrap();
    table.commit(&append([of("c", 3)])).unwrap();
    let overwrite = Overwrite::new()
        .removing([path("a")])
        .with_file(SCHEMA, SPEC, of("x", 1))
        .with_file(SCHEMA, SPEC, of("y", 4))
        .validated_from(table.metadata().current_snapshot_id());
    table.commit(&overwrite).unwrap();
    check(
        &table,
        &[
            ("added-data-files", Some("2")),
            ("added-records", Some("20")),
            ("added-files-size", Some("2000")),
            ("deleted-data-files", Some("1")),
            ("deleted-records", Some("10")),
            ("removed-files-size", Some("1000")),
            ("changed-partition-count", Some("2")),
            ("manifests-created", Some("2")),
            ("manifests-kept", Some("1")),
            ("manifests-replaced", Some("1")),
            ("total-data-files", Some("4")),
            ("total-records", Some("40")),
            ("total-files-size", Some("4000")),
            ("total-delete-files", Some("0")),
            ("added-delete-files", None),
        ],
    );
}

#[test]
fn vectors_count_as_vectors_and_by_their_own_bytes() {
    let mut table = plain(FormatVersion::V3, &["a", "b"]);
    table.commit(&deletes([vector("p", "a", 4), vector("p", "b", 44)])).unwrap();
    check(
        &table,
        &[
            ("added-delete-files", Some("2")),
            ("added-dvs", Some("2")),
            ("added-position-delete-files", None),
            ("added-position-deletes", Some("4")),
            ("added-files-size", Some("80")),
            ("total-delete-files", Some("2")),
            ("total-position-deletes", Some("4")),
            ("total-files-size", Some("2080")),
        ],
    );
    table.commit(&DeleteFiles::new([path("a")])).unwrap();
    check(
        &table,
        &[
            ("removed-delete-files", Some("1")),
            ("removed-dvs", Some("1")),
            ("removed-position-delete-files", None),
            ("removed-position-deletes", Some("2")),
            ("removed-files-size", Some("1040")),
            ("total-delete-files", Some("1")),
            ("total-position-deletes", Some("2")),
            ("total-files-size", Some("1040")),
            ("total-records", Some("10")),
        ],
    );
}

#[test]
fn totals_are_left_out_where_the_parent_does_not_tell_them() {
    let mut table = plain(FormatVersion::V2, &["a", "b"]);
    table.commit(&deletes([equality_deletes("e")])).unwrap();
    check(&table, &[("added-equality-delete-files", Some("1")), ("added-equality-deletes", Some("10"))]);
    let rewrite = RewriteFiles::new(table.metadata().current_snapshot_id())
        .removing([path("a"), path("b")])
        .removing_deletes(&equality_deletes("e"))
        .with_file(SCHEMA, SPEC, file("ab"));
    table.commit(&rewrite).unwrap();
    check(
        &table,
        &[
            ("removed-equality-delete-files", Some("1")),
            ("removed-equality-deletes", Some("10")),
            ("deleted-data-files", Some("2")),
            ("added-data-files", Some("1")),
            ("total-equality-deletes", Some("0")),
            ("total-data-files", Some("1")),
            ("total-delete-files", Some("0")),
        ],
    );
}
