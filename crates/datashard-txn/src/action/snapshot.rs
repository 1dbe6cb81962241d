//! [`NewSnapshot`]: from manifests to a manifest list and a snapshot, and to the changes of the metadata that make it the current one.

use bytes::Bytes;
use datashard_io::head::metadata_path;
use datashard_spec::avro::{ListSnapshot, ManifestListReader, ManifestListWriter};
use datashard_spec::id::SequenceNumber;
use datashard_spec::manifest::{ManifestFile, assign_first_row_ids};
use datashard_spec::metadata::{FormatVersion, TableUpdate};
use datashard_spec::snapshot::{Operation, Snapshot, Summary, summary_key};
use datashard_spec::snapshot_ref::{MAIN_BRANCH, SnapshotRef};

use super::manifests::{list_options, of_spec_error, table_path};
use super::retention;
use crate::base::Base;
use crate::epoch;
use crate::inputs::Inputs;
use crate::lookup::SUMMARY_APP_KEY;
use crate::produced::{Content, NewManifest, Produced};
use crate::refusal::Refusal;

/// A snapshot in the making.
pub(crate) struct NewSnapshot<'a> {
    /// The name of the operation, for messages.
    pub(crate) name: &'static str,
    /// What it is to readers.
    pub(crate) operation: Operation,
    /// What it adds and removes, and the caller's notes; totals and counts of manifests follow.
    pub(crate) summary: Summary,
    /// Manifests that it adds, in the order of the list.
    pub(crate) created: Vec<NewManifest>,
    /// Manifests of the parent that it keeps.
    pub(crate) kept: Vec<ManifestFile>,
    /// How many manifests of the parent those that it adds take the place of.
    pub(crate) replaced: usize,
    pub(crate) target: Target<'a>,
    pub(crate) base: &'a Base,
    pub(crate) inputs: &'a Inputs<'a>,
}

/// Where a snapshot goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// It becomes the head of this branch, which begins where `main` is if it is not there.
    Head(&'a str),
    /// It is part of the table and of no branch, on top of this one: somebody else decides whether it is published.
    Staged(&'a str),
}

impl<'a> Target<'a> {
    /// The branch that it is made for.
    pub(crate) fn branch(self) -> &'a str {
        match self {
            Self::Head(branch) | Self::Staged(branch) => branch,
        }
    }
}

impl NewSnapshot<'_> {
    pub(crate) fn produce(self) -> Result<Produced, Refusal> {
        let Self { name, base, inputs, .. } = self;
        let metadata = &base.metadata;
        let version = metadata.format_version();
        let damaged = |e: datashard_spec::SpecError| Refusal::Corrupt {
            path: metadata_path(base.version).map_or_else(|e| e.to_string(), |path| path.to_string()),
            reason: e.to_string(),
        };
        let branch = self.target.branch();
        let parent = match metadata.refs().contains_key(branch) {
            true => Some(metadata.snapshot_of_ref(branch).map_err(damaged)?),
            false => metadata.current_snapshot().map_err(damaged)?,
        };

        let last = metadata.last_sequence_number();
        let sequence_number = match version {
            FormatVersion::V1 => SequenceNumber(0),
            _ => SequenceNumber(last.0.checked_add(1).ok_or_else(|| Refusal::Rejected {
                operation: name,
                reason: "no sequence number is left".to_owned(),
            })?),
        };
        let mut rows: Vec<ManifestFile> = self.created.iter().map(|new| new.row.clone()).collect();
        rows.extend(self.kept.iter().cloned());
        let mut listed = ListSnapshot::new(inputs.snapshot_id, sequence_number);
        if let Some(parent) = parent {
            listed = listed.with_parent(parent.id);
        }
        let first_row_id = metadata.next_row_id();
        let mut row_ids = None;
        if version >= FormatVersion::V3 {
            let next = assign_first_row_ids(&mut rows, first_row_id)
                .map_err(|e| Refusal::Rejected { operation: name, reason: e.to_string() })?;
            row_ids = Some((first_row_id, next.saturating_sub(first_row_id)));
            listed = listed.with_first_row_id(first_row_id);
        }
        let fail = |e: datashard_spec::SpecError| of_spec_error(&e, name);
        let mut writer =
            ManifestListWriter::new(version, listed, &list_options(base, name)?).map_err(fail)?;
        for row in &rows {
            writer.write(row).map_err(fail)?;
        }
        let bytes = Bytes::from(writer.finish().map_err(fail)?);
        // As any reader will see them: the next operation is built on them unread.
        let rows = ManifestListReader::new(&bytes)
            .and_then(|reader| {
                reader.map(|row| Ok(row?)).collect::<Result<Vec<_>, datashard_spec::SpecError>>()
            })
            .map_err(fail)?;

        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let mut summary = self
            .summary
            .with("operation", &self.operation)
            .with(summary_key::MANIFESTS_CREATED, count(self.created.len()))
            .with(summary_key::MANIFESTS_KEPT, count(self.kept.len()))
            .with(summary_key::MANIFESTS_REPLACED, count(self.replaced))
            .with_totals_after(parent.map(|parent| &parent.summary));
        if let Some(key) = inputs.key {
            summary.set(SUMMARY_APP_KEY, key);
        }
        let parent_ms = parent.map_or(i64::MIN, |parent| parent.timestamp_ms);
        let timestamp_ms = inputs.now_ms.max(metadata.last_updated_ms()).max(parent_ms);
        let path =
            epoch::manifest_list_path(inputs.snapshot_id, inputs.attempt, inputs.epoch, inputs.operation_id);
        let path = table_path(&path, name)?;
        let mut snapshot = Snapshot::new(inputs.snapshot_id, timestamp_ms, inputs.location.file(&path))
            .with_parent(parent.map(|parent| parent.id))
            .with_sequence_number(sequence_number)
            .with_schema_id(metadata.current_schema_id())
            .with_summary(summary);
        if let Some((first, added)) = row_ids {
            snapshot = snapshot.with_row_ids(first, added);
        }
        let mut updates = vec![TableUpdate::AddSnapshot { snapshot }];
        if let Target::Head(branch) = self.target {
            let reference = match metadata.refs().get(branch) {
                Some(head) => head.clone().moved_to(inputs.snapshot_id),
                None => SnapshotRef::branch(inputs.snapshot_id),
            };
            updates.push(TableUpdate::SetSnapshotRef { name: branch.to_owned(), reference });
        }
        if matches!(self.target, Target::Head(MAIN_BRANCH)) {
            let snapshot_ids = retention::beyond_count(metadata, timestamp_ms).map_err(damaged)?;
            if !snapshot_ids.is_empty() {
                updates.push(TableUpdate::RemoveSnapshots { snapshot_ids });
            }
        }
        Ok(Produced {
            manifests: self.created,
            manifest_lists: vec![(path, bytes)],
            rows,
            snapshot_id: Some(inputs.snapshot_id),
            ..Produced::new(Content::Updates(updates))
        })
    }
}
