//! Writing a document.
//!
//! Small keys come first and the snapshots last, so that the head of a large file, read by a ranged GET, shows what the
//! table is.

use super::log::{write_metadata_log_entry, write_snapshot_log};
use super::statistics::{write_partition_statistics, write_statistics, write_strings};
use super::{FormatVersion, TableMetadata, wire_v1, wire_v2, wire_v3};
use crate::json::JsonWriter;
use crate::partition::json::write_spec;
use crate::schema::json::write_schema;
use crate::snapshot_ref::write_ref;
use crate::sort_order::json::write_order;

/// About the size of everything but snapshots and their log, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// About the size of an entry of the snapshot log, in bytes.
const LOG_ENTRY_BYTES: usize = 72;

impl TableMetadata {
    /// The document in the table's format version, compact.
    ///
    /// Every key is written that other readers insist on. Snapshots and unknown keys that were read are written as they
    /// were.
    ///
    /// # Spec
    /// "Appendix C: JSON serialization".
    pub fn to_json(&self) -> String {
        let log_bytes = self.snapshot_log.len().saturating_mul(LOG_ENTRY_BYTES);
        let bytes = HEAD_BYTES.saturating_add(self.snapshots.text_bytes()).saturating_add(log_bytes);
        let mut writer = JsonWriter::with_capacity(bytes);
        writer.object(|writer| {
            self.write_head(writer);
            self.write_definitions(writer);
            self.write_history(writer);
        });
        writer.finish()
    }

    fn write_head(&self, writer: &mut JsonWriter) {
        writer.key("format-version").number(self.format_version.number());
        if let Some(uuid) = self.table_uuid {
            writer.key("table-uuid").string(&uuid.to_string());
        }
        writer.key("location").string(&self.location);
        match self.format_version {
            FormatVersion::V1 => {}
            FormatVersion::V2 => wire_v2::write_counters(self, writer),
            FormatVersion::V3 => wire_v3::write_counters(self, writer),
        }
        writer.key("last-updated-ms").number(self.last_updated_ms);
        writer.key("last-column-id").number(self.last_column_id);
        writer.key("last-partition-id").number(self.last_partition_id);
        match (self.current_snapshot_id, self.format_version) {
            (Some(id), _) => writer.key("current-snapshot-id").number(id),
            (None, FormatVersion::V1 | FormatVersion::V2) => writer.key("current-snapshot-id").number(-1),
            (None, FormatVersion::V3) => {}
        }
        writer.key("current-schema-id").number(self.current_schema_id);
        writer.key("default-spec-id").number(self.default_spec_id);
        writer.key("default-sort-order-id").number(self.default_sort_order_id);
        // Our own first: they are read from the head of the file alone.
        let own = |(key, _): &(&String, &String)| key.starts_with("datashard.");
        let (ours, others): (Vec<_>, Vec<_>) = self.properties.iter().partition(own);
        write_strings(ours.into_iter().chain(others), writer.key("properties"));
    }

    fn write_definitions(&self, writer: &mut JsonWriter) {
        writer.key("refs").object(|writer| {
            for (name, reference) in &self.refs {
                write_ref(reference, writer.key(name));
            }
        });
        if self.format_version == FormatVersion::V1 {
            wire_v1::write_legacy(self, writer);
        }
        writer.key("schemas").array(&self.schemas, |writer, schema| write_schema(schema, writer));
        writer.key("partition-specs").array(&self.partition_specs, |writer, spec| write_spec(spec, writer));
        writer.key("sort-orders").array(&self.sort_orders, |writer, order| write_order(order, writer));
        if self.format_version == FormatVersion::V3 {
            wire_v3::write_encryption_keys(self, writer);
        }
        writer.unknown(&self.unknown_keys);
    }

    fn write_history(&self, writer: &mut JsonWriter) {
        writer.key("statistics").array(&self.statistics, |writer, file| write_statistics(file, writer));
        writer
            .key("partition-statistics")
            .array(&self.partition_statistics, |writer, file| write_partition_statistics(file, writer));
        writer
            .key("metadata-log")
            .array(&self.metadata_log, |writer, entry| write_metadata_log_entry(entry, writer));
        write_snapshot_log(&self.snapshot_log, writer.key("snapshot-log"));
        self.snapshots.write(self.format_version, writer.key("snapshots"));
    }
}
