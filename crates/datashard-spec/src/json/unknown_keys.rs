//! Keys of a JSON object that this version does not know, kept for the next writer.

/// Keys of a JSON object that this version of the crate does not know, with their values as raw JSON text.
///
/// They are written back byte for byte, so that what a newer or other writer put there survives a rewrite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnknownKeys(Vec<(String, String)>);

impl UnknownKeys {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys with the raw JSON text of their values, in the order of the document.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, json)| (key.as_str(), json.as_str()))
    }

    /// The raw JSON text of a key's value.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(k, _)| *k == key).map(|(_, json)| json)
    }
}

impl FromIterator<(String, String)> for UnknownKeys {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}
