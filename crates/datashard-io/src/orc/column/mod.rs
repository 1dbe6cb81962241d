//! Columns of a stripe as Arrow arrays, a batch of rows at a time.

mod build;
mod nested;
mod number;
mod text;
mod time;

pub(super) use build::Streams;
pub(super) use time::is_utc;

use std::cell::Cell;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float32Array, Float64Array, Int8Array, Int64Array, Time64MicrosecondArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Fields};

use self::number::DecimalReader;
use self::text::{DictionaryReader, DirectReader};
use self::time::TimestampReader;
use super::fault::{Fault, Place};
use super::rle::{BooleanReader, ByteReader, IntegerReader};
use super::stream::ByteStream;
use crate::data_error::DataError;

/// Structs are gone over in steps of so many values.
const SKIP_ROWS: usize = 1 << 16;

/// What is read of all columns at once.
#[derive(Debug)]
pub(super) struct Frame {
    /// Position of the first row in the file.
    first_row: u64,
    limit_bytes: u64,
    /// Bytes that values of this batch may still take.
    left_bytes: Cell<u64>,
}

impl Frame {
    pub(super) fn new(first_row: u64, limit_bytes: u64) -> Self {
        Self { first_row, limit_bytes, left_bytes: Cell::new(limit_bytes) }
    }

    /// Takes memory for values, before it is used.
    fn take(&self, bytes: u64) -> Result<(), Fault> {
        match self.left_bytes.get().checked_sub(bytes) {
            Some(left) => {
                self.left_bytes.set(left);
                Ok(())
            }
            None => {
                let taken = self.limit_bytes.saturating_sub(self.left_bytes.get());
                Err(Fault::TooLarge { bytes: taken.saturating_add(bytes), limit_bytes: self.limit_bytes })
            }
        }
    }
}

/// A column of a stripe, from its first row to its last.
#[derive(Debug)]
pub(super) struct ColumnReader {
    place: Place,
    data_type: DataType,
    nullable: bool,
    /// Whether spaces at the end of its texts are no part of them.
    padded: bool,
    /// Whether a list or map lies above it, so that its values are not rows.
    repeated: bool,
    present: Option<BooleanReader>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Boolean(BooleanReader),
    Byte(ByteReader),
    Short(IntegerReader),
    Int(IntegerReader),
    Date(IntegerReader),
    Long(IntegerReader),
    Time(IntegerReader),
    Float(ByteStream),
    Double(ByteStream),
    Direct(DirectReader),
    Dictionary(DictionaryReader),
    Decimal(DecimalReader),
    Timestamp(TimestampReader),
    Struct(Fields, Vec<ColumnReader>),
    List(IntegerReader, Box<ColumnReader>),
    Map(IntegerReader, Box<ColumnReader>, Box<ColumnReader>),
}

impl ColumnReader {
    /// The next `rows` values. Where `above`, the nulls of the struct around, has a null, nothing is stored.
    pub(super) fn read(
        &mut self,
        rows: usize,
        above: Option<&NullBuffer>,
        frame: &Frame,
    ) -> Result<ArrayRef, DataError> {
        let nulls = self.nulls(rows, above).map_err(|fault| self.place.error(fault, frame.first_row))?;
        if !self.nullable
            && nulls.as_ref().map_or(0, NullBuffer::null_count) > above.map_or(0, NullBuffer::null_count)
        {
            let fault = Fault::damaged("a null in a column that is required");
            return Err(self.place.error(fault, frame.first_row));
        }
        let valid = rows.saturating_sub(nulls.as_ref().map_or(0, NullBuffer::null_count));
        match &mut self.values {
            Values::Struct(fields, columns) => {
                return nested::read_struct(&self.place, fields, columns, rows, nulls, frame);
            }
            Values::List(lengths, element) => {
                return nested::read_list(
                    &self.place,
                    &self.data_type,
                    lengths,
                    element,
                    valid,
                    nulls,
                    frame,
                );
            }
            Values::Map(lengths, key, value) => {
                let parts = (lengths, key.as_mut(), value.as_mut());
                return nested::read_map(&self.place, &self.data_type, parts, valid, nulls, frame);
            }
            _ => {}
        }
        // Columns within a struct take their own memory.
        let width = if matches!(self.values, Values::Struct(..)) { 1 } else { self.width() };
        let bytes = width.saturating_mul(u64::try_from(rows).unwrap_or(u64::MAX));
        frame.take(bytes).map_err(|fault| self.place.error(fault, frame.first_row))?;
        if valid == 0 {
            return Ok(new_null_array(&self.data_type, rows));
        }
        self.leaf(valid, nulls.as_ref(), frame).map_err(|fault| {
            let fault = match fault {
                Fault::Value(_, reason) if self.repeated => Fault::Value(0, reason),
                Fault::Value(index, reason) => {
                    let row = nulls.as_ref().and_then(|nulls| nulls.valid_indices().nth(index));
                    Fault::Value(row.unwrap_or(index), reason)
                }
                other => other,
            };
            self.place.error(fault, frame.first_row)
        })
    }

    /// Goes over the next `rows` values.
    pub(super) fn skip(&mut self, rows: usize, above: Option<&NullBuffer>) -> Result<(), DataError> {
        if let Values::Struct(_, columns) = &mut self.values {
            if self.present.is_none() {
                return columns.iter_mut().try_for_each(|column| column.skip(rows, above));
            }
            let step = if above.is_some() { rows } else { SKIP_ROWS };
            let mut left = rows;
            while left > 0 {
                let rows = left.min(step);
                let nulls = self.nulls(rows, above).map_err(|fault| self.place.error(fault, 0))?;
                if let Values::Struct(_, columns) = &mut self.values {
                    columns.iter_mut().try_for_each(|column| column.skip(rows, nulls.as_ref()))?;
                }
                left = left.saturating_sub(rows);
            }
            return Ok(());
        }
        let values = rows.saturating_sub(above.map_or(0, NullBuffer::null_count));
        let valid = match &mut self.present {
            Some(present) => present.skip(values).map_err(|fault| self.place.error(fault, 0))?,
            None => values,
        };
        match &mut self.values {
            Values::List(lengths, element) => {
                let values =
                    nested::skip_lengths(lengths, valid).map_err(|fault| self.place.error(fault, 0))?;
                element.skip(values, None)
            }
            Values::Map(lengths, key, value) => {
                let values =
                    nested::skip_lengths(lengths, valid).map_err(|fault| self.place.error(fault, 0))?;
                key.skip(values, None)?;
                value.skip(values, None)
            }
            _ => self.skip_leaf(valid).map_err(|fault| self.place.error(fault, 0)),
        }
    }

    /// Which of the next rows are null; `None` if none is.
    fn nulls(&mut self, rows: usize, above: Option<&NullBuffer>) -> Result<Option<NullBuffer>, Fault> {
        let Some(present) = &mut self.present else { return Ok(above.cloned()) };
        let nulls = match above {
            None => NullBuffer::new(present.read(rows)?),
            Some(above) => {
                let stored = present.read(rows.saturating_sub(above.null_count()))?;
                let mut stored = stored.iter();
                above.iter().map(|there| there && stored.next().unwrap_or(false)).collect()
            }
        };
        Ok(Some(nulls).filter(|nulls| nulls.null_count() > 0))
    }

    fn leaf(&mut self, valid: usize, nulls: Option<&NullBuffer>, frame: &Frame) -> Result<ArrayRef, Fault> {
        let held = || nulls.cloned();
        Ok(match &mut self.values {
            Values::Boolean(reader) => {
                let bits = reader.read(valid)?;
                let bits = match nulls {
                    None => bits,
                    Some(nulls) => {
                        let mut bits = bits.iter();
                        nulls.iter().map(|there| there && bits.next().unwrap_or(false)).collect()
                    }
                };
                Arc::new(BooleanArray::new(bits, held()))
            }
            Values::Byte(reader) => {
                Arc::new(Int8Array::new(spread(reader.read(valid)?, nulls).into(), held()))
            }
            Values::Short(reader) => {
                number::narrow::<arrow::datatypes::Int16Type>(reader, valid, nulls, "a smallint")?
            }
            Values::Int(reader) => {
                number::narrow::<arrow::datatypes::Int32Type>(reader, valid, nulls, "an int")?
            }
            Values::Date(reader) => {
                number::narrow::<arrow::datatypes::Date32Type>(reader, valid, nulls, "a date")?
            }
            Values::Long(reader) => {
                Arc::new(Int64Array::new(spread(number::long(reader, valid)?, nulls).into(), held()))
            }
            Values::Time(reader) => {
                let values = spread(number::time(reader, valid)?, nulls);
                Arc::new(Time64MicrosecondArray::new(values.into(), held()))
            }
            Values::Float(stream) => {
                let values = number::floats(stream, valid)?;
                Arc::new(Float32Array::new(spread(values, nulls).into(), held()))
            }
            Values::Double(stream) => {
                let values = number::doubles(stream, valid)?;
                Arc::new(Float64Array::new(spread(values, nulls).into(), held()))
            }
            Values::Direct(reader) => {
                let array = reader.read(&self.data_type, valid, nulls, frame)?;
                if self.padded { text::trim(&array) } else { array }
            }
            Values::Dictionary(reader) => {
                let array = reader.read(valid, nulls, frame)?;
                if self.padded { text::trim(&array) } else { array }
            }
            Values::Decimal(reader) => reader.read(&self.data_type, valid, nulls)?,
            Values::Timestamp(reader) => {
                let values = spread(reader.read(valid)?, nulls);
                match &self.data_type {
                    DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, zone) => Arc::new(
                        TimestampNanosecondArray::new(values.into(), held()).with_timezone_opt(zone.clone()),
                    ),
                    DataType::Timestamp(_, zone) => Arc::new(
                        TimestampMicrosecondArray::new(values.into(), held()).with_timezone_opt(zone.clone()),
                    ),
                    other => return Err(Fault::Unsupported(format!("a timestamp as {other}"))),
                }
            }
            Values::Struct(..) | Values::List(..) | Values::Map(..) => {
                return Err(Fault::damaged("a nested column where one without parts was expected"));
            }
        })
    }

    fn skip_leaf(&mut self, valid: usize) -> Result<(), Fault> {
        let bytes = |width: u64| u64::try_from(valid).unwrap_or(u64::MAX).saturating_mul(width);
        match &mut self.values {
            Values::Boolean(reader) => reader.skip(valid).map(drop),
            Values::Byte(reader) => reader.skip(valid),
            Values::Short(reader)
            | Values::Int(reader)
            | Values::Date(reader)
            | Values::Long(reader)
            | Values::Time(reader) => reader.skip(valid),
            Values::Float(stream) => stream.skip(bytes(4)),
            Values::Double(stream) => stream.skip(bytes(8)),
            Values::Direct(reader) => reader.skip(valid),
            Values::Dictionary(reader) => reader.skip(valid),
            Values::Decimal(reader) => reader.skip(valid),
            Values::Timestamp(reader) => reader.skip(valid),
            Values::Struct(..) | Values::List(..) | Values::Map(..) => Ok(()),
        }
    }
}

/// Values with those of null rows filled in.
fn spread<T: Copy + Default>(values: Vec<T>, nulls: Option<&NullBuffer>) -> Vec<T> {
    match nulls {
        None => values,
        Some(nulls) => {
            let mut spread = vec![T::default(); nulls.len()];
            let mut rest = values.as_slice();
            for (start, end) in nulls.valid_slices() {
                let Some((values, after)) = rest.split_at_checked(end.saturating_sub(start)) else { break };
                if let Some(place) = spread.get_mut(start..end) {
                    place.copy_from_slice(values);
                }
                rest = after;
            }
            spread
        }
    }
}
