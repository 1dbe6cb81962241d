//! Tiered merging of manifests: what keeps the cost of a commit flat however many there were before.
//!
//! Every append adds a manifest, so that without merging the manifest list, and the work of planning a scan, would grow with the number of
//! commits. Merging all manifests over and over, on the other hand, writes each entry again and again. In between: manifests fall into size
//! classes, each 8 times the one before, and 8 of a class become one of the next. There are then at most 7 of each class, and an entry is
//! written again once per class: about log8 of all entries. What one append merges is bounded, in bytes and in manifests; what is due beyond
//! that waits for the next one, or for [`MergeManifests`](crate::action::MergeManifests).
//!
//! `settings` is what the table says about it, `plan` says which manifests go together, `decide` what of it this commit does given what its
//! earlier attempts did, and `write` makes the manifests; `count` counts what old lists did not.
//!
//! Only live entries are carried over, as existing, with the sequence numbers and row ids that they had; files keep their identity, and
//! deletes reach what they reached before. Data manifests and delete manifests stay apart, as do partition specs.

mod count;
mod decide;
mod fault;
mod plan;
mod settings;
pub(crate) mod source;
#[cfg(test)]
mod tests;
mod write;

pub use plan::{MergeGroup, plan};
pub use settings::MergeSettings;

pub(crate) use decide::{Budget, Merges};
pub(crate) use write::Rewriting;
