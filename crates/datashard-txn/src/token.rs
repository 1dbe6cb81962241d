//! [`CommitToken`]: what is needed to find out later, from any process, whether an operation was committed.

use std::fmt;
use std::str::FromStr;

use datashard_spec::Uuid;
use datashard_spec::id::MetadataVersion;
use serde::{Deserialize, Serialize};

use crate::protocol::{AppKey, ChainHash, Generation, Pending, SessionId};

/// Names an operation whose outcome is not known. It is plain text, to be kept anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommitToken {
    /// The table's identity; `None` for tables of version 1 that have none.
    pub table: Option<Uuid>,
    /// The operation and what is known of it.
    pub pending: Pending,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u32,
    table: Option<Uuid>,
    r#gen: Option<String>,
    new: bool,
    session: String,
    number: u64,
    before: String,
    chain: String,
    taken: bool,
    app: Option<(String, u64)>,
    b0: Option<u64>,
}

/// A text that is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no commit token: {reason}")]
#[non_exhaustive]
pub struct TokenError {
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for CommitToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = &self.pending;
        let wire = Wire {
            v: 1,
            table: self.table,
            r#gen: pending.generation.map(|generation| generation.to_string()),
            new: pending.begins_generation,
            session: pending.session.to_string(),
            number: pending.number,
            before: format!("{:016x}", pending.before.0),
            chain: format!("{:016x}", pending.chain.0),
            taken: pending.number_taken,
            app: pending.key.clone().map(|key| (key.app, key.version)),
            b0: pending.uncommitted.map(|version| version.0),
        };
        f.write_str(&serde_json::to_string(&wire).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for CommitToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let fail = |reason: String| TokenError { reason };
        let wire: Wire = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        if wire.v != 1 {
            return Err(fail(format!("it is of version {}", wire.v)));
        }
        let number = |text: &str| u64::from_str_radix(text, 16).map_err(|e| fail(format!("`{text}`: {e}")));
        let generation = wire.r#gen.map(|text| u128::from_str_radix(&text, 16)).transpose();
        let pending = Pending {
            generation: generation.map_err(|e| fail(e.to_string()))?.map(Generation),
            begins_generation: wire.new,
            session: SessionId(number(&wire.session)?),
            number: wire.number,
            before: ChainHash(number(&wire.before)?),
            chain: ChainHash(number(&wire.chain)?),
            key: wire.app.map(|(app, version)| AppKey { app, version }),
            uncommitted: wire.b0.map(MetadataVersion),
            number_taken: wire.taken,
        };
        Ok(Self { table: wire.table, pending })
    }
}
