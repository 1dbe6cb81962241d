//! Text, bytes, uuids: large, as views, of fixed length, and as each other where files mix them up.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, BinaryViewArray, FixedSizeBinaryArray,
    LargeBinaryArray, LargeStringArray, StringArray, StringBuilder, StringViewArray,
};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;
use uuid::Uuid;

use super::{At, counts};
use crate::data_error::DataError;

/// An array of bytes of whatever kind.
pub(super) enum Bytes<'a> {
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Utf8View(&'a StringViewArray),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    BinaryView(&'a BinaryViewArray),
    Fixed(&'a FixedSizeBinaryArray),
}

impl<'a> Bytes<'a> {
    /// Any array of text.
    pub(super) fn text(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Utf8(array.as_string_opt()?),
            DataType::LargeUtf8 => Self::LargeUtf8(array.as_string_opt()?),
            DataType::Utf8View => Self::Utf8View(array.as_string_view_opt()?),
            _ => return None,
        })
    }

    /// Any array of bytes that need not be text.
    pub(super) fn binary(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Binary => Self::Binary(array.as_binary_opt()?),
            DataType::LargeBinary => Self::LargeBinary(array.as_binary_opt()?),
            DataType::BinaryView => Self::BinaryView(array.as_binary_view_opt()?),
            DataType::FixedSizeBinary(_) => Self::Fixed(array.as_fixed_size_binary_opt()?),
            _ => return None,
        })
    }

    /// The bytes at a row that there is.
    pub(super) fn value(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Utf8(array) => array.value(row).as_bytes(),
            Self::LargeUtf8(array) => array.value(row).as_bytes(),
            Self::Utf8View(array) => array.value(row).as_bytes(),
            Self::Binary(array) => array.value(row),
            Self::LargeBinary(array) => array.value(row),
            Self::BinaryView(array) => array.value(row),
            Self::Fixed(array) => array.value(row),
        }
    }

    /// Each row's bytes, `None` where they do not count; after a look at whether an array of 32-bit offsets can hold them together.
    fn rows(&self, array: &ArrayRef, at: &At<'_>) -> Result<Vec<Option<&'a [u8]>>, DataError> {
        let counting = at.counting(array);
        let rows: Vec<Option<&[u8]>> =
            (0..array.len()).map(|row| counts(counting.as_ref(), row).then(|| self.value(row))).collect();
        let total = rows.iter().flatten().fold(0_usize, |sum, bytes| sum.saturating_add(bytes.len()));
        match i32::try_from(total) {
            Ok(_) => Ok(rows),
            Err(_) => Err(at.too_large(total)),
        }
    }
}

pub(super) fn to_string(array: &ArrayRef, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    if let Some(text) = Bytes::text(array) {
        return from_rows(&text.rows(array, at)?, at).map(Some);
    }
    if !at.is_stored() {
        return Ok(None);
    }
    let Some(bytes) = Bytes::binary(array) else { return Ok(None) };
    if let Bytes::Binary(binary) = bytes
        && let Ok(text) = StringArray::try_from_binary(binary.clone())
    {
        return Ok(Some(Arc::new(text)));
    }
    // Or there is something else than text where a row is null, which is no one's concern.
    from_rows(&bytes.rows(array, at)?, at).map(Some)
}

fn from_rows(rows: &[Option<&[u8]>], at: &At<'_>) -> Result<ArrayRef, DataError> {
    let mut builder = StringBuilder::with_capacity(rows.len(), 0);
    for (row, bytes) in rows.iter().enumerate() {
        let text = bytes.map(std::str::from_utf8).transpose();
        builder.append_option(
            text.map_err(|error| at.bad_value(row, format!("the text is no UTF-8: {error}")))?,
        );
    }
    Ok(Arc::new(builder.finish()))
}

pub(super) fn to_binary(array: &ArrayRef, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    let bytes = match Bytes::binary(array) {
        Some(bytes) => bytes,
        None if at.is_stored() => match Bytes::text(array) {
            Some(text) => text,
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    if let Bytes::Utf8(text) = bytes {
        return Ok(Some(Arc::new(BinaryArray::from(text.clone()))));
    }
    let mut builder = BinaryBuilder::with_capacity(array.len(), 0);
    for value in bytes.rows(array, at)? {
        builder.append_option(value);
    }
    Ok(Some(Arc::new(builder.finish())))
}

/// Bytes of one length, from a file that does not say that they have one.
pub(super) fn to_fixed(array: &ArrayRef, length: u32, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    let length = usize::try_from(length).map_err(|error| at.internal(error))?;
    let bytes = match Bytes::binary(array) {
        Some(Bytes::Fixed(_)) | None => return Ok(None),
        Some(bytes) => bytes,
    };
    if !at.is_stored() {
        return Ok(None);
    }
    fixed(array, length, at, |row| {
        let value = bytes.value(row);
        let reason = || at.bad_value(row, format!("{} bytes where there must be {length}", value.len()));
        (value.len() == length).then_some(value).ok_or_else(reason)
    })
    .map(Some)
}

/// Uuids from a file: as bytes of unstated length, or as text.
pub(super) fn to_uuid(array: &ArrayRef, at: &At<'_>) -> Result<Option<ArrayRef>, DataError> {
    let Some(text) = Bytes::text(array).filter(|_| at.is_stored()) else { return to_fixed(array, 16, at) };
    fixed(array, 16, at, |row| {
        let value = text.value(row);
        let uuid = Uuid::try_parse_ascii(value).map_err(|_| at.bad_value(row, "the text is no uuid"))?;
        Ok(uuid.into_bytes())
    })
    .map(Some)
}

fn fixed<B: AsRef<[u8]>>(
    array: &ArrayRef,
    length: usize,
    at: &At<'_>,
    value: impl Fn(usize) -> Result<B, DataError>,
) -> Result<ArrayRef, DataError> {
    let counting = at.counting(array);
    let bytes = array.len().saturating_mul(length);
    let mut made = Vec::new();
    made.try_reserve_exact(bytes).map_err(|_| at.too_large(bytes))?;
    for row in 0..array.len() {
        if counts(counting.as_ref(), row) {
            made.extend_from_slice(value(row)?.as_ref());
        } else {
            made.resize(made.len().saturating_add(length), 0);
        }
    }
    let length = i32::try_from(length).map_err(|error| at.internal(error))?;
    let made = FixedSizeBinaryArray::try_new_with_len(
        length,
        Buffer::from_vec(made),
        array.logical_nulls(),
        array.len(),
    );
    Ok(Arc::new(made.map_err(|error| at.internal(error))?))
}
