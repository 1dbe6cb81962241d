//! Branches and tags: names for snapshots, with how long to keep them.

use crate::id::SnapshotId;
use crate::json::{Json, JsonError, JsonWriter, UnknownKeys};

/// Name of the branch whose head is the current state of a table.
pub const MAIN_BRANCH: &str = "main";

/// A branch or tag: the snapshot it names, and how long it and its history are kept.
///
/// # Spec
/// "Snapshot References".
///
/// # Examples
/// ```
/// use datashard_spec::id::SnapshotId;
/// use datashard_spec::snapshot_ref::SnapshotRef;
///
/// let audit = SnapshotRef::tag(SnapshotId(7)).with_max_ref_age_ms(86_400_000);
/// assert!(!audit.is_branch());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotRef {
    /// The snapshot: of a branch, its head.
    pub snapshot_id: SnapshotId,
    /// Branch or tag.
    pub kind: RefKind,
    /// After how many milliseconds the ref itself goes, counted from its snapshot's timestamp. Has no effect on `main`.
    pub max_ref_age_ms: Option<i64>,
    /// Keys that this version does not know.
    pub unknown_keys: UnknownKeys,
}

/// Whether a ref moves with commits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the format")]
pub enum RefKind {
    /// A line of history that commits extend.
    Branch(BranchRetention),
    /// A fixed name.
    Tag,
}

/// How much history of a branch is kept; what is absent is up to the table's properties.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BranchRetention {
    /// Newest snapshots to keep, whatever their age.
    pub min_snapshots_to_keep: Option<i32>,
    /// Age in milliseconds up to which snapshots are kept.
    pub max_snapshot_age_ms: Option<i64>,
}

impl SnapshotRef {
    /// A branch with this head.
    pub fn branch(head: SnapshotId) -> Self {
        Self::new(head, RefKind::Branch(BranchRetention::default()))
    }

    /// A tag of this snapshot.
    pub fn tag(snapshot_id: SnapshotId) -> Self {
        Self::new(snapshot_id, RefKind::Tag)
    }

    fn new(snapshot_id: SnapshotId, kind: RefKind) -> Self {
        Self { snapshot_id, kind, max_ref_age_ms: None, unknown_keys: UnknownKeys::default() }
    }

    /// With this age in milliseconds after which the ref goes.
    #[must_use]
    pub fn with_max_ref_age_ms(mut self, age_ms: i64) -> Self {
        self.max_ref_age_ms = Some(age_ms);
        self
    }

    /// With this many snapshots of the branch kept whatever their age. No effect on a tag.
    #[must_use]
    pub fn with_min_snapshots_to_keep(mut self, count: i32) -> Self {
        if let RefKind::Branch(retention) = &mut self.kind {
            retention.min_snapshots_to_keep = Some(count);
        }
        self
    }

    /// With this age in milliseconds up to which snapshots of the branch are kept. No effect on a tag.
    #[must_use]
    pub fn with_max_snapshot_age_ms(mut self, age_ms: i64) -> Self {
        if let RefKind::Branch(retention) = &mut self.kind {
            retention.max_snapshot_age_ms = Some(age_ms);
        }
        self
    }

    /// The same ref at another snapshot.
    #[must_use]
    pub fn moved_to(mut self, snapshot_id: SnapshotId) -> Self {
        self.snapshot_id = snapshot_id;
        self
    }

    /// Whether it is a branch.
    pub fn is_branch(&self) -> bool {
        matches!(self.kind, RefKind::Branch(_))
    }

    /// The first retention setting that is not positive, as its key and value.
    pub(crate) fn illegal_retention(&self) -> Option<(&'static str, i64)> {
        let (min, age) = match self.kind {
            RefKind::Branch(retention) => (retention.min_snapshots_to_keep, retention.max_snapshot_age_ms),
            RefKind::Tag => (None, None),
        };
        [
            ("min-snapshots-to-keep", min.map(i64::from)),
            ("max-snapshot-age-ms", age),
            ("max-ref-age-ms", self.max_ref_age_ms),
        ]
        .into_iter()
        .find_map(|(key, value)| value.filter(|value| *value <= 0).map(|value| (key, value)))
    }
}

pub(crate) fn parse_ref(json: Json<'_, '_>) -> Result<SnapshotRef, JsonError> {
    let mut object = json.object()?;
    let snapshot_id = SnapshotId(object.require("snapshot-id")?.i64()?);
    let word = object.require("type")?;
    let kind = match word.str()?.to_ascii_lowercase().as_str() {
        "branch" => RefKind::Branch(BranchRetention {
            min_snapshots_to_keep: object.take("min-snapshots-to-keep").map(|n| n.i32()).transpose()?,
            max_snapshot_age_ms: object.take("max-snapshot-age-ms").map(|age| age.i64()).transpose()?,
        }),
        "tag" => RefKind::Tag,
        _ => return Err(word.unexpected("\"branch\" or \"tag\"")),
    };
    let max_ref_age_ms = object.take("max-ref-age-ms").map(|age| age.i64()).transpose()?;
    Ok(SnapshotRef { snapshot_id, kind, max_ref_age_ms, unknown_keys: object.into_unknown() })
}

pub(crate) fn write_ref(reference: &SnapshotRef, writer: &mut JsonWriter) {
    writer.object(|writer| {
        writer.key("snapshot-id").number(reference.snapshot_id);
        writer.key("type").string(if reference.is_branch() { "branch" } else { "tag" });
        if let RefKind::Branch(retention) = reference.kind {
            if let Some(count) = retention.min_snapshots_to_keep {
                writer.key("min-snapshots-to-keep").number(count);
            }
            if let Some(age_ms) = retention.max_snapshot_age_ms {
                writer.key("max-snapshot-age-ms").number(age_ms);
            }
        }
        if let Some(age_ms) = reference.max_ref_age_ms {
            writer.key("max-ref-age-ms").number(age_ms);
        }
        writer.unknown(&reference.unknown_keys);
    });
}
