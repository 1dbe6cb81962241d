//! The snapshots of a table, as raw JSON until somebody asks for one.
//!
//! A table has thousands of snapshots and a reader looks at one. So opening takes only the ids, a snapshot is parsed when
//! it is first asked for, and a snapshot that was read is written back byte for byte, whatever keys are in it. Only keys
//! that are null are left out, since some readers refuse them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde_json::value::RawValue;

use super::{FormatVersion, MetadataError};
use crate::SpecError;
use crate::id::SnapshotId;
use crate::json::{Json, JsonError, JsonWriter, Path, parse_document};
use crate::snapshot::{KEYS, Snapshot, parse_snapshot, write_snapshot};

const AT: Path<'static> = Path::Key(&Path::Root, "snapshots");

#[derive(Debug, Clone, Default)]
pub(super) struct SnapshotList {
    /// The texts of all snapshots that were read, one after the other; shared by all versions made from one document.
    text: Arc<Text>,
    entries: Vec<Entry>,
    /// Positions of the entries, by ascending id.
    by_id: Vec<(SnapshotId, usize)>,
}

#[derive(Debug, Default)]
struct Text {
    json: String,
    /// Whether the word stands in it anywhere, once somebody asked.
    has_null: OnceLock<bool>,
}

#[derive(Debug, Clone)]
struct Entry {
    id: SnapshotId,
    /// Where its text is in `text`; empty for one that was added since.
    raw: Range<usize>,
    parsed: OnceLock<Arc<Snapshot>>,
}

impl SnapshotList {
    /// Takes the elements of the array. Each must be an object with an id; the ids must differ.
    pub(super) fn read(elements: &[&RawValue]) -> Result<Self, SpecError> {
        let bytes = elements.iter().map(|element| element.get().len()).sum();
        let mut text = String::with_capacity(bytes);
        let mut entries = Vec::with_capacity(elements.len());
        for (index, raw) in elements.iter().enumerate() {
            let id = match leading_id(raw.get()) {
                Some(id) => id,
                None => {
                    Json { raw, path: Path::Index(&AT, index) }.object()?.require("snapshot-id")?.i64()?
                }
            };
            if id < 0 {
                return Err(MetadataError::Inconsistent {
                    key: format!("snapshots[{index}].snapshot-id"),
                    reason: "an id is positive",
                    found: id.to_string(),
                }
                .into());
            }
            let start = text.len();
            text.push_str(raw.get());
            entries.push(Entry { id: SnapshotId(id), raw: start..text.len(), parsed: OnceLock::new() });
        }
        let by_id = index_by_id(&entries);
        for pair in by_id.windows(2) {
            if let [(id, _), (next, _)] = pair
                && id == next
            {
                return Err(
                    MetadataError::DuplicateId { key: "snapshots", what: "snapshot", id: id.0 }.into()
                );
            }
        }
        Ok(Self { text: Arc::new(Text { json: text, has_null: OnceLock::new() }), entries, by_id })
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn ids(&self) -> impl DoubleEndedIterator<Item = SnapshotId> + '_ {
        self.entries.iter().map(|entry| entry.id)
    }

    pub(super) fn contains(&self, id: SnapshotId) -> bool {
        self.position(id).is_some()
    }

    fn position(&self, id: SnapshotId) -> Option<usize> {
        let at = self.by_id.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.by_id.get(at).map(|(_, position)| *position)
    }

    /// The snapshot, parsed now if nobody asked for it before.
    pub(super) fn by_id(&self, id: SnapshotId) -> Result<Option<&Snapshot>, JsonError> {
        let Some(position) = self.position(id) else { return Ok(None) };
        self.entries.get(position).map(|entry| self.parse(position, entry)).transpose()
    }

    /// All snapshots in the order of the document.
    pub(super) fn iter(&self) -> impl Iterator<Item = Result<&Snapshot, JsonError>> {
        self.entries.iter().enumerate().map(|(position, entry)| self.parse(position, entry))
    }

    fn parse<'s>(&'s self, position: usize, entry: &'s Entry) -> Result<&'s Snapshot, JsonError> {
        if let Some(snapshot) = entry.parsed.get() {
            return Ok(snapshot);
        }
        let raw = parse_document(self.raw(entry))?;
        let snapshot = parse_snapshot(Json { raw, path: Path::Index(&AT, position) })?;
        Ok(entry.parsed.get_or_init(|| Arc::new(snapshot)))
    }

    fn raw<'s>(&'s self, entry: &Entry) -> &'s str {
        self.text.json.get(entry.raw.clone()).unwrap_or_default()
    }

    /// The JSON of the snapshot: as it was read, or as it would be written.
    pub(super) fn json(&self, id: SnapshotId, format_version: FormatVersion) -> Option<Cow<'_, str>> {
        let entry = self.entries.get(self.position(id)?)?;
        Some(match (self.raw(entry), entry.parsed.get()) {
            ("", Some(snapshot)) => Cow::Owned(snapshot.to_json(format_version)),
            (raw, _) => Cow::Borrowed(raw),
        })
    }

    /// Adds a snapshot; the caller has made sure that its id is new.
    pub(super) fn push(&mut self, snapshot: Snapshot) {
        let id = snapshot.id;
        let position = self.entries.len();
        let at = self.by_id.partition_point(|(other, _)| *other < id);
        self.by_id.insert(at, (id, position));
        self.entries.push(Entry { id, raw: 0..0, parsed: OnceLock::from(Arc::new(snapshot)) });
    }

    /// Removes those of these snapshots that are there.
    pub(super) fn remove(&mut self, ids: &HashSet<SnapshotId>) {
        self.entries.retain(|entry| !ids.contains(&entry.id));
        self.by_id = index_by_id(&self.entries);
    }

    /// How many bytes of JSON there are to write, nearly.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.json.len()
    }

    pub(super) fn write(&self, format_version: FormatVersion, writer: &mut JsonWriter) {
        let has_null = *self.text.has_null.get_or_init(|| self.text.json.contains("null"));
        writer.array(&self.entries, |writer, entry| match (self.raw(entry), entry.parsed.get()) {
            ("", Some(snapshot)) => write_snapshot(snapshot, format_version, writer),
            (raw, _) => match has_null.then(|| without_nulls(raw)).flatten() {
                Some(clean) => writer.raw(&clean),
                None => writer.raw(raw),
            },
        });
    }
}

impl PartialEq for SnapshotList {
    /// By value; entries that do not parse are equal if their texts are.
    fn eq(&self, other: &Self) -> bool {
        let equal = |(position, (a, b)): (usize, (&Entry, &Entry))| {
            let (raw_a, raw_b) = (self.raw(a), other.raw(b));
            (!raw_a.is_empty() && raw_a == raw_b)
                || matches!((self.parse(position, a), other.parse(position, b)), (Ok(a), Ok(b)) if a == b)
        };
        self.len() == other.len() && self.entries.iter().zip(&other.entries).enumerate().all(equal)
    }
}

/// The text of a snapshot without those of its keys that are null, if there are any. The reference refuses a table for
/// `"parent-snapshot-id": null`; absent means the same. Keys that are not known stay as they are, null or not.
fn without_nulls(raw: &str) -> Option<String> {
    if !raw.contains("null") {
        return None;
    }
    let json = Json::root(parse_document(raw).ok()?);
    let object = json.object().ok()?;
    let is_null = |key: &str, value: &Json<'_, '_>| value.is_null() && KEYS.contains(&key);
    if !object.entries().any(|(key, value)| is_null(key, &value)) {
        return None;
    }
    let mut writer = JsonWriter::with_capacity(raw.len());
    writer.object(|writer| {
        for (key, value) in object.entries().filter(|(key, value)| !is_null(key, value)) {
            writer.key(key).raw(value.raw.get());
        }
    });
    Some(writer.finish())
}

fn index_by_id(entries: &[Entry]) -> Vec<(SnapshotId, usize)> {
    let mut index: Vec<_> =
        entries.iter().enumerate().map(|(position, entry)| (entry.id, position)).collect();
    index.sort_unstable();
    index
}

/// The id in the text of a snapshot, if only plain scalars stand before it, as all writers have it. `None` leaves the
/// answer to the parser.
///
/// The text is known to be JSON, so a quote ends a string that holds no backslash.
fn leading_id(text: &str) -> Option<i64> {
    let mut rest = text.strip_prefix('{')?;
    loop {
        let (key, after) = plain_string(rest.trim_start())?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        let value_end = if value.starts_with('"') {
            value.len().checked_sub(plain_string(value)?.1.len())?
        } else if value.starts_with(['{', '[']) {
            return None;
        } else {
            value.find(|c: char| c == ',' || c == '}' || c.is_ascii_whitespace())?
        };
        let (value, after) = value.split_at_checked(value_end)?;
        if key == "snapshot-id" {
            // JSON's -0 is not an integer to the parser, and no negative id is any good.
            return value.parse().ok().filter(|_| !value.starts_with('-'));
        }
        rest = after.trim_start().strip_prefix(',')?;
    }
}

/// Splits off a leading string without escapes.
fn plain_string(text: &str) -> Option<(&str, &str)> {
    let (inside, after) = text.strip_prefix('"')?.split_once('"')?;
    (!inside.contains('\\')).then_some((inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_look_agrees_with_the_parser_or_declines() {
        let check = |text: &str, expect: Option<i64>| assert_eq!(leading_id(text), expect, "{text}");
        check(r#"{"snapshot-id":5}"#, Some(5));
        check("{ \"a\" : \"b,}\" ,\n\t\"snapshot-id\" : 5 , \"x\":[]}", Some(5));
        check(r#"{"sequence-number":1,"n":null,"t":true,"snapshot-id":9223372036854775807}"#, Some(i64::MAX));
        check(r#"{"x":"\"snapshot-id\":7","snapshot-id":5}"#, None);
        check(r#"{"x\"snapshot-id":7,"snapshot-id":5}"#, None);
        check(r#"{"summary":{"snapshot-id":7},"snapshot-id":5}"#, None);
        check(r#"{"snapshot\u002did":5}"#, None);
        check(r#"{"snapshot-id":5.5}"#, None);
        check(r#"{"snapshot-id":99999999999999999999}"#, None);
        check(r#"{"snapshot-id":"5"}"#, None);
        check(r#"{"snapshot-id":-0}"#, None);
        check("{}", None);
        check("[]", None);
        check("7", None);
    }

    proptest::proptest! {
        #[test]
        fn the_quick_look_never_contradicts_the_parser(
            pairs in proptest::collection::vec(
                ("[ \t\n]{0,2}", proptest::sample::select(KEYS), proptest::sample::select(VALUES)),
                0..6,
            )
        ) {
            let members: Vec<_> = pairs.iter().map(|(gap, k, v)| format!("{gap}{k}{gap}:{gap}{v}{gap}")).collect();
            let text = format!("{{{}}}", members.join(","));
            let raw = parse_document(&text).unwrap();
            let json = Json::root(raw);
            let parsed = json.object().and_then(|mut object| object.require("snapshot-id")?.i64());
            match (leading_id(&text), parsed) {
                (Some(quick), Ok(parsed)) => assert_eq!(quick, parsed, "{text}"),
                // The first of two ids; asking for the snapshot tells.
                (Some(_), Err(JsonError::Duplicate { .. })) | (None, _) => {}
                (Some(quick), Err(error)) => panic!("{quick} but {error} in {text}"),
            }
        }
    }

    const KEYS: &[&str] = &[
        r#""snapshot-id""#,
        r#""snapshot-id ""#,
        r#""a""#,
        r#""a\\""#,
        r#""\"snapshot-id""#,
        r#""snapshot\u002did""#,
        r#""{\"snapshot-id\":1,""#,
    ];
    const VALUES: &[&str] = &[
        "5",
        "-7",
        "1.5",
        "1e2",
        "null",
        "true",
        "9223372036854775808",
        r#""snapshot-id""#,
        r#""\"snapshot-id\":3,""#,
        r#""a\\""#,
        "\"}\"",
        r#"{"snapshot-id":4}"#,
        r#"[{"snapshot-id":4}]"#,
        "[]",
        "-0",
    ];
}
