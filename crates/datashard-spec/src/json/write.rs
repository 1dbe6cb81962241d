//! Writing: compact JSON text, pushed in order, with raw pieces passed through.

use super::UnknownKeys;

/// Appends JSON to a string. Commas are its business; balance is the caller's.
#[derive(Default)]
pub(crate) struct JsonWriter {
    text: String,
    /// Whether the next key or element must be preceded by a comma.
    comma: bool,
}

/// A string as a JSON literal.
pub(crate) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl JsonWriter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), comma: false }
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }

    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    /// Writes `{`, what `members` writes, and `}`.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.separate();
        self.text.push('{');
        self.comma = false;
        members(self);
        self.text.push('}');
        self.comma = true;
    }

    /// Writes `[`, one element per item, and `]`.
    pub(crate) fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.separate();
        self.text.push('[');
        self.comma = false;
        for item in items {
            each(self, item);
        }
        self.text.push(']');
        self.comma = true;
    }

    /// Writes a key; exactly one value must follow.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.separate();
        self.text.push_str(&quote(key));
        self.text.push(':');
        self.comma = false;
        self
    }

    /// A string value.
    pub(crate) fn string(&mut self, value: &str) {
        self.raw(&quote(value));
    }

    /// A number or boolean, whose display form is JSON.
    pub(crate) fn number(&mut self, value: impl std::fmt::Display) {
        self.raw(&value.to_string());
    }

    /// A boolean.
    pub(crate) fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// JSON text as it is.
    pub(crate) fn raw(&mut self, json: &str) {
        self.separate();
        self.text.push_str(json);
    }

    /// The keys kept from reading, byte for byte.
    pub(crate) fn unknown(&mut self, keys: &UnknownKeys) {
        for (key, json) in keys.iter() {
            self.key(key).raw(json);
        }
    }
}
