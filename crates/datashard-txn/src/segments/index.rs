//! [`SegmentIndex`]: the table property that says which history segments there are.

use std::collections::BTreeMap;

use datashard_io::TablePath;
use serde::{Deserialize, Serialize};

/// The table property that says which history segments there are. It is kept by commits and cannot be set.
pub const HISTORY: &str = "datashard.history";

/// Where segments are.
pub(super) const FOLDER: &str = "metadata/_datashard/history";

/// More segments than any table has. The property is written by commits alone, and still it is input.
const MOST_SEGMENTS: usize = 100_000;

/// The form of the property that is read and written here.
const FORM: u32 = 1;

/// Which history segments a table has, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SegmentIndex {
    /// The segments.
    pub segments: Vec<Segment>,
    /// Whether `gc.enabled` was set to `false` because of them, and by nobody else.
    pub turned_gc_off: bool,
}

/// A history segment, as the table names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Segment {
    /// The name of its file, below `metadata/_datashard/history/`.
    #[serde(rename = "file")]
    pub file_name: String,
    /// How many snapshots it holds.
    #[serde(rename = "n")]
    pub snapshots: u64,
    /// The smallest sequence number among them.
    #[serde(rename = "s0")]
    pub first_sequence_number: i64,
    /// The largest sequence number among them.
    #[serde(rename = "s1")]
    pub last_sequence_number: i64,
    /// The time of the first entry of its snapshot log, in ms since 1970; `None` if it has no entry.
    #[serde(rename = "t0", skip_serializing_if = "Option::is_none", default)]
    pub first_log_ms: Option<i64>,
    /// Up to when its snapshot log tells what was current, in ms since 1970.
    #[serde(rename = "t1", skip_serializing_if = "Option::is_none", default)]
    pub last_log_ms: Option<i64>,
    /// The length of its file, in bytes.
    #[serde(rename = "bytes")]
    pub size_bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    form: u32,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    gc: bool,
    segments: Vec<Segment>,
}

impl SegmentIndex {
    /// Reads the property; an empty index if it is not set.
    ///
    /// # Errors
    /// What is wrong with it. Snapshots that it names would be taken for lost otherwise, and their files for garbage.
    pub fn of_properties(properties: &BTreeMap<String, String>) -> Result<Self, String> {
        let Some(text) = properties.get(HISTORY) else { return Ok(Self::default()) };
        let wire: Wire = serde_json::from_str(text).map_err(|e| format!("the property `{HISTORY}`: {e}"))?;
        if wire.form != FORM {
            return Err(format!(
                "the property `{HISTORY}` is of form {}, and this library reads form {FORM}",
                wire.form
            ));
        }
        if wire.segments.len() > MOST_SEGMENTS {
            return Err(format!("the property `{HISTORY}` names {} segments", wire.segments.len()));
        }
        for segment in &wire.segments {
            segment.path()?;
            let times = (segment.first_log_ms, segment.last_log_ms);
            let is_ordered = segment.first_sequence_number <= segment.last_sequence_number
                && times.0.is_some() == times.1.is_some()
                && times.0 <= times.1
                && segment.snapshots > 0;
            if !is_ordered {
                return Err(format!(
                    "the property `{HISTORY}` has impossible ranges for `{}`",
                    segment.file_name
                ));
            }
        }
        Ok(Self { segments: wire.segments, turned_gc_off: wire.gc })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The property's text.
    pub(super) fn to_text(&self) -> String {
        let wire = Wire { form: FORM, gc: self.turned_gc_off, segments: self.segments.clone() };
        // Numbers and text have no form that JSON lacks.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

impl Segment {
    /// Where its file is.
    ///
    /// # Errors
    /// If the name is none of a file in the folder of segments.
    pub fn path(&self) -> Result<TablePath, String> {
        let is_name = self.file_name.ends_with(".json.zst") && !self.file_name.contains('/');
        let path = TablePath::parse(&format!("{FOLDER}/{}", self.file_name)).ok();
        path.filter(|_| is_name).ok_or_else(|| {
            format!(
                "the property `{HISTORY}` names `{}`, which is no segment",
                crate::action::excerpt(&self.file_name)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(file_name: &str) -> Segment {
        Segment {
            file_name: file_name.to_owned(),
            snapshots: 2,
            first_sequence_number: 3,
            last_sequence_number: 4,
            first_log_ms: Some(5),
            last_log_ms: Some(6),
            size_bytes: 7,
        }
    }

    fn read(text: &str) -> Result<SegmentIndex, String> {
        SegmentIndex::of_properties(&BTreeMap::from([(HISTORY.to_owned(), text.to_owned())]))
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bare = segment("e1-3-4-b.json.zst");
        (bare.first_log_ms, bare.last_log_ms) = (None, None);
        let index = SegmentIndex { segments: vec![segment("e1-3-4-a.json.zst"), bare], turned_gc_off: true };
        assert_eq!(read(&index.to_text()), Ok(index));
        assert_eq!(SegmentIndex::of_properties(&BTreeMap::new()), Ok(SegmentIndex::default()));
        assert_eq!(segment("a.json.zst").path().unwrap().as_str(), "metadata/_datashard/history/a.json.zst");
    }

    #[test]
    fn damage_is_told_and_never_read_as_no_history() {
        let sound = SegmentIndex { segments: vec![segment("a.json.zst")], turned_gc_off: false }.to_text();
        assert!(read(&sound).is_ok());
        for (from, to) in [
            ("\"form\":1", "\"form\":2"),
            ("a.json.zst", "../a.json.zst"),
            ("a.json.zst", "b/a.json.zst"),
            ("a.json.zst", "a.json"),
            ("\"n\":2", "\"n\":0"),
            ("\"s0\":3", "\"s0\":5"),
            ("\"t0\":5", "\"t0\":9"),
            ("\"t0\":5,", ""),
            ("\"bytes\":7", "\"bytes\":-7"),
            ("\"n\":2", "\"n\":2,\"unknown\":1"),
            ("}", ""),
        ] {
            let damaged = sound.replacen(from, to, 1);
            assert_ne!(damaged, sound);
            assert!(read(&damaged).is_err(), "{damaged}");
        }
    }
}
