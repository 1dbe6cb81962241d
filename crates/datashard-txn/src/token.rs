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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::OperationTag;

    fn sample() -> CommitToken {
        let mut pending = Pending::new(SessionId(0xfe), 3, ChainHash(0xabc), OperationTag(9));
        pending.uncommitted = Some(MetadataVersion(17));
        CommitToken { table: Some(Uuid::from_u128(5)), pending }
    }

    #[test]
    fn a_token_cut_anywhere_is_none() {
        let text = sample().to_string();
        assert_eq!(text.parse(), Ok(sample()));
        for end in 0..text.len() {
            let cut = text.get(..end).unwrap();
            assert!(cut.parse::<CommitToken>().is_err(), "{cut}");
        }
    }

    #[test]
    fn hostile_values_are_no_token() {
        let text = sample().to_string();
        for (from, to) in [
            ("\"v\":1", "\"v\":2"),
            ("\"number\":3", "\"number\":-3"),
            ("\"session\":\"", "\"session\":\"x"),
            ("\"session\":\"", "\"session\":\"0"),
            ("\"chain\":\"", "\"chain\":\"-"),
            ("\"before\":\"", "\"before\":\"é"),
            ("\"b0\":17", "\"b0\":17,\"b1\":18"),
            ("\"table\":\"", "\"table\":\"z"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            let error = changed.parse::<CommitToken>().err();
            // A leading zero more is the same number.
            assert_eq!(error.is_some(), to != "\"session\":\"0", "{changed}");
        }
    }

    proptest! {
        #[test]
        fn every_token_reads_back_as_it_was(
            table in any::<Option<u128>>(),
            generation in any::<Option<u128>>(),
            numbers in any::<[u64; 4]>(),
            flags in any::<[bool; 2]>(),
            key in any::<Option<(String, u64)>>(),
            uncommitted in any::<Option<u64>>(),
        ) {
            let [session, number, before, tag] = numbers;
            let mut pending = Pending::new(SessionId(session), number, ChainHash(before), OperationTag(tag))
                .with_key(key.map(|(app, version)| AppKey { app, version }));
            pending.generation = generation.map(Generation);
            [pending.begins_generation, pending.number_taken] = flags;
            pending.uncommitted = uncommitted.map(MetadataVersion);
            let token = CommitToken { table: table.map(Uuid::from_u128), pending };
            prop_assert_eq!(token.to_string().parse(), Ok(token));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,60}") {
            let _ = text.parse::<CommitToken>();
        }
    }
}
