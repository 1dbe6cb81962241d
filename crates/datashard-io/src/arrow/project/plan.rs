//! How a column of the read schema is made of a batch of the file.
//!
//! Buffers are shared wherever values do not change: a struct, list or map is put together anew around the same children, offsets and nulls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray, new_null_array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datashard_spec::schema::Type;
use datashard_spec::value::Value;

use crate::arrow::cast::read_as_within;
use crate::arrow::value::repeat;
use crate::data_error::DataError;

/// One column, or one field of a struct.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) field: FieldRef,
    /// Full name, for messages.
    pub(super) column: String,
    pub(super) source: Source,
}

/// Where its values come from.
#[derive(Debug)]
pub(super) enum Source {
    /// From this column of the batch, or field of the struct.
    File { index: usize, convert: Convert },
    /// The same in every row.
    Constant { value: Value, value_type: Type },
    /// Null in every row.
    Null,
    /// A struct that is in every row, though not in the file.
    Members(Vec<Plan>),
}

/// What is done to values of the file.
#[derive(Debug)]
pub(super) enum Convert {
    /// Nothing: types are equal.
    Same,
    /// They are of no use.
    Null,
    /// A cast that loses nothing; of primitives and variants.
    Cast(Type),
    /// A struct.
    Struct(Vec<Plan>),
    /// A list.
    List(Box<Part>),
    /// A map, or a list of pairs where the format has no maps: key and value, each with its position.
    Map(Box<[(usize, Part); 2]>),
}

/// Elements, keys or values.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) field: FieldRef,
    pub(super) column: String,
    pub(super) convert: Convert,
}

impl Plan {
    /// The column, from the columns of a batch or the children of a struct. Where `around` is null, so is a struct around it: what lies
    /// there has no meaning, and whatever it is does no harm.
    pub(super) fn apply(
        &self,
        file: &str,
        columns: &[ArrayRef],
        rows: usize,
        around: Option<&NullBuffer>,
    ) -> Result<ArrayRef, DataError> {
        let to = self.field.data_type();
        let array = match &self.source {
            Source::File { index, convert } => {
                let Some(array) = columns.get(*index).filter(|array| array.len() == rows) else {
                    return Err(DataError::internal(format!(
                        "a batch of `{file}` lacks column {index} (`{}`)",
                        self.column
                    )));
                };
                convert.apply(file, &self.column, array, to, around)?
            }
            Source::Constant { value, value_type } => repeat(Some(value), value_type, rows)?,
            Source::Null => new_null_array(to, rows),
            Source::Members(members) => {
                structure(file, &self.column, members, &[], to, around.cloned(), rows)?
            }
        };
        required(file, &self.column, &self.field, &array, around)?;
        Ok(array)
    }
}

impl Convert {
    fn apply(
        &self,
        file: &str,
        column: &str,
        array: &ArrayRef,
        to: &DataType,
        around: Option<&NullBuffer>,
    ) -> Result<ArrayRef, DataError> {
        match self {
            Self::Same => Ok(Arc::clone(array)),
            Self::Null => Ok(new_null_array(to, array.len())),
            Self::Cast(value_type) => read_as_within(array, value_type, column, &format!("`{file}`"), around),
            Self::Struct(members) => {
                let Some(whole) = array.as_struct_opt() else { return Err(changed(file, column, array)) };
                let nulls = NullBuffer::union(whole.nulls(), around);
                structure(file, column, members, whole.columns(), to, nulls, whole.len())
            }
            Self::List(element) => {
                let (offsets, values, nulls) = list_parts(file, column, array)?;
                let made = element.apply(file, &values)?;
                ListArray::try_new(Arc::clone(&element.field), offsets, made, nulls)
                    .map(shared)
                    .map_err(|error| undecodable(file, column, error))
            }
            Self::Map(pair) => map(file, column, pair, array, to),
        }
    }
}

impl Part {
    fn apply(&self, file: &str, values: &ArrayRef) -> Result<ArrayRef, DataError> {
        let made = self.convert.apply(file, &self.column, values, self.field.data_type(), None)?;
        required(file, &self.column, &self.field, &made, None)?;
        Ok(made)
    }
}

fn structure(
    file: &str,
    column: &str,
    members: &[Plan],
    children: &[ArrayRef],
    to: &DataType,
    nulls: Option<NullBuffer>,
    rows: usize,
) -> Result<ArrayRef, DataError> {
    let made: Result<Vec<ArrayRef>, DataError> =
        members.iter().map(|member| member.apply(file, children, rows, nulls.as_ref())).collect();
    StructArray::try_new_with_length(struct_fields(to)?.clone(), made?, nulls, rows)
        .map(shared)
        .map_err(|error| undecodable(file, column, error))
}

fn map(
    file: &str,
    column: &str,
    pair: &[(usize, Part); 2],
    array: &ArrayRef,
    to: &DataType,
) -> Result<ArrayRef, DataError> {
    let DataType::Map(entries_field, sorted) = to else {
        return Err(DataError::internal(format!("a map was planned for `{column}`, which is {to}")));
    };
    let (offsets, entries, nulls) = list_parts(file, column, array)?;
    let Some(entries) = entries.as_struct_opt() else { return Err(changed(file, column, array)) };
    if entries.null_count() > 0 {
        let place = format!("column `{column}`");
        return Err(DataError::corrupt(file, place, "a map has entries that are null"));
    }
    let made: Result<Vec<ArrayRef>, DataError> = pair
        .iter()
        .map(|(index, part)| {
            part.apply(file, entries.columns().get(*index).ok_or_else(|| changed(file, column, array))?)
        })
        .collect();
    let fields = struct_fields(entries_field.data_type())?.clone();
    StructArray::try_new_with_length(fields, made?, None, entries.len())
        .and_then(|entries| MapArray::try_new(Arc::clone(entries_field), offsets, entries, nulls, *sorted))
        .map(shared)
        .map_err(|error| undecodable(file, column, error))
}

/// Offsets, values and nulls of a list or a map. Values outside of the offsets are cut off, so that nothing is done to them.
fn list_parts(file: &str, column: &str, array: &ArrayRef) -> Result<ListParts, DataError> {
    let (offsets, values, nulls) = match array.data_type() {
        DataType::Map(..) => {
            let Some(map) = array.as_map_opt() else { return Err(changed(file, column, array)) };
            (map.offsets().clone(), shared(map.entries().clone()), map.nulls().cloned())
        }
        DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => {
            let plain = cast(array, &DataType::List(Arc::clone(element)))
                .map_err(|error| undecodable(file, column, error))?;
            let list = plain.as_list_opt::<i32>().ok_or_else(|| changed(file, column, array))?;
            (list.offsets().clone(), Arc::clone(list.values()), list.nulls().cloned())
        }
        _ => {
            let list = array.as_list_opt::<i32>().ok_or_else(|| changed(file, column, array))?;
            (list.offsets().clone(), Arc::clone(list.values()), list.nulls().cloned())
        }
    };
    let bound = |at: Option<&i32>| at.and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
    let (first, end) = (bound(offsets.first()), bound(offsets.last()));
    if first == 0 && end == values.len() {
        return Ok((offsets, values, nulls));
    }
    let base = offsets.first().copied().unwrap_or(0);
    let moved: ScalarBuffer<i32> = offsets.iter().map(|at| at.saturating_sub(base)).collect();
    Ok((OffsetBuffer::new(moved), values.slice(first, end.saturating_sub(first)), nulls))
}

fn shared(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// Offsets into values, the values, and which lists are null.
type ListParts = (OffsetBuffer<i32>, ArrayRef, Option<NullBuffer>);

fn required(
    file: &str,
    column: &str,
    field: &Field,
    array: &ArrayRef,
    around: Option<&NullBuffer>,
) -> Result<(), DataError> {
    if field.is_nullable() {
        return Ok(());
    }
    let Some(nulls) = array.logical_nulls().filter(|nulls| nulls.null_count() > 0) else { return Ok(()) };
    if around.is_some_and(|around| around.contains(&nulls)) {
        return Ok(());
    }
    let count = match around {
        None => nulls.null_count(),
        Some(around) => nulls.iter().zip(around).filter(|(valid, around)| !valid && *around).count(),
    };
    Err(DataError::corrupt(
        file,
        format!("column `{column}`"),
        format!("{count} values of a batch are null, but the column `{}` is required", field.name()),
    ))
}

fn struct_fields(data_type: &DataType) -> Result<&Fields, DataError> {
    match data_type {
        DataType::Struct(fields) => Ok(fields),
        other => Err(DataError::internal(format!("a struct was planned where the column is {other}"))),
    }
}

/// A batch that is not as the decoder said.
fn changed(file: &str, column: &str, array: &ArrayRef) -> DataError {
    DataError::internal(format!("a batch of `{file}` has {} in column `{column}`", array.data_type()))
}

fn undecodable(file: &str, column: &str, error: arrow::error::ArrowError) -> DataError {
    DataError::undecodable(file, format!("column `{column}`"), error)
}
