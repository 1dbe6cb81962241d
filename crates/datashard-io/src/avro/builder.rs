//! Columns of a batch as they grow row by row out of Avro's bytes.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBufferBuilder, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, GenericByteArray, Int32Array, Int64Array, ListArray, MapArray, NullArray,
    NullBufferBuilder, StructArray, make_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{BinaryType, DataType, FieldRef, Fields, Utf8Type};
use arrow::error::ArrowError;
use datashard_spec::Uuid;
use datashard_spec::avro::{AvroFault, Cursor};

use super::budget::{Budget, RowFault};
use super::column::{Column, Kind, Null};
use super::decimal::number;
use super::skip::{is_present, run, skip, symbol};

/// A column of a batch, or one that is stepped over.
pub(super) struct Builder<'a> {
    column: &'a Column,
    /// The field without leaves that nobody asked for.
    field: FieldRef,
    nulls: NullBufferBuilder,
    values: Values<'a>,
}

/// A field of a record: built, or stepped over.
pub(super) enum Member<'a> {
    Built(Box<Builder<'a>>),
    Skipped(&'a Column),
}

enum Values<'a> {
    Null(usize),
    Boolean(BooleanBufferBuilder),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>, u8),
    Bytes(Vec<i32>, Vec<u8>),
    Fixed(Vec<u8>, usize),
    Record(Vec<Member<'a>>, usize),
    List(Vec<i32>, Box<Builder<'a>>),
    Map(Vec<i32>, Box<Builder<'a>>, Box<Builder<'a>>),
}

/// The members of a record, as far as they are wanted.
pub(super) fn members<'a>(columns: &'a [Column], is_wanted: &dyn Fn(usize) -> bool) -> Vec<Member<'a>> {
    let member = |column| match Builder::new(column, is_wanted) {
        Some(builder) => Member::Built(Box::new(builder)),
        None => Member::Skipped(column),
    };
    columns.iter().map(member).collect()
}

impl<'a> Builder<'a> {
    /// An empty column; `None` if none of its leaves is wanted.
    fn new(column: &'a Column, is_wanted: &dyn Fn(usize) -> bool) -> Option<Self> {
        let field = column.projected(is_wanted)?;
        let values = match &column.kind {
            Kind::Null => Values::Null(0),
            Kind::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Long => Values::Long(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
            Kind::DecimalBytes | Kind::DecimalFixed(_) => match column.data_type {
                DataType::Decimal128(precision, _) => Values::Decimal(Vec::new(), precision),
                _ => return None,
            },
            Kind::Bytes | Kind::String | Kind::Enum(_) => Values::Bytes(vec![0], Vec::new()),
            Kind::Fixed(size) => Values::Fixed(Vec::new(), *size),
            Kind::UuidText => Values::Fixed(Vec::new(), 16),
            Kind::Record(fields) => Values::Record(members(fields, is_wanted), 0),
            Kind::Array(element) => Values::List(vec![0], Box::new(Self::new(element, is_wanted)?)),
            Kind::Map(key, value) | Kind::Pairs(key, value) => {
                let is_all = |_| true;
                let key = Self::new(key, &is_all)?;
                let value = match Self::new(value, is_wanted) {
                    Some(value) => value,
                    None => Self::new(value, &is_all)?,
                };
                Values::Map(vec![0], Box::new(key), Box::new(value))
            }
        };
        Some(Self { column, field, nulls: NullBufferBuilder::new(0), values })
    }

    /// Bytes that each value takes, and nulls as well: its place, its part of a mask, its end in a list of ends.
    #[inline]
    fn width_bytes(&self) -> usize {
        match &self.values {
            Values::Null(_) | Values::Record(..) | Values::Boolean(_) => 1,
            Values::Int(_) | Values::Float(_) | Values::Bytes(..) | Values::List(..) | Values::Map(..) => 4,
            Values::Long(_) | Values::Double(_) => 8,
            Values::Decimal(..) => 16,
            Values::Fixed(_, size) => *size,
        }
    }

    /// Reads the next value.
    fn read(&mut self, cursor: &mut Cursor<'_>, budget: &mut Budget) -> Result<(), RowFault> {
        if !is_present(self.column.null, cursor)? {
            return self.null(budget);
        }
        budget.charge(self.width_bytes())?;
        if self.column.null != Null::Never {
            self.nulls.append_non_null();
        }
        match (&mut self.values, &self.column.kind) {
            (Values::Null(count), _) => *count = count.saturating_add(1),
            (Values::Boolean(values), _) => values.append(cursor.boolean()?),
            (Values::Int(values), _) => values.push(cursor.int()?),
            (Values::Long(values), _) => values.push(cursor.long()?),
            (Values::Float(values), _) => values.push(f32::from_le_bytes(cursor.array()?)),
            (Values::Double(values), _) => values.push(f64::from_le_bytes(cursor.array()?)),
            (Values::Decimal(values, precision), Kind::DecimalFixed(size)) => {
                values.push(number(cursor.take(*size)?, *precision)?);
            }
            (Values::Decimal(values, precision), _) => values.push(number(cursor.bytes()?, *precision)?),
            (Values::Bytes(offsets, data), kind) => {
                let bytes = match kind {
                    Kind::String => cursor.text()?.as_bytes(),
                    Kind::Enum(symbols) => symbol(symbols, cursor)?.as_bytes(),
                    _ => cursor.bytes()?,
                };
                budget.charge(bytes.len())?;
                data.extend_from_slice(bytes);
                offsets.push(offset(data.len())?);
            }
            (Values::Fixed(data, _), Kind::UuidText) => {
                let uuid = Uuid::try_parse(cursor.text()?).map_err(|_| AvroFault::NotUuid)?;
                data.extend_from_slice(uuid.as_bytes());
            }
            (Values::Fixed(data, size), _) => data.extend_from_slice(cursor.take(*size)?),
            (Values::Record(members, count), _) => {
                *count = count.saturating_add(1);
                read_members(members, cursor, budget)?;
            }
            (Values::List(offsets, element), _) => {
                let least = element.column.least_bytes();
                let mut end = offsets.last().copied().unwrap_or(0);
                loop {
                    let (count, left) = run(cursor, least)?;
                    if count == 0 {
                        break;
                    }
                    (0..count).try_for_each(|_| element.read(cursor, budget))?;
                    cursor.end_run(left)?;
                    end = advanced(end, count)?;
                }
                offsets.push(end);
            }
            (Values::Map(offsets, key, value), _) => {
                let least = key.column.least_bytes().saturating_add(value.column.least_bytes());
                let mut end = offsets.last().copied().unwrap_or(0);
                loop {
                    let (count, left) = run(cursor, least)?;
                    if count == 0 {
                        break;
                    }
                    for _ in 0..count {
                        key.read(cursor, budget)?;
                        value.read(cursor, budget)?;
                    }
                    cursor.end_run(left)?;
                    end = advanced(end, count)?;
                }
                offsets.push(end);
            }
        }
        Ok(())
    }

    /// Adds a null, and in its place whatever the column needs to keep its length.
    fn null(&mut self, budget: &mut Budget) -> Result<(), RowFault> {
        budget.charge(self.width_bytes())?;
        if self.column.null != Null::Never {
            self.nulls.append_null();
        }
        match &mut self.values {
            Values::Null(count) => *count = count.saturating_add(1),
            Values::Boolean(values) => values.append(false),
            Values::Int(values) => values.push(0),
            Values::Long(values) => values.push(0),
            Values::Float(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal(values, _) => values.push(0),
            Values::Bytes(offsets, _) | Values::List(offsets, _) | Values::Map(offsets, _, _) => {
                offsets.push(offsets.last().copied().unwrap_or(0));
            }
            Values::Fixed(data, size) => data.resize(data.len().saturating_add(*size), 0),
            Values::Record(members, count) => {
                *count = count.saturating_add(1);
                for member in members {
                    if let Member::Built(builder) = member {
                        builder.null(budget)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The column, after which the builder is empty.
    fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        let data_type = self.field.data_type().clone();
        Ok(match &mut self.values {
            Values::Null(count) => Arc::new(NullArray::new(std::mem::take(count))),
            Values::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int(values) => typed(Arc::new(Int32Array::try_new(take(values), nulls)?), data_type)?,
            Values::Long(values) => typed(Arc::new(Int64Array::try_new(take(values), nulls)?), data_type)?,
            Values::Float(values) => Arc::new(Float32Array::try_new(take(values), nulls)?),
            Values::Double(values) => Arc::new(Float64Array::try_new(take(values), nulls)?),
            Values::Decimal(values, _) => {
                typed(Arc::new(Decimal128Array::try_new(take(values), nulls)?), data_type)?
            }
            Values::Bytes(offsets, data) => {
                let (offsets, data) = (take_offsets(offsets), Buffer::from_vec(std::mem::take(data)));
                if data_type == DataType::Utf8 {
                    Arc::new(GenericByteArray::<Utf8Type>::try_new(offsets, data, nulls)?)
                } else {
                    Arc::new(GenericByteArray::<BinaryType>::try_new(offsets, data, nulls)?)
                }
            }
            Values::Fixed(data, size) => {
                let size = i32::try_from(*size).map_err(|_| too_large())?;
                let length = data.len();
                let rows = nulls.as_ref().map_or(0, NullBuffer::len);
                let buffer = Buffer::from_vec(std::mem::take(data));
                if size == 0 && length == 0 && rows > 0 {
                    Arc::new(FixedSizeBinaryArray::new_null(size, rows))
                } else {
                    Arc::new(FixedSizeBinaryArray::try_new(size, buffer, nulls)?)
                }
            }
            Values::Record(members, count) => {
                let count = std::mem::take(count);
                let (fields, columns) = finish_members(members)?;
                Arc::new(StructArray::try_new_with_length(fields, columns, nulls, count)?)
            }
            Values::List(offsets, element) => {
                let field = Arc::clone(&element.field);
                let offsets = take_offsets(offsets);
                Arc::new(ListArray::try_new(field, offsets, element.finish()?, nulls)?)
            }
            Values::Map(offsets, key, value) => {
                let DataType::Map(entries_field, _) = data_type else { return Err(too_large()) };
                let fields = Fields::from(vec![Arc::clone(&key.field), Arc::clone(&value.field)]);
                let entries = StructArray::try_new(fields, vec![key.finish()?, value.finish()?], None)?;
                Arc::new(MapArray::try_new(entries_field, take_offsets(offsets), entries, nulls, false)?)
            }
        })
    }
}

/// Reads one row.
pub(super) fn read_row(
    members: &mut [Member<'_>],
    cursor: &mut Cursor<'_>,
    budget: &mut Budget,
) -> Result<(), RowFault> {
    budget.begin_row();
    read_members(members, cursor, budget)
}

fn read_members(
    members: &mut [Member<'_>],
    cursor: &mut Cursor<'_>,
    budget: &mut Budget,
) -> Result<(), RowFault> {
    members.iter_mut().try_for_each(|member| match member {
        Member::Built(builder) => builder.read(cursor, budget),
        Member::Skipped(column) => Ok(skip(column, cursor)?),
    })
}

/// Fields and columns of the rows read so far, after which the members are empty.
pub(super) fn finish_members(members: &mut [Member<'_>]) -> Result<(Fields, Vec<ArrayRef>), ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for member in members {
        if let Member::Built(builder) = member {
            fields.push(Arc::clone(&builder.field));
            columns.push(builder.finish()?);
        }
    }
    Ok((fields.into(), columns))
}

fn take<T: arrow::datatypes::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    ScalarBuffer::from(std::mem::take(values))
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    // They ascend from 0: each is the one before and a length.
    OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])))
}

/// Numbers in a type of the same layout.
fn typed(array: ArrayRef, data_type: DataType) -> Result<ArrayRef, ArrowError> {
    if *array.data_type() == data_type {
        return Ok(array);
    }
    Ok(make_array(array.to_data().into_builder().data_type(data_type).build()?))
}

fn offset(length: usize) -> Result<i32, AvroFault> {
    i32::try_from(length).map_err(|_| AvroFault::Hollow)
}

fn advanced(end: i32, count: usize) -> Result<i32, AvroFault> {
    i32::try_from(count).ok().and_then(|count| end.checked_add(count)).ok_or(AvroFault::Hollow)
}

fn too_large() -> ArrowError {
    ArrowError::ComputeError("a column that does not fit into 32 bits".to_owned())
}
