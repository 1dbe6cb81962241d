//! History segments: what keeps the metadata of a table small while time travel stays unlimited.
//!
//! Every version's file lists the snapshots that it keeps, so with all of history in it the bytes written grow with the square of the
//! commits. Where `datashard.history.keep-snapshots` is set, a version lists the newest ones of each branch, and those that a branch or tag
//! names; older ones are *moved*, not expired: their records go, unchanged, into segment files below `metadata/_datashard/history/`, and the
//! table property `datashard.history` says which segments there are.
//!
//! Records move in batches, a quarter of the number kept at a time; eight segments of a size become one of the next. So a commit writes a
//! bounded number of bytes however long the history is, and a snapshot or a time is found with a number of requests that grows with its
//! logarithm. A segment is written before the version that names it, and never changed.
//!
//! To other engines the snapshots that were moved are expired, and their files would be garbage: `gc.enabled` is set to `false` with the
//! first segment. Sweeps of this library read the segments and keep what they refer to.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `index` | the property: which segments there are |
//! | `file` | the content of a segment |
//! | `plan` | what a commit moves and merges: a function of the base |
//! | `lookup` | snapshots by id and by time, through segments |
//! | `trim` | the end of history: expiring what segments hold |

mod file;
mod index;
mod lookup;
mod plan;
mod trim;

pub use index::{HISTORY, Segment, SegmentIndex};
pub use lookup::PastSnapshot;
pub use trim::TrimHistory;

pub(crate) use file::SegmentFile;
pub(crate) use lookup::corrupt_index;
pub(crate) use plan::{Moves, damaged, is_segment, read_of};
