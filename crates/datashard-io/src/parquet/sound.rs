//! Whether the Parquet crate can be trusted with a batch.
//!
//! Its writer takes the nulls of a required column for values, and cuts decimals with too many digits: both would come back as other
//! values than were handed in, without a word. Here both are errors.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::{BooleanBuffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Decimal128Type, Field, SchemaRef};

use crate::data_error::DataError;

const PLACE: &str = "record batch";

/// Checks that a batch has exactly the columns of `schema`, by type and nullability at every level, and only values that they can hold.
///
/// # Errors
/// `InvalidInput`, naming column and row.
pub(super) fn check_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<(), DataError> {
    let found = batch.schema_ref();
    if found.fields().len() != schema.fields().len() {
        return Err(DataError::WrongColumns {
            place: PLACE.to_owned(),
            reason: format!(
                "it has {} columns, and the schema has {}",
                found.fields().len(),
                schema.fields().len()
            ),
        });
    }
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        if !field.data_type().equals_datatype(array.data_type()) {
            return Err(DataError::WrongType {
                place: PLACE.to_owned(),
                column: field.name().clone(),
                found: array.data_type().to_string(),
                wanted: field.data_type().to_string(),
                advice: String::new(),
            });
        }
        if let Some(Unsound { row, path, reason }) = unsound(field, array, None) {
            let row = u64::try_from(row).unwrap_or(u64::MAX);
            return Err(DataError::BadValue { place: PLACE.to_owned(), row, column: path, reason });
        }
    }
    Ok(())
}

/// A value that cannot be stored.
struct Unsound {
    row: usize,
    path: String,
    reason: String,
}

/// The first value that a field cannot hold; rows in `hidden` count for nothing.
fn unsound(field: &Field, array: &ArrayRef, hidden: Option<&NullBuffer>) -> Option<Unsound> {
    let found = |row, reason| Unsound { row, path: field.name().clone(), reason };
    if !field.is_nullable()
        && array.null_count() > 0
        && let Some(row) = (0..array.len()).find(|row| array.is_null(*row) && is_visible(hidden, *row))
    {
        return Some(found(row, "it is null, and the column is required".to_owned()));
    }
    let inside = |mut unsound: Unsound, row| {
        unsound.path = format!("{}.{}", field.name(), unsound.path);
        unsound.row = row;
        unsound
    };
    match field.data_type() {
        DataType::Decimal128(precision, _) => {
            let row = row_beyond(array, *precision, hidden)?;
            Some(found(row, format!("it has more than {precision} digits")))
        }
        DataType::Struct(fields) => {
            let hidden = NullBuffer::union(hidden, array.nulls());
            let columns = array.as_struct_opt()?.columns();
            let mut parts = fields.iter().zip(columns);
            let bad = parts.find_map(|(field, column)| unsound(field, column, hidden.as_ref()))?;
            let row = bad.row;
            Some(inside(bad, row))
        }
        DataType::List(element) => {
            let list = array.as_list_opt::<i32>()?;
            let nulls = NullBuffer::union(hidden, array.nulls());
            let mask = hidden_elements(list.offsets(), nulls.as_ref(), list.values().len());
            let bad = unsound(element, list.values(), mask.as_ref())?;
            let row = row_of(list.offsets(), bad.row);
            Some(inside(bad, row))
        }
        DataType::Map(entries, _) => {
            let map = array.as_map_opt()?;
            let nulls = NullBuffer::union(hidden, array.nulls());
            let mask = hidden_elements(map.offsets(), nulls.as_ref(), map.entries().len());
            let DataType::Struct(fields) = entries.data_type() else { return None };
            let mut parts = fields.iter().zip(map.entries().columns());
            let bad = parts.find_map(|(field, column)| unsound(field, column, mask.as_ref()))?;
            let row = row_of(map.offsets(), bad.row);
            Some(inside(bad, row))
        }
        _ => None,
    }
}

fn is_visible(hidden: Option<&NullBuffer>, row: usize) -> bool {
    hidden.is_none_or(|hidden| row < hidden.len() && hidden.is_valid(row))
}

/// The first row whose decimal has too many digits.
fn row_beyond(array: &ArrayRef, precision: u8, hidden: Option<&NullBuffer>) -> Option<usize> {
    let limit = 10_u128.checked_pow(u32::from(precision))?;
    let decimals = array.as_primitive_opt::<Decimal128Type>()?;
    let fits = |value: &i128| value.unsigned_abs() < limit;
    if decimals.values().iter().fold(true, |all, value| all & fits(value)) {
        return None;
    }
    // What lies below a null is not stored.
    let stored = |row| decimals.is_valid(row) && is_visible(hidden, row);
    let mut values = decimals.values().iter().enumerate();
    values.find(|(row, value)| !fits(value) && stored(*row)).map(|(row, _)| row)
}

/// Which elements belong to a list that is null or hidden, or to none; `None` if all belong to lists that are there.
fn hidden_elements(
    offsets: &OffsetBuffer<i32>,
    nulls: Option<&NullBuffer>,
    elements: usize,
) -> Option<NullBuffer> {
    let at = |offset: &i32| usize::try_from(*offset).unwrap_or(0);
    let whole = offsets.first().map(at) == Some(0) && offsets.last().map(at) == Some(elements);
    if whole && nulls.is_none_or(|nulls| nulls.null_count() == 0) {
        return None;
    }
    let mut visible = vec![false; elements];
    for (row, pair) in offsets.windows(2).enumerate() {
        let [start, end] = pair else { continue };
        if is_visible(nulls, row)
            && let Some(inside) = visible.get_mut(at(start)..at(end))
        {
            inside.fill(true);
        }
    }
    Some(NullBuffer::new(BooleanBuffer::from(visible)))
}

/// The list that an element belongs to.
fn row_of(offsets: &OffsetBuffer<i32>, element: usize) -> usize {
    let starts =
        offsets.iter().take_while(|start| usize::try_from(**start).is_ok_and(|start| start <= element));
    starts.count().saturating_sub(1)
}

#[cfg(test)]
#[expect(clippy::as_conversions, reason = "tests state what they expect")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Int32Array, ListArray, StructArray};
    use arrow::datatypes::{Fields, Schema};

    use super::*;

    fn error(field: Field, array: ArrayRef) -> Option<String> {
        // A batch refuses nulls in required columns by itself, but only at the top.
        let loose = Arc::new(Schema::new(vec![Field::new(field.name(), array.data_type().clone(), true)]));
        let batch = RecordBatch::try_new(loose, vec![array]).unwrap();
        check_batch(&batch, &Arc::new(Schema::new(vec![field]))).err().map(|error| error.to_string())
    }

    #[test]
    fn nulls_of_required_columns_are_refused_unless_something_above_is_null() {
        let nulls = Arc::new(Int32Array::from(vec![Some(1), None, None])) as ArrayRef;
        let text = error(Field::new("id", DataType::Int32, false), Arc::clone(&nulls)).unwrap();
        assert_eq!(text, "record batch, row 1: column `id`: it is null, and the column is required");
        assert_eq!(error(Field::new("id", DataType::Int32, true), Arc::clone(&nulls)), None);

        let inner = Fields::from(vec![Field::new("x", DataType::Int32, false)]);
        let visible = |rows: Vec<bool>| {
            let nulls_above = Some(NullBuffer::from(rows));
            // Unchecked by Arrow only where the struct is null.
            StructArray::try_new(inner.clone(), vec![Arc::clone(&nulls)], nulls_above)
        };
        let hidden = Arc::new(visible(vec![true, false, false]).unwrap()) as ArrayRef;
        assert_eq!(error(Field::new("s", DataType::Struct(inner.clone()), true), hidden), None);
        assert!(visible(vec![true, false, true]).is_err());
    }

    #[test]
    fn decimals_with_too_many_digits_are_refused_unless_they_lie_below_a_null() {
        let decimals = |nulls: Vec<bool>| {
            let values = vec![999_i128, -1000, 5];
            let array = Decimal128Array::new(values.into(), Some(NullBuffer::from(nulls)));
            Arc::new(array.with_precision_and_scale(3, 0).unwrap()) as ArrayRef
        };
        let field = Field::new("d", DataType::Decimal128(3, 0), true);
        let text = error(field.clone(), decimals(vec![true; 3])).unwrap();
        assert_eq!(text, "record batch, row 1: column `d`: it has more than 3 digits");
        assert_eq!(error(field.clone(), decimals(vec![true, false, true])), None);

        let element = Arc::new(field);
        let list = |nulls: Vec<bool>| {
            let offsets = OffsetBuffer::from_lengths([1, 2]);
            let array = ListArray::new(
                Arc::clone(&element),
                offsets,
                decimals(vec![true; 3]),
                Some(NullBuffer::from(nulls)),
            );
            Arc::new(array) as ArrayRef
        };
        let field = Field::new("l", DataType::List(Arc::clone(&element)), true);
        let text = error(field.clone(), list(vec![true, true])).unwrap();
        assert_eq!(text, "record batch, row 1: column `l.d`: it has more than 3 digits");
        assert_eq!(error(field, list(vec![true, false])), None);
    }

    #[test]
    fn columns_of_other_types_and_nullability_are_refused() {
        let ints = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let text = error(Field::new("id", DataType::Int64, true), Arc::clone(&ints)).unwrap();
        assert_eq!(text, "record batch: column `id` is Int32, which cannot be read as Int64");
        let loose = Fields::from(vec![Field::new("x", DataType::Int32, true)]);
        let strict = Fields::from(vec![Field::new("x", DataType::Int32, false)]);
        let array = Arc::new(StructArray::new(loose, vec![ints], None)) as ArrayRef;
        assert!(error(Field::new("s", DataType::Struct(strict), true), array).is_some());
    }
}
