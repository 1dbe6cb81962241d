//! Columns with parts: structs, lists and maps, down to the columns without.
//!
//! Values below a null struct, and elements of a null list, may be anything and count for nothing. The former are masked, the latter cut
//! out, so that no check and no cast looks at them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use datashard_spec::id::FieldId;
use datashard_spec::schema::{ListType, MapType, NestedField, StructType, Type};

use super::conform::{Matching, PLACE, filled, join, wrong};
use super::spans::Spans;
use super::{At, Origin, counts, primitive, unpack, variant};
use crate::arrow::to_schema::{element_to_arrow, entries_to_arrow, fields_to_arrow};
use crate::arrow::value::nulls;
use crate::data_error::DataError;

/// A column, member, element, key or value of the table.
pub(super) struct Part<'a> {
    id: FieldId,
    required: bool,
    value_type: &'a Type,
}

impl<'a> Part<'a> {
    pub(super) fn of(field: &'a NestedField) -> Self {
        Self { id: field.id, required: field.required, value_type: &field.field_type }
    }
}

/// The array in the Arrow type of the part, with no null where none may be. Rows that are null in `mask` count for nothing.
pub(super) fn conform_part(
    array: &ArrayRef,
    found: &Field,
    part: &Part<'_>,
    column: &str,
    mask: Option<&NullBuffer>,
    matching: Matching,
) -> Result<ArrayRef, DataError> {
    if !matching.has_id(found, part.id) {
        return Err(wrong(format!(
            "column `{column}` has another field id than the table's, which is {}",
            part.id
        )));
    }
    let at = At { column, place: PLACE, origin: Origin::HandedIn, mask };
    let made = match part.value_type {
        Type::Primitive(wanted) => primitive::convert(array, wanted, &at)?,
        Type::Variant => variant::convert(array, &at)?,
        nested if *array.data_type() == DataType::Null => nulls(nested, array.len())?,
        Type::Struct(fields) => of_struct(&unpack::unpack(array, &at)?, fields, &at, matching)?,
        Type::List(list) => of_list(&unpack::unpack(array, &at)?, list, &at, matching)?,
        Type::Map(map) => of_map(&unpack::unpack(array, &at)?, map, &at, matching)?,
        other => return Err(at.wrong_type(array.data_type(), other, "")),
    };
    if part.required
        && let Some(row) = first_null(&made, mask)
    {
        return Err(at.bad_value(row, "null in a required column"));
    }
    Ok(made)
}

/// The first row that counts and is null.
pub(super) fn first_null(array: &ArrayRef, mask: Option<&NullBuffer>) -> Option<usize> {
    let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0)?;
    (0..nulls.len()).find(|row| nulls.is_null(*row) && counts(mask, *row))
}

fn of_struct(
    array: &ArrayRef,
    wanted: &StructType,
    at: &At<'_>,
    matching: Matching,
) -> Result<ArrayRef, DataError> {
    let Some(found) = array.as_struct_opt() else {
        return Err(at.wrong_type(array.data_type(), &Type::Struct(wanted.clone()), "hand in a struct"));
    };
    let counting = NullBuffer::union(found.nulls(), at.mask);
    let sources = matching.sources(found.fields(), wanted, at.column)?;
    let mut members = Vec::with_capacity(sources.len());
    for (field, source) in wanted.fields.iter().zip(sources) {
        let member = source.and_then(|at| Some((found.columns().get(at)?, found.fields().get(at)?)));
        members.push(match member {
            None => filled(field, found.len())?,
            Some((member, found)) => {
                let column = join(at.column, &field.name);
                conform_part(member, found, &Part::of(field), &column, counting.as_ref(), matching)?
            }
        });
    }
    let fields = fields_to_arrow(wanted)?;
    if *found.fields() == fields && members.iter().zip(found.columns()).all(|(a, b)| Arc::ptr_eq(a, b)) {
        return Ok(ArrayRef::clone(array));
    }
    let made = StructArray::try_new_with_length(fields, members, counting, found.len());
    Ok(Arc::new(made.map_err(|error| at.internal(error))?))
}

fn of_list(
    array: &ArrayRef,
    wanted: &ListType,
    at: &At<'_>,
    matching: Matching,
) -> Result<ArrayRef, DataError> {
    let Some(spans) = Spans::of_list(array, at)? else {
        return Err(at.wrong_type(array.data_type(), &Type::List(wanted.clone()), "hand in a list"));
    };
    let (DataType::List(found)
    | DataType::LargeList(found)
    | DataType::FixedSizeList(found, _)
    | DataType::ListView(found)
    | DataType::LargeListView(found)) = array.data_type()
    else {
        return Err(at.internal("a list that is none"));
    };
    let part = Part { id: wanted.element_id, required: wanted.element_required, value_type: &wanted.element };
    let column = join(at.column, "element");
    let elements = conform_part(&spans.parts, found, &part, &column, None, matching);
    let elements = elements.map_err(|error| spans.to_outer_row(error))?;
    let field = element_to_arrow(wanted)?;
    if spans.is_untouched && *found == field && Arc::ptr_eq(&elements, &spans.parts) {
        return Ok(ArrayRef::clone(array));
    }
    let made = ListArray::try_new(field, spans.offsets, elements, spans.nulls);
    Ok(Arc::new(made.map_err(|error| at.internal(error))?))
}

fn of_map(
    array: &ArrayRef,
    wanted: &MapType,
    at: &At<'_>,
    matching: Matching,
) -> Result<ArrayRef, DataError> {
    let (Some(map), DataType::Map(found, is_sorted)) = (array.as_map_opt(), array.data_type()) else {
        return Err(at.wrong_type(array.data_type(), &Type::Map(wanted.clone()), "hand in a map"));
    };
    let spans = Spans::of_map(map, at)?;
    let pairs = spans.parts.as_struct_opt().map(|pairs| (pairs.fields().as_ref(), pairs.columns()));
    let Some(([found_key, found_value], [keys, values])) = pairs else {
        return Err(at.internal("a map whose entries are no pairs"));
    };
    let key = Part { id: wanted.key_id, required: true, value_type: &wanted.key };
    let value = Part { id: wanted.value_id, required: wanted.value_required, value_type: &wanted.value };
    let (key_name, value_name) = (join(at.column, "key"), join(at.column, "value"));
    let made_keys = conform_part(keys, found_key, &key, &key_name, None, matching);
    let made_keys = made_keys.map_err(|error| spans.to_outer_row(error))?;
    let made_values = conform_part(values, found_value, &value, &value_name, None, matching);
    let made_values = made_values.map_err(|error| spans.to_outer_row(error))?;
    let entries = entries_to_arrow(wanted)?;
    let is_same = Arc::ptr_eq(&made_keys, keys) && Arc::ptr_eq(&made_values, values);
    if spans.is_untouched && !is_sorted && *found == entries && is_same {
        return Ok(ArrayRef::clone(array));
    }
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(at.internal("entries that are no struct"));
    };
    let pairs = StructArray::try_new(fields.clone(), vec![made_keys, made_values], None);
    let pairs = pairs.map_err(|error| at.internal(error))?;
    let made = MapArray::try_new(entries, spans.offsets, pairs, spans.nulls, false);
    Ok(Arc::new(made.map_err(|error| at.internal(error))?))
}
