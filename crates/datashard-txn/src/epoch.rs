//! Epochs: the version that a file's writer knew to be the newest when it named the file, as part of the name.
//!
//! A file that nothing refers to may be a leaving or the work of a writer that has not committed yet. The file floor tells them apart
//! without a clock: files of epochs below it can never be added any more (R4, R8).

use datashard_spec::Uuid;
use datashard_spec::id::{MetadataVersion, SnapshotId};
use datashard_spec::manifest::ManifestContent;
use sha2::{Digest, Sha256};

/// The beginning of a data file's name: `e{epoch}-`.
///
/// # Examples
/// ```
/// use datashard_spec::id::MetadataVersion;
/// use datashard_txn::epoch;
///
/// let name = format!("data/{}00000-5f.parquet", epoch::prefix(MetadataVersion(7)));
/// assert_eq!(name, "data/e7-00000-5f.parquet");
/// assert_eq!(epoch::of_file(&name), Some(MetadataVersion(7)));
/// assert_eq!(epoch::of_file("data/00000-5f.parquet"), None);
/// ```
pub fn prefix(epoch: MetadataVersion) -> String {
    format!("e{epoch}-")
}

/// The epoch in the name of a file of ours; `None` for files of other writers.
pub fn of_file(location: &str) -> Option<MetadataVersion> {
    let name = location.rsplit('/').next().unwrap_or(location);
    // snap-{snapshot}-{attempt}-e{epoch}-{uuid}.avro, with a snapshot id that has no sign
    let name = match name.strip_prefix("snap-") {
        Some(rest) => rest.splitn(3, '-').nth(2)?,
        None => after_hash(name),
    };
    let digits = name.strip_prefix('e')?.split('-').next()?;
    if digits.is_empty() || digits.len() == name.len().saturating_sub(1) {
        return None;
    }
    let plain =
        digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok().map(MetadataVersion) } else { None }
}

/// What follows the last eight bits of a hash, which the layout for object storage puts before the names of files without partition folders.
fn after_hash(name: &str) -> &str {
    match name.split_once('-') {
        Some((hash, rest)) if hash.len() == 8 && hash.bytes().all(|bit| matches!(bit, b'0' | b'1')) => rest,
        _ => name,
    }
}

/// The path of manifest number `number` of an operation, below the table.
pub(crate) fn manifest_path(epoch: MetadataVersion, operation: Uuid, number: usize) -> String {
    format!("metadata/e{epoch}-{operation}-m{number}.avro")
}

/// The path of a manifest of files that an operation adds, below the table.
pub(crate) fn added_path(
    epoch: MetadataVersion,
    operation: Uuid,
    content: ManifestContent,
    number: usize,
) -> String {
    format!("metadata/e{epoch}-{}", added_name(operation, content, number))
}

/// How the path of such a manifest ends, whatever the epoch.
pub(crate) fn added_name(operation: Uuid, content: ManifestContent, number: usize) -> String {
    let kind = match content {
        ManifestContent::Data => 'm',
        ManifestContent::Deletes => 'd',
    };
    format!("{operation}-{kind}{number}.avro")
}

/// The path of a manifest that is good for one attempt only.
pub(crate) fn attempt_path(epoch: MetadataVersion, operation: Uuid, attempt: u32, number: usize) -> String {
    format!("metadata/e{epoch}-{operation}-a{attempt}-{number}.avro")
}

/// The path of the Puffin file with the deletion vectors of an attempt, below the table.
pub(crate) fn puffin_path(epoch: MetadataVersion, operation: Uuid, attempt: u32) -> String {
    format!("data/e{epoch}-{operation}-a{attempt}.puffin")
}

/// The path of the manifest that an attempt puts in the place of another one.
pub(crate) fn rewritten_path(
    epoch: MetadataVersion,
    operation: Uuid,
    replaced: &str,
    attempt: u32,
) -> String {
    let digest = Sha256::digest(replaced.as_bytes());
    let hash = digest.iter().take(8).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
    format!("metadata/e{epoch}-{operation}-f{hash}-{attempt}.avro")
}

/// The path of the manifest list of an operation's attempt, below the table.
pub(crate) fn manifest_list_path(
    snapshot: SnapshotId,
    attempt: u32,
    epoch: MetadataVersion,
    operation: Uuid,
) -> String {
    format!("metadata/snap-{snapshot}-{attempt}-e{epoch}-{operation}.avro")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_made_here_tell_their_epoch() {
        let operation = Uuid::from_u128(0xe5);
        let epoch = MetadataVersion(41);
        let manifest = manifest_path(epoch, operation, 3);
        let list = manifest_list_path(SnapshotId(9), 2, epoch, operation);
        assert_eq!(of_file(&format!("s3://b/t/{manifest}")), Some(epoch));
        assert_eq!(of_file(&list), Some(epoch));
        assert_eq!(of_file("s3://b/t/data/0101/0101/1100/10101010-e41-00000-5f.parquet"), Some(epoch));
        assert_eq!(of_file(&format!("{}x.parquet", prefix(MetadataVersion(0)))), Some(MetadataVersion(0)));
    }

    #[test]
    fn names_of_others_have_none() {
        for name in [
            "e5.parquet",
            "e05-x.parquet",
            "e-x.parquet",
            "ex-1.parquet",
            "e99999999999999999999-x.parquet",
            "snap-5-1-3f2a.avro",
            "snap-5.avro",
            "00000-e5-x.parquet",
            "e5-x/part-0.parquet",
            "",
        ] {
            assert_eq!(of_file(name), None, "{name}");
        }
    }
}
