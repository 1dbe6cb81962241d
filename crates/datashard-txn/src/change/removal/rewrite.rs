//! Writing a manifest anew without some of its files, which are marked as deleted.

use bytes::Bytes;
use datashard_spec::avro::ManifestWriter;
use datashard_spec::id::DataSequenceNumber;
use datashard_spec::manifest::{ManifestContent, ManifestEntry, ManifestFile};
use datashard_spec::metadata::FormatVersion;

use super::finding::Filtered;
use crate::action::{finish_as, header_schema, list_options, of_spec_error};
use crate::change::checks::Place;
use crate::epoch;
use crate::merge::source::{Fault, Source};
use crate::refusal::Refusal;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Remove,
    /// It goes if the manifest is written anew for another.
    RemoveAlong,
    /// Some of its rows are to go and some may not.
    Partial,
    /// It would be the second deletion vector of its data file.
    Second,
}

/// Decides about each live file of a manifest, and writes the manifest anew if any goes.
///
/// # Errors
/// `Corrupt` if it is damaged; `Unsupported` if this build cannot read it.
pub(super) fn rewrite(
    place: Place<'_>,
    row: &ManifestFile,
    bytes: &Bytes,
    found: &mut Filtered,
    fate: impl Fn(&ManifestEntry) -> Fate,
) -> Result<(), Refusal> {
    let Place { operation, base, inputs, .. } = place;
    let source = Source::new(row, bytes, base, Fault::new(inputs, operation))?;
    let mut goes = false;
    source.each_live(|entry| {
        match fate(&entry) {
            Fate::Remove => goes = true,
            Fate::Partial => found.note_partial(entry.data_file),
            Fate::Second => found.note_second(entry.data_file),
            Fate::Keep | Fate::RemoveAlong => {}
        }
        Ok(())
    })?;
    // Where it ends in a conflict nothing is written.
    if !goes || !found.partial.is_empty() || !found.twice.is_empty() {
        return Ok(());
    }
    let table = &base.metadata;
    let written = source.schema();
    let schema = header_schema(table, source.spec(), written.as_ref().unwrap_or(table.current_schema()));
    let options = list_options(base, operation)?.with_extra_fields(source.extra_fields());
    let version = table.format_version();
    let fail = |e: datashard_spec::SpecError| of_spec_error(&e, operation);
    let mut writer =
        ManifestWriter::new(version, schema, source.spec(), row.content, inputs.snapshot_id, &options)
            .map_err(fail)?;
    let mut first_row_id = None;
    source.each_live(|entry| {
        let number = entry.data_sequence_number.unwrap_or(DataSequenceNumber(0));
        match fate(&entry) {
            Fate::Remove | Fate::RemoveAlong => {
                found.note_removed(&entry.data_file, row.partition_spec_id, number);
                writer.delete(entry).map_err(|e| source.fault(&e))
            }
            Fate::Keep | Fate::Partial | Fate::Second => {
                first_row_id = first_row_id.into_iter().chain(entry.data_file.first_row_id).min();
                writer.existing(entry).map_err(|e| source.fault(&e))
            }
        }
    })?;
    let name = epoch::rewritten_path(inputs.epoch, inputs.operation_id, &row.manifest_path, inputs.attempt);
    let mut manifest = finish_as(writer, inputs, &name, operation)?;
    // Row ids are in the entries; that of the manifest is for entries that have none.
    if row.content == ManifestContent::Data && version >= FormatVersion::V3 {
        manifest.row.first_row_id = row.first_row_id.and(first_row_id.or(row.first_row_id));
    }
    found.rewritten = Some(manifest.replacing([row], version));
    Ok(())
}
