//! The plan for reading the entries of one file: compiled once from the writer's schema by field id, then run for each
//! entry. What is wanted goes to a [`Sink`], all else is stepped over.

use super::partition::PartitionPlan;
use super::schema::{AvroSchema, Field, Kind, NodeId};
use super::skip::{MAX_STEPS, Skip};
use super::value;
use super::varint::Cursor;
use crate::avro_error::{AvroError, AvroFault};
use crate::id::FieldId;
use crate::manifest::{AvroValue, ExtraField, ExtraLocation, FieldSummary, field_id};
use crate::schema::StructType;

/// What a column of a manifest or list is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Number,
    Flag,
    Text,
    Bytes,
    Longs,
    Bounds,
    Numbers,
    Partition,
    Summaries,
    DataFile,
}

/// A column that this crate knows: id, name, older name, shape.
pub(super) type KnownColumn = (FieldId, &'static str, &'static str, Shape);

/// Columns of an entry.
pub(super) const ENTRY: &[KnownColumn] = &[
    (field_id::STATUS, "status", "", Shape::Number),
    (field_id::SNAPSHOT_ID, "snapshot_id", "", Shape::Number),
    (field_id::SEQUENCE_NUMBER, "sequence_number", "data_sequence_number", Shape::Number),
    (field_id::FILE_SEQUENCE_NUMBER, "file_sequence_number", "", Shape::Number),
    (field_id::DATA_FILE, "data_file", "", Shape::DataFile),
];

/// Columns of a data file.
pub(super) const DATA_FILE: &[KnownColumn] = &[
    (field_id::CONTENT, "content", "", Shape::Number),
    (field_id::FILE_PATH, "file_path", "", Shape::Text),
    (field_id::FILE_FORMAT, "file_format", "", Shape::Text),
    (field_id::PARTITION, "partition", "", Shape::Partition),
    (field_id::RECORD_COUNT, "record_count", "", Shape::Number),
    (field_id::FILE_SIZE_IN_BYTES, "file_size_in_bytes", "", Shape::Number),
    (field_id::COLUMN_SIZES, "column_sizes", "", Shape::Longs),
    (field_id::VALUE_COUNTS, "value_counts", "", Shape::Longs),
    (field_id::NULL_VALUE_COUNTS, "null_value_counts", "", Shape::Longs),
    (field_id::NAN_VALUE_COUNTS, "nan_value_counts", "", Shape::Longs),
    (field_id::LOWER_BOUNDS, "lower_bounds", "", Shape::Bounds),
    (field_id::UPPER_BOUNDS, "upper_bounds", "", Shape::Bounds),
    (field_id::KEY_METADATA, "key_metadata", "", Shape::Bytes),
    (field_id::SPLIT_OFFSETS, "split_offsets", "", Shape::Numbers),
    (field_id::EQUALITY_IDS, "equality_ids", "", Shape::Numbers),
    (field_id::SORT_ORDER_ID, "sort_order_id", "", Shape::Number),
    (field_id::FIRST_ROW_ID, "first_row_id", "", Shape::Number),
    (field_id::REFERENCED_DATA_FILE, "referenced_data_file", "", Shape::Text),
    (field_id::CONTENT_OFFSET, "content_offset", "", Shape::Number),
    (field_id::CONTENT_SIZE_IN_BYTES, "content_size_in_bytes", "", Shape::Number),
];

/// Columns of a manifest list.
pub(super) const LIST: &[KnownColumn] = &[
    (field_id::MANIFEST_PATH, "manifest_path", "", Shape::Text),
    (field_id::MANIFEST_LENGTH, "manifest_length", "", Shape::Number),
    (field_id::PARTITION_SPEC_ID, "partition_spec_id", "", Shape::Number),
    (field_id::MANIFEST_CONTENT, "content", "", Shape::Number),
    (field_id::MANIFEST_SEQUENCE_NUMBER, "sequence_number", "", Shape::Number),
    (field_id::MIN_SEQUENCE_NUMBER, "min_sequence_number", "", Shape::Number),
    (field_id::ADDED_SNAPSHOT_ID, "added_snapshot_id", "", Shape::Number),
    (field_id::ADDED_FILES_COUNT, "added_files_count", "added_data_files_count", Shape::Number),
    (field_id::EXISTING_FILES_COUNT, "existing_files_count", "existing_data_files_count", Shape::Number),
    (field_id::DELETED_FILES_COUNT, "deleted_files_count", "deleted_data_files_count", Shape::Number),
    (field_id::ADDED_ROWS_COUNT, "added_rows_count", "", Shape::Number),
    (field_id::EXISTING_ROWS_COUNT, "existing_rows_count", "", Shape::Number),
    (field_id::DELETED_ROWS_COUNT, "deleted_rows_count", "", Shape::Number),
    (field_id::PARTITIONS, "partitions", "", Shape::Summaries),
    (field_id::MANIFEST_KEY_METADATA, "key_metadata", "", Shape::Bytes),
    (field_id::MANIFEST_FIRST_ROW_ID, "first_row_id", "", Shape::Number),
];

const SUMMARY: &[KnownColumn] = &[
    (field_id::CONTAINS_NULL, "contains_null", "", Shape::Flag),
    (field_id::CONTAINS_NAN, "contains_nan", "", Shape::Flag),
    (field_id::PARTITION_LOWER_BOUND, "lower_bound", "", Shape::Bytes),
    (field_id::PARTITION_UPPER_BOUND, "upper_bound", "", Shape::Bytes),
];

/// Columns of data files that the format has retired, or that say nothing. They are not kept.
const RETIRED: &[(i32, &str)] = &[
    (105, "block_size_in_bytes"),
    (106, "file_ordinal"),
    (107, "sort_columns"),
    (111, "distinct_counts"),
    (141, "spec_id"),
];

/// Takes what a plan reads. Null columns are not passed.
pub(super) trait Sink<'b> {
    fn number(&mut self, id: FieldId, value: i64) -> Result<(), AvroFault>;
    fn text(&mut self, id: FieldId, value: &'b str);
    fn bytes(&mut self, id: FieldId, value: &'b [u8]);
    fn longs(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault>;
    fn bounds(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault>;
    fn numbers(&mut self, id: FieldId, cursor: &mut Cursor<'b>) -> Result<(), AvroFault>;
    fn partition(&mut self, plan: &PartitionPlan, cursor: &mut Cursor<'b>) -> Result<(), AvroFault>;
    fn summaries(&mut self, summaries: Vec<FieldSummary>);
    fn extra(&mut self, field: &ExtraField, value: AvroValue);
}

/// How to read the entries of a file.
pub(super) struct Plan {
    schema: AvroSchema,
    steps: Vec<Step>,
    extras: Vec<(ExtraField, NodeId)>,
}

struct Step {
    id: Option<FieldId>,
    null: Null,
    /// Whether null is an error.
    required: bool,
    action: Action,
}

/// Whether a column is a union with null, and where null stands in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Null {
    Never,
    First,
    Second,
}

enum Action {
    Skip(Skip),
    Known(FieldId, Shape),
    Boolean(FieldId),
    Partition(PartitionPlan),
    Summaries(Vec<Step>),
    Extra(usize),
}

/// The other branch of a union with null.
pub(super) fn nullable(schema: &AvroSchema, node: NodeId) -> Result<(Null, NodeId), AvroError> {
    let Kind::Union(branches) = &schema.node(node)?.kind else { return Ok((Null::Never, node)) };
    let is_null = |node: NodeId| schema.node(node).is_ok_and(|node| matches!(node.kind, Kind::Null));
    Ok(match branches.as_slice() {
        [null, other] if is_null(*null) => (Null::First, *other),
        [other, null] if is_null(*null) => (Null::Second, *other),
        _ => (Null::Never, node),
    })
}

impl Null {
    /// Reads which branch there is. `true` if a value follows.
    #[inline]
    pub(super) fn has_value(self, cursor: &mut Cursor<'_>) -> Result<bool, AvroFault> {
        match self {
            Self::Never => Ok(true),
            Self::First | Self::Second => Ok(cursor.second_of_two()? == (self == Self::First)),
        }
    }
}

/// What a plan is compiled for.
pub(super) struct Want<'w> {
    pub(super) columns: &'static [KnownColumn],
    pub(super) partition_type: &'w StructType,
    /// Whether a column is wanted.
    pub(super) is_wanted: &'w dyn Fn(FieldId) -> bool,
    /// Whether fields that the format does not name are wanted.
    pub(super) extras: bool,
    /// Columns without which an entry makes no sense: they must be there, and not null.
    pub(super) required: &'w [FieldId],
}

impl Plan {
    pub(super) fn compile(schema: AvroSchema, want: &Want<'_>) -> Result<Self, AvroError> {
        let (mut extras, mut budget) = (Vec::new(), MAX_STEPS);
        let mut compiler = Compiler {
            schema: &schema,
            want,
            steps: Vec::new(),
            found: Vec::new(),
            extras: &mut extras,
            budget: &mut budget,
        };
        compiler.record(schema.root, want.columns, ExtraLocation::Entry)?;
        let Compiler { steps, found, .. } = compiler;
        if let Some(missing) = want.required.iter().find(|id| !found.contains(id)) {
            return Err(not_there(*missing));
        }
        Ok(Self { steps, extras, schema })
    }

    pub(super) fn extra_fields(&self) -> Vec<ExtraField> {
        self.extras.iter().map(|(field, _)| field.clone()).collect()
    }

    /// Reads one entry. An error names the field.
    #[inline]
    pub(super) fn read<'b, S: Sink<'b>>(
        &self,
        cursor: &mut Cursor<'b>,
        sink: &mut S,
    ) -> Result<(), (Option<FieldId>, AvroFault)> {
        for step in &self.steps {
            self.step(step, cursor, sink).map_err(|fault| (step.id, fault))?;
        }
        Ok(())
    }

    #[inline]
    fn step<'b, S: Sink<'b>>(
        &self,
        step: &Step,
        cursor: &mut Cursor<'b>,
        sink: &mut S,
    ) -> Result<(), AvroFault> {
        if !step.null.has_value(cursor)? {
            return if step.required { Err(AvroFault::Missing) } else { Ok(()) };
        }
        match &step.action {
            Action::Skip(skip) => skip.run(cursor),
            Action::Known(id, shape) => match shape {
                Shape::Number => sink.number(*id, cursor.long()?),
                Shape::Text => {
                    sink.text(*id, cursor.text()?);
                    Ok(())
                }
                Shape::Bytes => {
                    sink.bytes(*id, cursor.bytes()?);
                    Ok(())
                }
                Shape::Longs => sink.longs(*id, cursor),
                Shape::Bounds => sink.bounds(*id, cursor),
                Shape::Numbers => sink.numbers(*id, cursor),
                // Compiled to actions of their own.
                Shape::Flag | Shape::Partition | Shape::Summaries | Shape::DataFile => Ok(()),
            },
            Action::Boolean(id) => sink.number(*id, i64::from(cursor.boolean()?)),
            Action::Partition(plan) => sink.partition(plan, cursor),
            Action::Summaries(steps) => {
                sink.summaries(self.summaries(steps, cursor)?);
                Ok(())
            }
            Action::Extra(at) => {
                if let Some((field, node)) = self.extras.get(*at) {
                    sink.extra(field, value::read(&self.schema, *node, cursor)?);
                }
                Ok(())
            }
        }
    }

    fn summaries(&self, steps: &[Step], cursor: &mut Cursor<'_>) -> Result<Vec<FieldSummary>, AvroFault> {
        let mut summaries = Vec::new();
        loop {
            let (count, end) = cursor.run()?;
            if count == 0 {
                return Ok(summaries);
            }
            for _ in 0..count {
                let mut summary = FieldSummary::default();
                for step in steps {
                    if !step.null.has_value(cursor)? {
                        if step.required {
                            return Err(AvroFault::Missing);
                        }
                        continue;
                    }
                    match &step.action {
                        Action::Skip(skip) => skip.run(cursor)?,
                        Action::Boolean(field_id::CONTAINS_NULL) => {
                            summary.contains_null = cursor.boolean()?
                        }
                        Action::Boolean(_) => summary.contains_nan = Some(cursor.boolean()?),
                        Action::Known(field_id::PARTITION_LOWER_BOUND, _) => {
                            summary.lower_bound = Some(cursor.bytes()?.to_vec());
                        }
                        Action::Known(..) => summary.upper_bound = Some(cursor.bytes()?.to_vec()),
                        Action::Extra(at) => {
                            if let Some((field, node)) = self.extras.get(*at) {
                                summary.extras.set(field, value::read(&self.schema, *node, cursor)?);
                            }
                        }
                        // Not compiled for a summary.
                        Action::Partition(_) | Action::Summaries(_) => {}
                    }
                }
                summaries.push(summary);
            }
            cursor.end_run(end)?;
        }
    }
}

struct Compiler<'c> {
    schema: &'c AvroSchema,
    want: &'c Want<'c>,
    steps: Vec<Step>,
    /// Columns that are there.
    found: Vec<FieldId>,
    extras: &'c mut Vec<(ExtraField, NodeId)>,
    /// Steps that types may still compile to.
    budget: &'c mut usize,
}

impl Compiler<'_> {
    fn record(
        &mut self,
        node: NodeId,
        columns: &[KnownColumn],
        location: ExtraLocation,
    ) -> Result<(), AvroError> {
        let schema = self.schema;
        for field in schema.record(node)? {
            let known = known(field, columns);
            if let Some((id, ..)) = known {
                self.find(*id)?;
            }
            match known {
                Some((_, _, _, Shape::DataFile)) if location == ExtraLocation::Entry => {
                    self.record(field.node, DATA_FILE, ExtraLocation::DataFile)?;
                }
                Some((id, _, _, shape)) if (self.want.is_wanted)(*id) => self.column(field, *id, *shape)?,
                Some((id, ..)) => self.skip(Some(*id), field.node)?,
                None => self.unknown(field, location)?,
            }
        }
        Ok(())
    }

    /// Notes that a column is there. There must not be two of it: readers would differ on which counts.
    fn find(&mut self, id: FieldId) -> Result<(), AvroError> {
        if self.found.contains(&id) {
            let at = format!("field {id}");
            return Err(AvroError::Schema { at, reason: "it is there twice".to_owned() });
        }
        self.found.push(id);
        Ok(())
    }

    fn unknown(&mut self, field: &Field, location: ExtraLocation) -> Result<(), AvroError> {
        let retired = match field.id {
            Some(id) => RETIRED.iter().any(|(retired, _)| *retired == id.0),
            None => RETIRED.iter().any(|(_, name)| *name == field.name),
        };
        // Compiled in any case: it refuses types that hold themselves.
        let skip = Skip::compile(self.schema, field.node, self.budget)?;
        let action = if retired || !self.want.extras {
            Action::Skip(skip)
        } else {
            let extra = ExtraField {
                location,
                id: field.id,
                name: field.name.clone(),
                avro_json: field.json.clone(),
            };
            self.extras.push((extra, field.node));
            Action::Extra(self.extras.len().saturating_sub(1))
        };
        self.steps.push(Step { id: field.id, null: Null::Never, required: false, action });
        Ok(())
    }

    fn skip(&mut self, id: Option<FieldId>, node: NodeId) -> Result<(), AvroError> {
        let (null, node) = nullable(self.schema, node)?;
        let action = Action::Skip(Skip::compile(self.schema, node, self.budget)?);
        self.steps.push(Step { id, null, required: false, action });
        Ok(())
    }

    fn column(&mut self, field: &Field, id: FieldId, shape: Shape) -> Result<(), AvroError> {
        let (null, node) = nullable(self.schema, field.node)?;
        let refuse = |found: &Kind| {
            let reason = format!("expected {shape:?}, found {}", found.word());
            AvroError::Schema { at: format!("field {id} ({:?})", crate::error::excerpt(&field.name)), reason }
        };
        let kind = &self.schema.node(node)?.kind;
        let is_number = |kind: &Kind| matches!(kind, Kind::Int | Kind::Long);
        let item = |node: NodeId| self.schema.node(node).map(|node| &node.kind);
        let action = match (shape, kind) {
            (Shape::Flag, Kind::Boolean) => Action::Boolean(id),
            (Shape::Number, kind) if is_number(kind) => Action::Known(id, shape),
            (Shape::Text | Shape::Bytes, Kind::String | Kind::Bytes) => Action::Known(id, shape),
            (Shape::Numbers, Kind::Array(items)) if is_number(item(*items)?) => Action::Known(id, shape),
            (Shape::Longs | Shape::Bounds, Kind::Array(items)) => {
                let pair = match item(*items)? {
                    Kind::Record(fields) => fields.as_slice(),
                    other => return Err(refuse(other)),
                };
                let [key, value] = pair else { return Err(refuse(kind)) };
                // Told apart by place: the ids differ from map to map, and not every writer has them.
                if key.name == "value" || value.name == "key" {
                    return Err(refuse(kind));
                }
                let value = item(value.node)?;
                let value_fits = match shape {
                    Shape::Longs => is_number(value),
                    _ => matches!(value, Kind::Bytes | Kind::String),
                };
                if !is_number(item(key.node)?) || !value_fits {
                    return Err(refuse(value));
                }
                Action::Known(id, shape)
            }
            (Shape::Partition, Kind::Record(_)) => {
                let expected = self.want.partition_type;
                Action::Partition(PartitionPlan::compile(self.schema, node, expected, self.budget)?)
            }
            (Shape::Summaries, Kind::Array(items)) => {
                let mut inner = Compiler {
                    schema: self.schema,
                    want: self.want,
                    steps: Vec::new(),
                    found: Vec::new(),
                    extras: &mut *self.extras,
                    budget: &mut *self.budget,
                };
                inner.record(*items, SUMMARY, ExtraLocation::FieldSummary)?;
                if !inner.found.contains(&field_id::CONTAINS_NULL) {
                    return Err(not_there(field_id::CONTAINS_NULL));
                }
                Action::Summaries(inner.steps)
            }
            (_, other) => return Err(refuse(other)),
        };
        // Without contains_null, a filter on nulls would prune what it must not.
        let required = self.want.required.contains(&id) || id == field_id::CONTAINS_NULL;
        self.steps.push(Step { id: Some(id), null, required, action });
        Ok(())
    }
}

fn not_there(id: FieldId) -> AvroError {
    AvroError::Schema { at: format!("field {id}"), reason: "it is required, but not there".to_owned() }
}

/// The column that a field is: by id, or by name where it has none.
fn known<'k>(field: &Field, columns: &'k [KnownColumn]) -> Option<&'k KnownColumn> {
    columns.iter().find(|(id, name, older, _)| match field.id {
        Some(found) => found == *id,
        None => field.name == *name || (field.name == *older && !older.is_empty()),
    })
}
