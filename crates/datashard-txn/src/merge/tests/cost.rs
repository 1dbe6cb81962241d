//! The cost of a commit stays flat.

use datashard_spec::metadata::FormatVersion;

use super::*;
use crate::action::CreateTable;
use crate::action::testing::schema;

/// Bytes that a commit writes, by kind.
#[derive(Debug, Default, Clone, Copy)]
struct Written {
    manifests: usize,
    list: usize,
    metadata: usize,
    reads: usize,
}

type Of = fn(&Written) -> usize;

#[test]
fn h1_a_thousand_commits_write_no_more_each_than_the_first_hundreds() {
    let create = CreateTable::new(schema())
        .with_format_version(FormatVersion::V2)
        .with_property("datashard.snapshot.retention-count", "20")
        .with_property("write.metadata.previous-versions-max", "20");
    let mut table = TestTable::create(create);
    let mut commits = Vec::new();
    for number in 0..1_000 {
        let append = append(&format!("{number:04}"));
        let reads = table.reads(&append, &[]).len();
        let next = table.commit(&append).unwrap();
        commits.push(Written {
            manifests: next.manifests.iter().map(|new| new.bytes.len()).sum(),
            list: next.manifest_lists.iter().map(|(_, bytes)| bytes.len()).sum(),
            metadata: next.bytes.len(),
            reads,
        });
    }
    let mean = |of: Of, commits: &[Written]| commits.iter().map(of).sum::<usize>() / commits.len();
    let (early, late) = (&commits[100..300], &commits[800..]);
    let kinds: [(&str, Of, usize); 3] = [
        ("manifests", |written| written.manifests, 5_000),
        ("list", |written| written.list, 4_000),
        ("metadata", |written| written.metadata, 18_000),
    ];
    for (kind, of, limit) in kinds {
        let (before, after) = (mean(of, early), mean(of, late));
        println!("{kind}: {before} bytes per commit at 200, {after} at 900");
        assert!(after < limit, "{kind}: {after} bytes per commit");
        assert!(after < before + before / 4, "{kind}: {before} bytes per commit at 200, {after} at 900");
    }
    let reads: usize = commits.iter().map(|written| written.reads).sum();
    println!("{reads} manifests read in 1000 commits; {} listed", table.rows().len());
    assert!(reads < 1_300, "about one and an eighth per commit");
    assert!(table.rows().len() <= 8 * 3 + 8);
    assert_eq!(table.live().len(), 1_000);
    assert_eq!(table.metadata().snapshot_count(), 20);
}
