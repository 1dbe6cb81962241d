//! Tiered merging of manifests: what keeps the cost of a commit flat however many there were before.
//!
//! Every append adds a manifest, so that without merging the manifest list, and the work of planning a scan, would grow with the number of
//! commits. Merging all manifests over and over, on the other hand, writes each entry again and again. In between: manifests fall into size
//! classes, each 8 times the one before, and 8 of a class become one of the next. There are then at most 7 of each class, and an entry is
//! written again once per class: about log8 of all entries.
//!
//! `settings` is what the table says about it, `plan` says which manifests go together, `decide` what of it this commit does given what its
//! earlier attempts did, and `write` makes the manifests.
//!
//! Only live entries are carried over, as existing, with the sequence numbers and row ids that they had; files keep their identity, and
//! deletes reach what they reached before. Data manifests and delete manifests stay apart, as do partition specs.

mod decide;
mod plan;
mod settings;
#[cfg(test)]
mod tests;
mod write;

pub use plan::{MergeGroup, plan};
pub use settings::MergeSettings;

pub(crate) use decide::Merges;

/// The most bytes of manifests that an append merges. What is larger gets a commit of its own, so that no append waits for it.
pub(crate) const INLINE_LIMIT_BYTES: u64 = 1 << 20;

/// The most bytes of manifests that one commit merges.
pub(crate) const SEPARATE_LIMIT_BYTES: u64 = 64 << 20;
