//! The retire boundary R: versions below it may be gone. It is only ever raised.
//!
//! In a bucket it is a number in a file that is replaced by compare-and-swap. Folders have no such thing, so there each raise
//! creates a name of its own and the value is the largest: monotone without a lock.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use datashard_spec::id::MetadataVersion;
use futures_util::StreamExt;

use super::hint::parse_number;
use crate::TableStore;
use crate::error::StoreError;
use crate::location::Scheme;
use crate::path::{TablePath, excerpt};
use crate::store::{Created, Replaceable, Replaced, Tag};

const FOLDER: &str = "metadata/_datashard/retired.d";
/// How often a raise is tried that others, or the store, get in the way of.
const ATTEMPTS: u32 = 32;
/// Longer than anybody reads the names of a small folder.
const READ_MS: i64 = 60_000;
/// How often a store may refuse to replace a content that nobody changed before it counts as unable to.
const REFUSALS: u32 = 3;

impl TableStore {
    /// The retire boundary: versions below it may be gone and must not be used; 0 if none was ever retired.
    ///
    /// One GET; in a folder one listing of a folder of its own.
    ///
    /// # Errors
    /// `InvalidData` if it is there but is no number: guessing could bring back a version that is no longer part of the table.
    /// As for a read else.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn retired(&self) -> Result<MetadataVersion, StoreError> {
        if self.location().scheme() == Scheme::File {
            return Ok(MetadataVersion(highest(&self.boundary_names().await?)));
        }
        Ok(MetadataVersion(self.boundary_file().await?.map_or(0, |(value, _)| value)))
    }

    /// Raises the retire boundary to `to`, unless it is there or above already, and returns where it is. It is never lowered.
    ///
    /// Versions below what this returns may be deleted. One GET and one PUT; more if others raise it meanwhile. Once for each store
    /// opened, one GET and one PUT of the hint are added, by which the store shows that it heeds conditions.
    ///
    /// # Errors
    /// `Unsupported` on stores that cannot replace a file conditionally, such as Ceph 16, or ignore the condition: nothing can be retired there. `InvalidData` if
    /// it is damaged. `Unavailable` after the deadline or when others were faster many times; it may have been raised.
    ///
    /// # Cancel safety
    /// It is raised or not.
    pub async fn raise_retired(&self, to: MetadataVersion) -> Result<MetadataVersion, StoreError> {
        if self.location().scheme() == Scheme::File {
            return self.raise_by_name(to.0).await.map(MetadataVersion);
        }
        self.raise_by_swap(to.0).await.map(MetadataVersion)
    }

    async fn raise_by_swap(&self, to: u64) -> Result<u64, StoreError> {
        let single_writer = !self.check_capabilities().await?.conditional_create;
        let content = Bytes::from(to.to_string());
        let mut refused: Option<(Tag, u32)> = None;
        let mut last = None;
        let start = self.context().clock.elapsed();
        for attempt in 1..=ATTEMPTS {
            let outcome = match self.boundary_file().await? {
                Some((value, _)) if value >= to => return Ok(value),
                Some((_, None)) => return Err(self.no_swap("answers give neither an ETag nor a generation")),
                Some((_, Some(tag))) => {
                    // Whoever changed it changed its tag, since no value comes twice.
                    let times = refused.filter(|(seen, _)| *seen == tag).map_or(0, |(_, times)| times);
                    if times >= REFUSALS {
                        return Err(self.no_swap("the store refuses to replace a file that nobody changed"));
                    }
                    let outcome = match self.heeds_conditions(&tag, to, single_writer).await {
                        Ok(()) => self.replace(Replaceable::Retired, content.clone(), &tag).await,
                        Err(error) => Err(error),
                    };
                    refused = Some((tag, times.saturating_add(1)));
                    outcome
                }
                None => self.create_replaceable(Replaceable::Retired, content.clone()).await,
            };
            match outcome {
                Ok(Replaced::Yes) => return Ok(to),
                Ok(Replaced::No) => {}
                Ok(Replaced::Unclear(error)) => {
                    refused = None;
                    last = Some(*error);
                }
                // Also the answer to the trial on the hint: nothing of what failed can lower the boundary.
                Err(error) if error.is_retryable() => {
                    refused = None;
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
            if !self.pause(start, attempt).await {
                break;
            }
        }
        Err(last.unwrap_or_else(|| self.gave_up("others kept raising the retire boundary", ATTEMPTS)))
    }

    /// Finds out whether the store refuses a replacement on a wrong condition, by trying it on the hint, where nothing is lost if
    /// it does not: there are stores that heed conditions when they create and ignore them when they replace.
    async fn heeds_conditions(&self, form: &Tag, to: u64, single_writer: bool) -> Result<(), StoreError> {
        let known = &self.head_state().refuses_wrong_tags;
        if single_writer || known.load(Ordering::Relaxed) {
            return Ok(());
        }
        // What the hint says already; a version that surely exists if there is none.
        let hint = self.read_hint().await.version().map_or(to, |version| version.0);
        match self.replace(Replaceable::Hint, Bytes::from(hint.to_string()), &form.of_nothing()).await? {
            Replaced::No => {
                known.store(true, Ordering::Relaxed);
                Ok(())
            }
            Replaced::Yes => Err(self.no_swap("the store ignores the condition")),
            Replaced::Unclear(error) => Err(*error),
        }
    }

    /// The value with its tag; `None` if there is no boundary yet.
    async fn boundary_file(&self) -> Result<Option<(u64, Option<Tag>)>, StoreError> {
        let Some(tagged) = self.read_tagged(Replaceable::Retired).await? else { return Ok(None) };
        let content = tagged.content.as_deref().unwrap_or(b"more than 64 bytes");
        let text = String::from_utf8_lossy(content);
        match parse_number(&text) {
            Some(value) => Ok(Some((value, tagged.tag))),
            None => Err(self.corrupt(Replaceable::Retired.path()?, &text)),
        }
    }

    async fn raise_by_name(&self, to: u64) -> Result<u64, StoreError> {
        let mut last = None;
        let start = self.context().clock.elapsed();
        for attempt in 1..=ATTEMPTS {
            let names = self.boundary_names().await?;
            let value = highest(&names);
            if value >= to {
                // Whoever made the name may not have flushed it yet. To create it once more fails, but flushes the folder before,
                // and without that a power loss could undo the boundary and keep the deletions.
                return match self.create(&boundary_name(value)?, Bytes::new()).await? {
                    Created::Yes | Created::No => Ok(value),
                    Created::Unclear(error) => Err(*error),
                };
            }
            match self.create(&boundary_name(to)?, Bytes::new()).await? {
                Created::Yes => {
                    self.delete_lower(&names, to).await?;
                    return Ok(to);
                }
                Created::No => {}
                Created::Unclear(error) => last = Some(*error),
            }
            if !self.pause(start, attempt).await {
                break;
            }
        }
        Err(last.unwrap_or_else(|| self.gave_up("the retire boundary is created but not listed", ATTEMPTS)))
    }

    /// Deletes names that say nothing any more, `to` being the highest now. Whatever stays is deleted by a later raise.
    ///
    /// A reader that is in the middle of the folder may miss a name made meanwhile, and must then find the one that was the highest when it
    /// began. So a name goes only when a higher one has stood for longer than anybody reads a folder.
    async fn delete_lower(&self, names: &[Name], to: u64) -> Result<(), StoreError> {
        if names.is_empty() {
            return Ok(());
        }
        let now_ms = match self.info(&boundary_name(to)?).await {
            Ok(file) => file.modified_ms,
            // Somebody raised it further; the deletions are theirs.
            Err(_) => return Ok(()),
        };
        let stood = |name: &&Name| name.made_ms.saturating_add(READ_MS) <= now_ms;
        let settled = names.iter().filter(stood).map(|name| name.value).max().unwrap_or(0);
        for lower in names.iter().filter(|name| name.value < settled) {
            if let Err(error) = self.delete(&boundary_name(lower.value)?).await {
                tracing::debug!(%error, lower = lower.value, "an older retire boundary stays");
            }
        }
        Ok(())
    }

    /// The names in the boundary's folder.
    async fn boundary_names(&self) -> Result<Vec<Name>, StoreError> {
        let folder = TablePath::parse(FOLDER)?;
        let mut listing = self.list(Some(&folder), None);
        let mut values = Vec::new();
        while let Some(file) = listing.next().await {
            let file = file?;
            match parse_number(file.path.name()) {
                Some(value) => values.push(Name { value, made_ms: file.modified_ms }),
                // Names with a dot in front are left by network file systems and file managers.
                None if file.path.name().starts_with('.') => {}
                None => {
                    let found = excerpt(file.path.name());
                    return Err(self.corrupt(file.path, &found));
                }
            }
        }
        Ok(values)
    }

    /// Waits before the next attempt; `false` if the deadline comes first.
    async fn pause(&self, start: Duration, attempt: u32) -> bool {
        let (policy, context) = (self.retry_policy(), self.context());
        let pause = context.jittered(policy.delay(attempt));
        let waited = context.clock.elapsed().saturating_sub(start);
        if waited.saturating_add(pause) > policy.deadline {
            return false;
        }
        context.clock.sleep(pause).await;
        true
    }

    fn corrupt(&self, path: TablePath, found: &str) -> StoreError {
        StoreError::Corrupt {
            location: self.location().to_string(),
            path,
            detail: format!("the retire boundary is no number but `{}`", excerpt(found)),
        }
    }

    fn no_swap(&self, why: &str) -> StoreError {
        StoreError::Unsupported {
            what: "retiring metadata versions",
            place: self.location().to_string(),
            reason: format!("it needs conditional replacement of a file (If-Match), and {why}"),
        }
    }
}

/// A name in the boundary's folder: its value, and when it was made by the file system's clock, in ms since 1970.
struct Name {
    value: u64,
    made_ms: i64,
}

fn highest(names: &[Name]) -> u64 {
    names.iter().map(|name| name.value).max().unwrap_or(0)
}

fn boundary_name(value: u64) -> Result<TablePath, StoreError> {
    Ok(TablePath::parse(&format!("{FOLDER}/{value}"))?)
}
