//! The commit state as text: the value of one table property.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use datashard_spec::id::MetadataVersion;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{ChainHash, CommitId, CommitState, Generation, SessionEntry, SessionId};

/// The table property that holds the commit state.
pub const COMMIT_STATE: &str = "datashard.commit-state";

/// The version of the protocol that is written and read.
const PROTOCOL: u64 = 1;
/// The longest text that is read, in bytes: more than 100,000 sessions.
const LONGEST: usize = 8 << 20;

/// Why a commit state cannot be used. Nothing may be committed on it (R9).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It is no such text.
    #[error("the property `{COMMIT_STATE}` is damaged: {reason}")]
    Damaged {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is of a later protocol, whose rules this version does not know.
    #[error(
        "the property `{COMMIT_STATE}` follows protocol {found}; this version of datashard knows protocol {PROTOCOL}: write with a newer one"
    )]
    Protocol {
        /// The number that was found.
        found: u64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    p: u64,
    #[serde(rename = "gen")]
    generation: String,
    i: String,
    pi: String,
    f: u64,
    g: u64,
    #[serde(deserialize_with = "each_once")]
    s: BTreeMap<String, (u64, u64, String)>,
    #[serde(deserialize_with = "each_once")]
    a: BTreeMap<String, u64>,
}

/// A map that names nothing twice. JSON may; whichever of the two were taken, an operation would be forgotten.
fn each_once<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct EachOnce<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for EachOnce<T> {
        type Value = BTreeMap<String, T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((name, value)) = entries.next_entry::<String, T>()? {
                if map.contains_key(&name) {
                    return Err(A::Error::custom(format!("`{name:.40}` is there twice")));
                }
                map.insert(name, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(EachOnce(PhantomData))
}

#[derive(Deserialize)]
struct Protocol {
    p: u64,
}

impl CommitState {
    /// The state among a table's properties; `None` if there is none.
    ///
    /// # Errors
    /// If it is damaged, or of a later protocol.
    pub fn of_properties(
        properties: &BTreeMap<String, String>,
        version: MetadataVersion,
    ) -> Result<Option<Self>, StateError> {
        properties.get(COMMIT_STATE).map(|text| Self::parse(text, version)).transpose()
    }

    /// Reads the state that `version` carries.
    ///
    /// # Errors
    /// If it is damaged, or of a later protocol.
    pub fn parse(text: &str, version: MetadataVersion) -> Result<Self, StateError> {
        if text.len() > LONGEST {
            return Err(damaged(format!("it has {} bytes, more than {LONGEST}", text.len())));
        }
        let protocol: Protocol = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        if protocol.p != PROTOCOL {
            return Err(StateError::Protocol { found: protocol.p });
        }
        let wire: Wire = serde_json::from_str(text).map_err(|e| damaged(e.to_string()))?;
        let floor = |name: &str, floor: u64| {
            if floor > version.0 {
                return Err(damaged(format!("`{name}` is {floor}, beyond version {version}")));
            }
            Ok(MetadataVersion(floor))
        };
        let intent_floor = floor("f", wire.f)?;
        let file_floor = floor("g", wire.g)?;
        let mut sessions = BTreeMap::new();
        for (id, (last, committed, chain)) in wire.s {
            let session = SessionId(narrow(hex(&id, 16)?));
            if last == 0 || committed > version.0 || committed < intent_floor.0 {
                return Err(damaged(format!("session {id} has number {last} in version {committed}")));
            }
            let chain = ChainHash(narrow(hex(&chain, 16)?));
            sessions.insert(session, SessionEntry { last, version: MetadataVersion(committed), chain });
        }
        Ok(Self {
            generation: Generation(hex(&wire.generation, 32)?),
            commit: CommitId(hex(&wire.i, 32)?),
            parent: CommitId(hex(&wire.pi, 32)?),
            intent_floor,
            file_floor,
            sessions,
            apps: wire.a,
        })
    }

    /// The text of the state.
    pub fn to_text(&self) -> String {
        let wire = Wire {
            p: PROTOCOL,
            generation: self.generation.to_string(),
            i: self.commit.to_string(),
            pi: self.parent.to_string(),
            f: self.intent_floor.0,
            g: self.file_floor.0,
            s: self
                .sessions
                .iter()
                .map(|(id, entry)| {
                    (id.to_string(), (entry.last, entry.version.0, format!("{:016x}", entry.chain.0)))
                })
                .collect(),
            a: self.apps.clone(),
        };
        // Strings and numbers only: nothing that JSON lacks.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

/// Lower-case hexadecimal digits, exactly so many.
fn hex(text: &str, digits: usize) -> Result<u128, StateError> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(is_digit) {
        let shown: String = text.chars().take(40).collect();
        return Err(damaged(format!("`{shown}` is not {digits} hexadecimal digits")));
    }
    u128::from_str_radix(text, 16).map_err(|e| damaged(e.to_string()))
}

fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn damaged(reason: String) -> StateError {
    StateError::Damaged { reason }
}
