//! Reading: raw values with their path, objects split into pairs, arrays into elements.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{JsonError, MAX_PATH, UnknownKeys};
use crate::error::excerpt;

/// Where in a document a value stands. Costs nothing until an error asks for its text.
#[derive(Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl Path<'_> {
    pub(crate) fn depth(&self) -> usize {
        let mut depth = 0_usize;
        let mut at = self;
        while let Self::Key(up, _) | Self::Index(up, _) = at {
            depth = depth.saturating_add(1);
            at = up;
        }
        depth
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("$"),
            Self::Key(up, key) => write!(f, "{up}.{}", excerpt(key)),
            Self::Index(up, index) => write!(f, "{up}[{index}]"),
        }
    }
}

/// One JSON value as raw text, with its path.
#[derive(Clone, Copy)]
pub(crate) struct Json<'a, 'p> {
    pub(crate) raw: &'a RawValue,
    pub(crate) path: Path<'p>,
}

/// Checks that `text` is one JSON document and returns it as a raw value.
pub(crate) fn parse_document(text: &str) -> Result<&RawValue, JsonError> {
    serde_json::from_str(text)
        .map_err(|e| JsonError::Syntax { at: Path::Root.to_string(), reason: e.to_string() })
}

impl<'a, 'p> Json<'a, 'p> {
    pub(crate) fn root(raw: &'a RawValue) -> Self {
        Self { raw, path: Path::Root }
    }

    /// The raw text of the value, without surrounding white space.
    pub(crate) fn text(&self) -> &'a str {
        self.raw.get().trim()
    }

    pub(crate) fn is_null(&self) -> bool {
        self.text() == "null"
    }

    pub(crate) fn unexpected(&self, expected: impl Into<String>) -> JsonError {
        JsonError::Unexpected {
            at: self.path.to_string(),
            expected: expected.into(),
            found: excerpt(self.text()),
        }
    }

    /// Deserializes a scalar, or anything of fixed shape.
    fn scalar<T: serde::Deserialize<'a>>(&self, expected: &str) -> Result<T, JsonError> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.unexpected(expected))
    }

    pub(crate) fn i64(&self) -> Result<i64, JsonError> {
        self.scalar("a 64-bit integer")
    }

    pub(crate) fn i32(&self) -> Result<i32, JsonError> {
        self.scalar("a 32-bit integer")
    }

    /// The nearest double.
    pub(crate) fn f64(&self) -> Result<f64, JsonError> {
        // serde_json is off by the last bit now and then unless it is built to be slower for everybody.
        let text = self.text();
        let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let number = text.parse().ok().filter(|number: &f64| is_number && number.is_finite());
        number.ok_or_else(|| self.unexpected("a number"))
    }

    pub(crate) fn bool(&self) -> Result<bool, JsonError> {
        self.scalar("true or false")
    }

    pub(crate) fn string(&self) -> Result<String, JsonError> {
        self.scalar("a string")
    }

    /// Borrows the string where it holds no escapes.
    pub(crate) fn str(&self) -> Result<Cow<'a, str>, JsonError> {
        match self.text().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(plain) if !plain.contains('\\') => Ok(Cow::Borrowed(plain)),
            _ => self.string().map(Cow::Owned),
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.text().starts_with('{')
    }

    pub(crate) fn is_array(&self) -> bool {
        self.text().starts_with('[')
    }

    pub(crate) fn is_string(&self) -> bool {
        self.text().starts_with('"')
    }

    /// Splits an object into its pairs. Refuses keys that occur twice and nesting beyond [`MAX_PATH`].
    pub(crate) fn object(&'p self) -> Result<Object<'a, 'p>, JsonError> {
        if !self.is_object() {
            return Err(self.unexpected("an object"));
        }
        self.check_depth()?;
        let pairs = serde_json::Deserializer::from_str(self.raw.get())
            .deserialize_map(PairVisitor)
            .map_err(|e| JsonError::Syntax { at: self.path.to_string(), reason: e.to_string() })?;
        Object::from_pairs(pairs, &self.path)
    }

    /// Splits an array into its elements. Refuses nesting beyond [`MAX_PATH`].
    pub(crate) fn array(&'p self) -> Result<Array<'a, 'p>, JsonError> {
        if !self.is_array() {
            return Err(self.unexpected("an array"));
        }
        self.check_depth()?;
        let elements = serde_json::Deserializer::from_str(self.raw.get())
            .deserialize_seq(ElementVisitor)
            .map_err(|e| JsonError::Syntax { at: self.path.to_string(), reason: e.to_string() })?;
        Ok(Array { elements, path: &self.path })
    }

    fn check_depth(&self) -> Result<(), JsonError> {
        if self.path.depth() > MAX_PATH {
            return Err(JsonError::TooDeep { at: self.path.to_string(), limit: MAX_PATH });
        }
        Ok(())
    }

    /// Refuses brackets that nest beyond [`MAX_PATH`], in one pass over the text.
    ///
    /// Taking a document apart level by level scans what is inside once for each level around it. This check first
    /// makes the work on a deeply nested document small.
    pub(crate) fn check_nesting(&self) -> Result<(), JsonError> {
        let mut depth = 0_usize;
        let mut bytes = self.raw.get().bytes();
        while let Some(byte) = bytes.next() {
            match byte {
                b'{' | b'[' => depth = depth.saturating_add(1),
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => {
                    while let Some(byte) = bytes.next() {
                        match byte {
                            b'"' => break,
                            b'\\' => {
                                bytes.next();
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
            if depth > MAX_PATH {
                return Err(JsonError::TooDeep { at: self.path.to_string(), limit: MAX_PATH });
            }
        }
        Ok(())
    }
}

struct PairVisitor;

impl<'de> Visitor<'de> for PairVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            pairs.push((key, value));
        }
        Ok(pairs)
    }
}

/// A key, borrowed where it holds no escapes (`Cow` alone always allocates).
struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Key<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(key))
            }
            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(key.to_owned()))
            }
        }
        deserializer.deserialize_str(KeyVisitor).map(Key)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(elements)
    }
}

/// The elements of an array.
pub(crate) struct Array<'a, 'p> {
    elements: Vec<&'a RawValue>,
    path: &'p Path<'p>,
}

impl<'a, 'p> Array<'a, 'p> {
    pub(crate) fn len(&self) -> usize {
        self.elements.len()
    }

    pub(crate) fn iter<'s>(&'s self) -> impl Iterator<Item = Json<'a, 's>> + 's {
        self.elements.iter().enumerate().map(|(index, raw)| Json { raw, path: Path::Index(self.path, index) })
    }

    pub(crate) fn map<T, E>(&self, parse: impl FnMut(Json<'a, '_>) -> Result<T, E>) -> Result<Vec<T>, E> {
        self.iter().map(parse).collect()
    }
}

/// The pairs of an object. Known keys are taken; what is left is unknown.
pub(crate) struct Object<'a, 'p> {
    pairs: Vec<Option<(Cow<'a, str>, &'a RawValue)>>,
    path: &'p Path<'p>,
}

impl<'a, 'p> Object<'a, 'p> {
    /// An object whose pairs were split by the caller. Refuses keys that occur twice.
    pub(crate) fn from_pairs(
        pairs: Vec<(Cow<'a, str>, &'a RawValue)>,
        path: &'p Path<'p>,
    ) -> Result<Self, JsonError> {
        // Nearly all objects are small; the big ones are maps of properties.
        let duplicate = if pairs.len() <= 16 {
            pairs.iter().enumerate().find(|(i, (key, _))| pairs.iter().take(*i).any(|(k, _)| k == key))
        } else {
            let mut seen = HashSet::with_capacity(pairs.len());
            pairs.iter().enumerate().find(|(_, (key, _))| !seen.insert(key.clone()))
        };
        if let Some((_, (key, _))) = duplicate {
            return Err(JsonError::Duplicate { at: path.to_string(), key: excerpt(key) });
        }
        Ok(Self { pairs: pairs.into_iter().map(Some).collect(), path })
    }

    /// Takes a key whatever its value, `null` included.
    pub(crate) fn take_raw(&mut self, key: &'p str) -> Option<Json<'a, 'p>> {
        let slot = self.pairs.iter_mut().find(|pair| pair.as_ref().is_some_and(|(k, _)| k == key))?;
        let (_, raw) = slot.take()?;
        Some(Json { raw, path: Path::Key(self.path, key) })
    }

    /// Takes an optional key; `null` counts as absent.
    pub(crate) fn take(&mut self, key: &'p str) -> Option<Json<'a, 'p>> {
        self.take_raw(key).filter(|value| !value.is_null())
    }

    /// Takes a required key.
    pub(crate) fn require(&mut self, key: &'p str) -> Result<Json<'a, 'p>, JsonError> {
        self.take(key).ok_or_else(|| JsonError::Missing { at: self.path.to_string(), key: key.to_owned() })
    }

    /// All pairs that were not taken, in order, as values (for objects used as maps).
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, Json<'a, '_>)> {
        self.pairs
            .iter()
            .flatten()
            .map(|(key, raw)| (key.as_ref(), Json { raw, path: Path::Key(self.path, key.as_ref()) }))
    }

    /// What was not taken, byte for byte.
    pub(crate) fn into_unknown(self) -> UnknownKeys {
        self.pairs.into_iter().flatten().map(|(key, raw)| (key.into_owned(), raw.get().to_owned())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f64_of(text: &str) -> Result<f64, JsonError> {
        Json::root(parse_document(text)?).f64()
    }

    proptest::proptest! {
        #[test]
        fn doubles_are_read_to_the_last_bit(bits in proptest::num::u64::ANY) {
            let number = f64::from_bits(bits);
            if number.is_finite() {
                for text in [format!("{number:?}"), format!("{number:e}"), format!("{number:.40}")] {
                    let expect: f64 = text.parse().unwrap();
                    assert_eq!(f64_of(&text).unwrap().to_bits(), expect.to_bits(), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused() {
        for text in ["1e999", "\"1\"", "true", "null", "[1]"] {
            assert!(matches!(f64_of(text), Err(JsonError::Unexpected { .. })), "{text}");
        }
        assert_eq!(f64_of(" -0 ").unwrap().to_bits(), (-0.0_f64).to_bits());
    }
}
