//! Text and bytes, each value by itself or as a number in a dictionary.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, FixedSizeBinaryArray, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use super::super::fault::Fault;
use super::super::rle::IntegerReader;
use super::super::stream::ByteStream;
use super::Frame;

/// Memory for text is reserved up to here; more only grows with what there is.
const RESERVED_BYTES: usize = 1 << 20;

/// Values by themselves: bytes in one stream, their lengths in another.
#[derive(Debug)]
pub(super) struct DirectReader {
    pub(super) bytes: ByteStream,
    pub(super) lengths: IntegerReader,
}

impl DirectReader {
    pub(super) fn read(
        &mut self,
        data_type: &DataType,
        count: usize,
        nulls: Option<&NullBuffer>,
        frame: &Frame,
    ) -> Result<ArrayRef, Fault> {
        let mut lengths = Vec::with_capacity(count);
        self.lengths.read(count, &mut lengths)?;
        if let DataType::FixedSizeBinary(length) = data_type {
            return self.fixed(*length, &lengths, nulls);
        }
        let total = total(&lengths)?;
        check_total(total, frame)?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let mut bytes = Vec::with_capacity(total.min(RESERVED_BYTES));
        self.bytes.read(total, &mut bytes)?;
        finish(data_type, offsets(lengths.into_iter(), nulls)?, bytes, nulls)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        let mut sum = 0_u64;
        self.lengths.each(count, |lengths| {
            for length in lengths {
                sum = sum.saturating_add(u64::try_from(*length).unwrap_or(u64::MAX));
            }
        })?;
        self.bytes.skip(sum)
    }

    fn fixed(&mut self, length: i32, lengths: &[i64], nulls: Option<&NullBuffer>) -> Result<ArrayRef, Fault> {
        if let Some(index) = lengths.iter().position(|found| *found != i64::from(length)) {
            let found = lengths.get(index).copied().unwrap_or(0);
            return Err(Fault::Value(index, format!("{found} bytes where each value has {length}")));
        }
        let width = usize::try_from(length).unwrap_or(0);
        let rows = nulls.map_or(lengths.len(), NullBuffer::len);
        let mut bytes = Vec::new();
        for row in 0..rows {
            if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                self.bytes.read(width, &mut bytes)?;
            } else {
                bytes.resize(bytes.len().saturating_add(width), 0);
            }
        }
        let array = FixedSizeBinaryArray::try_new(length, bytes.into(), nulls.cloned());
        Ok(Arc::new(array.map_err(|error| Fault::Damaged(error.to_string()))?))
    }
}

/// Text as numbers in a dictionary of the stripe.
#[derive(Debug)]
pub(super) struct DictionaryReader {
    pub(super) numbers: IntegerReader,
    dictionary: Source,
}

#[derive(Debug)]
enum Source {
    Unread(Box<Unread>),
    Read { bytes: Vec<u8>, ends: Vec<usize> },
}

#[derive(Debug)]
struct Unread {
    bytes: ByteStream,
    lengths: IntegerReader,
    size: usize,
}

impl DictionaryReader {
    pub(super) fn new(
        numbers: IntegerReader,
        bytes: ByteStream,
        lengths: IntegerReader,
        size: usize,
    ) -> Self {
        Self { numbers, dictionary: Source::Unread(Box::new(Unread { bytes, lengths, size })) }
    }

    pub(super) fn read(
        &mut self,
        count: usize,
        nulls: Option<&NullBuffer>,
        frame: &Frame,
    ) -> Result<ArrayRef, Fault> {
        let (dictionary, ends) = self.dictionary.read(frame)?;
        let mut numbers = Vec::with_capacity(count);
        self.numbers.read(count, &mut numbers)?;
        let mut parts = Vec::with_capacity(count);
        let mut total = 0_usize;
        for number in numbers {
            let part = usize::try_from(number)
                .ok()
                .and_then(|number| {
                    let start = number.checked_sub(1).map_or(Some(0), |before| ends.get(before).copied())?;
                    dictionary.get(start..*ends.get(number)?)
                })
                .ok_or_else(|| Fault::Damaged(format!("value {number} of a dictionary of {}", ends.len())))?;
            total = total.saturating_add(part.len());
            parts.push(part);
        }
        check_total(u64::try_from(total).unwrap_or(u64::MAX), frame)?;
        let mut bytes = Vec::with_capacity(total);
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        let lengths = parts.iter().map(|part| i64::try_from(part.len()).unwrap_or(i64::MAX));
        finish(&DataType::Utf8, offsets(lengths, nulls)?, bytes, nulls)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.numbers.skip(count)
    }
}

impl Source {
    fn read(&mut self, frame: &Frame) -> Result<(&[u8], &[usize]), Fault> {
        if let Self::Unread(unread) = self {
            let Unread { bytes, lengths, size } = unread.as_mut();
            // Grows with the lengths that are there, not with the size that is claimed.
            let mut found = Vec::new();
            lengths.read(*size, &mut found)?;
            let total = total(&found)?;
            check_total(total, frame)?;
            let mut all = Vec::new();
            bytes.read(usize::try_from(total).unwrap_or(usize::MAX), &mut all)?;
            let mut end = 0_usize;
            let ends = found
                .into_iter()
                .map(|length| {
                    end = end.saturating_add(usize::try_from(length).unwrap_or(0));
                    end
                })
                .collect();
            *self = Self::Read { bytes: all, ends };
        }
        match self {
            Self::Read { bytes, ends } => Ok((bytes, ends)),
            Self::Unread(_) => Err(Fault::damaged("a dictionary that was not read")),
        }
    }
}

/// Texts without spaces at their ends, as the reader of the reference implementation gives those that writers filled up.
pub(super) fn trim(array: &ArrayRef) -> ArrayRef {
    let texts = array.as_string::<i32>();
    Arc::new(texts.iter().map(|text| text.map(|text| text.trim_end_matches(' '))).collect::<StringArray>())
}

/// The sum of lengths, none of which is negative.
pub(super) fn total(lengths: &[i64]) -> Result<u64, Fault> {
    lengths.iter().try_fold(0_u64, |sum, length| {
        u64::try_from(*length)
            .ok()
            .and_then(|length| sum.checked_add(length))
            .ok_or_else(|| Fault::Damaged(format!("a length of {length}")))
    })
}

/// Takes memory for texts or bytes; offsets count to 2^31.
pub(super) fn check_total(bytes: u64, frame: &Frame) -> Result<(), Fault> {
    let limit_bytes = u64::from(i32::MAX.unsigned_abs());
    if bytes > limit_bytes {
        return Err(Fault::TooLarge { bytes, limit_bytes });
    }
    frame.take(bytes)
}

/// Where values start and end, of lengths whose sum was checked.
pub(super) fn offsets(
    lengths: impl Iterator<Item = i64>,
    nulls: Option<&NullBuffer>,
) -> Result<OffsetBuffer<i32>, Fault> {
    let mut lengths = lengths;
    let mut offsets = vec![0_i32];
    let mut end = 0_i32;
    let mut push = |length: i64| {
        let length = i32::try_from(length).ok().filter(|length| *length >= 0);
        end = length.and_then(|length| end.checked_add(length)).ok_or_else(|| Fault::damaged("lengths"))?;
        offsets.push(end);
        Ok::<(), Fault>(())
    };
    match nulls {
        None => lengths.try_for_each(&mut push)?,
        Some(nulls) => {
            nulls.iter().try_for_each(|there| push(if there { lengths.next().unwrap_or(0) } else { 0 }))?
        }
    }
    Ok(OffsetBuffer::new(ScalarBuffer::from(offsets)))
}

fn finish(
    data_type: &DataType,
    offsets: OffsetBuffer<i32>,
    bytes: Vec<u8>,
    nulls: Option<&NullBuffer>,
) -> Result<ArrayRef, Fault> {
    let (bytes, nulls) = (Buffer::from(bytes), nulls.cloned());
    let array = match data_type {
        DataType::Utf8 => StringArray::try_new(offsets, bytes, nulls).map(array_ref),
        _ => BinaryArray::try_new(offsets, bytes, nulls).map(array_ref),
    };
    array.map_err(|error| Fault::Damaged(error.to_string()))
}

fn array_ref(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}
