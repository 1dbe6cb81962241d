//! Reading a document: one pass that splits the top level, then the parts.
//!
//! The pass leaves the snapshots as raw texts and reads the snapshot log straight into values; those two are what makes
//! a document large. What the format versions do differently is in `wire_v1`, `wire_v2` and `wire_v3`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::encryption_key::EncryptedKey;
use super::log::{Wire, parse_metadata_log_entry};
use super::snapshot_list::SnapshotList;
use super::statistics::{parse_partition_statistics, parse_statistics, parse_strings};
use super::{FormatVersion, MetadataError, SnapshotLogEntry, TableMetadata, gzip, wire_v1, wire_v2, wire_v3};
use crate::SpecError;
use crate::id::{FieldId, PartitionSpecId, SchemaId, SequenceNumber, SnapshotId, SortOrderId};
use crate::json::{Json, JsonError, Object, Path};
use crate::partition::PartitionSpec;
use crate::schema::json::parse_schema;
use crate::schema::{Schema, SchemaError};
use crate::snapshot_ref::{MAIN_BRANCH, SnapshotRef, parse_ref};
use crate::sort_order::SortOrder;

/// The largest document, in bytes uncompressed, that [`TableMetadata::from_bytes`] takes.
pub const DEFAULT_MAX_BYTES: u64 = 1 << 30;

impl TableMetadata {
    /// Reads a document of any supported format version.
    ///
    /// The whole text is checked to be JSON and the rules that hold between its parts are checked, but snapshots other
    /// than their ids are not looked at; [`check_all`](Self::check_all) does that.
    ///
    /// # Errors
    /// `Unsupported` for a format version beyond 3; `InvalidData`, with the path, for everything else that is wrong.
    ///
    /// # Spec
    /// "Table Metadata", "Appendix C: JSON serialization".
    pub fn from_json(json: &[u8]) -> Result<Self, SpecError> {
        let text = std::str::from_utf8(json).map_err(|e| JsonError::Syntax {
            at: Path::Root.to_string(),
            reason: format!("not UTF-8: {e}"),
        })?;
        let metadata = read(text)?;
        metadata.check()?;
        Ok(metadata)
    }

    /// Reads a document that may be gzip-compressed, whatever its name says, of at most [`DEFAULT_MAX_BYTES`].
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json); also `InvalidData` if it does not decompress or is larger than that,
    /// `Unsupported` if it is compressed and this build lacks the feature `gzip`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SpecError> {
        Self::from_bytes_up_to(bytes, DEFAULT_MAX_BYTES)
    }

    /// As [`from_bytes`](Self::from_bytes), for documents of at most `max_bytes` uncompressed.
    ///
    /// # Errors
    /// As [`from_bytes`](Self::from_bytes).
    pub fn from_bytes_up_to(bytes: &[u8], max_bytes: u64) -> Result<Self, SpecError> {
        if gzip::is_gzip(bytes) {
            return Self::from_json(&gzip::decompress(bytes, max_bytes)?);
        }
        if u64::try_from(bytes.len()).is_ok_and(|bytes| bytes <= max_bytes) {
            return Self::from_json(bytes);
        }
        Err(MetadataError::TooLarge { limit_bytes: max_bytes }.into())
    }
}

/// The keys that the format versions treat differently.
pub(super) struct Versioned {
    pub(super) table_uuid: Option<Uuid>,
    pub(super) last_sequence_number: SequenceNumber,
    pub(super) schemas: Vec<Schema>,
    pub(super) current_schema_id: SchemaId,
    pub(super) partition_specs: Vec<PartitionSpec>,
    pub(super) default_spec_id: PartitionSpecId,
    pub(super) last_partition_id: FieldId,
    pub(super) sort_orders: Vec<SortOrder>,
    pub(super) default_sort_order_id: SortOrderId,
    pub(super) next_row_id: i64,
    pub(super) encryption_keys: Vec<EncryptedKey>,
}

fn read(text: &str) -> Result<TableMetadata, SpecError> {
    let document = split(text)?;
    let mut object = Object::from_pairs(document.pairs, &Path::Root)?;
    let found = object.require("format-version")?.i64()?;
    let format_version = FormatVersion::from_number(found).ok_or(MetadataError::FormatVersion { found })?;
    let mut versioned = match format_version {
        FormatVersion::V1 => wire_v1::parse(&mut object, &mut SchemaReader::new(text))?,
        FormatVersion::V2 => wire_v2::parse(&mut object, &mut SchemaReader::new(text))?,
        FormatVersion::V3 => wire_v3::parse(&mut object, &mut SchemaReader::new(text))?,
    };
    // Id 0 always means unsorted, whether the list has it or not.
    if versioned.default_sort_order_id.0 == 0 && versioned.sort_orders.iter().all(|order| order.id.0 != 0) {
        versioned.sort_orders.insert(0, crate::sort_order::SortOrder::unsorted());
    }
    // A counter below an id in use would give that id out again.
    let highest_partition_id =
        versioned.partition_specs.iter().flat_map(|spec| &spec.fields).map(|field| field.field_id).max();
    let last_partition_id = Some(versioned.last_partition_id).max(highest_partition_id);

    let location = object.require("location")?.string()?;
    let last_updated_ms = object.require("last-updated-ms")?.i64()?;
    let last_column_id = FieldId(object.require("last-column-id")?.i32()?);
    let highest_column_id = versioned.schemas.iter().map(Schema::highest_user_id).max();
    let last_column_id = highest_column_id.map_or(last_column_id, |highest| highest.max(last_column_id));
    let properties = object.take("properties").map(parse_strings).transpose()?.unwrap_or_default();
    let current_snapshot_id = object.take("current-snapshot-id").map(|id| id.i64()).transpose()?;
    let current_snapshot_id = current_snapshot_id.filter(|id| *id != -1).map(SnapshotId);
    let mut refs = object.take("refs").map(parse_refs).transpose()?.unwrap_or_default();
    if let Some(current) = current_snapshot_id {
        // Other refs may be there without it.
        refs.entry(MAIN_BRANCH.to_owned()).or_insert_with(|| SnapshotRef::branch(current));
    }
    let metadata_log = parse_list(&mut object, "metadata-log", parse_metadata_log_entry)?;
    let statistics = parse_list(&mut object, "statistics", parse_statistics)?;
    let partition_statistics = parse_list(&mut object, "partition-statistics", parse_partition_statistics)?;
    Ok(TableMetadata {
        format_version,
        table_uuid: versioned.table_uuid,
        location,
        last_sequence_number: versioned.last_sequence_number,
        last_updated_ms,
        last_column_id,
        schemas: versioned.schemas.into_iter().map(Arc::new).collect(),
        current_schema_id: versioned.current_schema_id,
        partition_specs: versioned.partition_specs.into_iter().map(Arc::new).collect(),
        default_spec_id: versioned.default_spec_id,
        last_partition_id: last_partition_id.unwrap_or(versioned.last_partition_id),
        sort_orders: versioned.sort_orders.into_iter().map(Arc::new).collect(),
        default_sort_order_id: versioned.default_sort_order_id,
        properties,
        current_snapshot_id,
        snapshots: SnapshotList::read(&document.snapshots)?,
        refs,
        snapshot_log: document.snapshot_log,
        metadata_log,
        statistics,
        partition_statistics,
        next_row_id: versioned.next_row_id,
        encryption_keys: versioned.encryption_keys,
        unknown_keys: object.into_unknown(),
    })
}

/// Reads the schemas of a document, and bounds the memory for their look-up tables by the length of the document.
///
/// A single schema is bounded by itself, but a small document has room for very many of that size.
pub(super) struct SchemaReader {
    name_bytes_left: usize,
}

impl SchemaReader {
    /// For names that are repeated by nesting, beyond those that the text has room for.
    const NAME_BYTES: usize = 64 << 20;

    fn new(text: &str) -> Self {
        Self { name_bytes_left: Self::NAME_BYTES.saturating_add(text.len().saturating_mul(2)) }
    }

    pub(super) fn parse(&mut self, json: Json<'_, '_>) -> Result<Schema, SpecError> {
        let schema = parse_schema(json)?;
        match self.name_bytes_left.checked_sub(schema.name_bytes()) {
            Some(left) => self.name_bytes_left = left,
            None => {
                let broken = SchemaError::NamesTooLong { limit_bytes: Self::NAME_BYTES };
                return Err(
                    SchemaError::InJson { at: json.path.to_string(), broken: Box::new(broken) }.into()
                );
            }
        }
        Ok(schema)
    }
}

/// Parses an optional list.
pub(super) fn parse_list<'p, T, E: From<JsonError>>(
    object: &mut Object<'_, 'p>,
    key: &'p str,
    parse: impl FnMut(Json<'_, '_>) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    match object.take(key) {
        Some(list) => list.array()?.map(parse),
        None => Ok(Vec::new()),
    }
}

pub(super) fn parse_uuid(json: Json<'_, '_>) -> Result<Uuid, JsonError> {
    Uuid::try_parse(&json.str()?).map_err(|_| json.unexpected("a UUID"))
}

fn parse_refs(json: Json<'_, '_>) -> Result<BTreeMap<String, SnapshotRef>, JsonError> {
    let object = json.object()?;
    let mut refs = BTreeMap::new();
    for (name, reference) in object.entries() {
        let reference = parse_ref(reference)?;
        // Some writers give a table without snapshots a main branch at -1.
        if reference.snapshot_id.0 != -1 {
            refs.insert(name.to_owned(), reference);
        }
    }
    Ok(refs)
}

/// The top level of a document.
#[derive(Default)]
struct Document<'a> {
    pairs: Vec<(Cow<'a, str>, &'a RawValue)>,
    snapshots: Vec<&'a RawValue>,
    snapshot_log: Vec<SnapshotLogEntry>,
}

fn split(text: &str) -> Result<Document<'_>, JsonError> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let document = deserializer.deserialize_map(DocumentVisitor);
    document.and_then(|document| deserializer.end().map(|()| document)).map_err(|e| {
        let (at, found) = (Path::Root.to_string(), e.to_string());
        if e.is_data() {
            return JsonError::Unexpected { at, expected: "table metadata".to_owned(), found };
        }
        JsonError::Syntax { at, reason: found }
    })
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut document = Document::default();
        let (mut snapshots, mut log) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = match key.as_str() {
                "snapshots" => snapshots.replace(map.next_value::<Option<Vec<&'de RawValue>>>()?).is_some(),
                "snapshot-log" => log.replace(map.next_value::<Option<Vec<Wire>>>()?).is_some(),
                _ => {
                    document.pairs.push((Cow::Owned(key), map.next_value()?));
                    continue;
                }
            };
            if twice {
                return Err(A::Error::custom(format!("key {key:?} twice")));
            }
        }
        document.snapshots = snapshots.flatten().unwrap_or_default();
        let log = log.flatten().unwrap_or_default();
        document.snapshot_log = log.into_iter().map(|entry| entry.0).collect();
        Ok(document)
    }
}
