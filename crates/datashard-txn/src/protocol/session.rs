//! Sessions: who committed what, so that nobody commits it twice.

use std::fmt;

use datashard_spec::id::MetadataVersion;
use sha2::{Digest, Sha256};

/// One handle of one process: 64 random bits, drawn anew when the process turns out to be a fork or a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What tells one operation from any other: a digest of random bits and of what the operation adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct OperationTag(pub u64);

impl OperationTag {
    /// The tag of an operation, given its own random number and what it does as bytes.
    pub fn of(random: u64, fingerprint: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(random.to_le_bytes());
        hasher.update(fingerprint);
        Self(first_eight(&hasher.finalize()))
    }
}

/// A digest of all operations of a session up to one: equal only for the same operations in the same order.
///
/// Two processes that go on under one session id, clones of one machine, say, are told apart by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct ChainHash(pub u64);

impl ChainHash {
    /// The digest after one more operation.
    #[must_use]
    pub fn then(self, tag: OperationTag) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(self.0.to_le_bytes());
        hasher.update(tag.0.to_le_bytes());
        Self(first_eight(&hasher.finalize()))
    }
}

fn first_eight(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// What the table remembers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "an entry of the session map, as the protocol fixes it")]
pub struct SessionEntry {
    /// The number of its last committed operation, from 1.
    pub last: u64,
    /// The version that committed it.
    pub version: MetadataVersion,
    /// The digest of its operations up to that one.
    pub chain: ChainHash,
}

/// A key of the caller's: operation number `version` of the application `app`, applied at most once, whoever sends it and however often.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "name and number, as in Delta's application transactions")]
pub struct AppKey {
    /// The application.
    pub app: String,
    /// Its number; only growing numbers are applied.
    pub version: u64,
}

impl AppKey {
    /// Number `version` of the application `app`.
    pub fn new(app: impl Into<String>, version: u64) -> Self {
        Self { app: app.into(), version }
    }
}

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.app, self.version)
    }
}
