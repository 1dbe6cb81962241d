//! What an attempt merged, later attempts use again, as long as it is true.

use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::SetProperties;

#[test]
fn b7_merged_manifests_are_used_again_while_what_they_replace_is_there() {
    let mut table = TestTable::plain(FormatVersion::V3);
    appends(&mut table, "a", 8);
    let ours = append("ours");
    let first = table.attempt(&ours, 1, &[]).unwrap();
    assert_eq!(merged(&first).len(), 1);
    table.keep_files(&first);
    let earlier = written(&first);

    // Somebody changes something else.
    let mut changed = table.clone().numbered(20);
    changed.commit(&SetProperties::new().set("a", "b")).unwrap();
    let mut changed = changed.for_operation(10);
    let reads = changed.reads(&ours, &earlier);
    assert!(reads.is_empty(), "what was merged is not read again");
    let second = changed.attempt(&ours, 2, &earlier).unwrap();
    assert_eq!(written(&second).len(), 2);
    assert!(second.manifests.iter().all(|new| new.bytes.is_empty()));
    changed.adopt(&second);
    assert_eq!((changed.rows().len(), changed.live().len()), (2, 9));

    // Somebody merges the same manifests: ours are not needed, and nothing is there twice.
    let mut taken = table.clone().numbered(20);
    taken.now_ms += 1;
    let theirs = taken.attempt(&append("theirs"), 3, &[]).unwrap();
    taken.files.retain(|path, _| theirs.manifests.iter().all(|new| new.row.manifest_path != *path));
    taken.adopt(&theirs);
    assert_eq!(taken.rows().len(), 2);
    let second = taken.for_operation(10).attempt(&ours, 2, &earlier).unwrap();
    assert!(merged(&second).is_empty());
    assert_eq!(second.rows.len(), 3, "ours, theirs, and what they merged");
}

#[test]
fn what_was_merged_for_another_format_version_is_merged_anew() {
    for (before, after) in [(FormatVersion::V1, "2"), (FormatVersion::V2, "3")] {
        let mut table = TestTable::plain(before);
        appends(&mut table, "a", 8);
        let expect = table.live();
        let ours = append("ours");
        let first = table.attempt(&ours, 1, &[]).unwrap();
        assert_eq!(merged(&first).len(), 1);
        table.keep_files(&first);
        table.commit(&SetProperties::new().set("format-version", after)).unwrap();
        let second = table.attempt(&ours, 2, &written(&first)).unwrap();
        assert!(merged(&second).is_empty());
        table.adopt(&second);
        let live = table.live();
        assert_eq!(live.len(), 9);
        for (path, identity) in expect {
            assert_eq!(live[&path].data_sequence_number, identity.data_sequence_number, "{path}");
        }
    }
}
