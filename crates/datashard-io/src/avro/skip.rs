//! Values that nobody asked for: stepped over, and checked no less.

use datashard_spec::avro::{AvroFault, Cursor};

use super::column::{Column, Kind, Null};

/// Values that take no bytes, in one array: more are no data.
const MAX_HOLLOW_VALUES: usize = 1 << 20;

/// Whether a value is there, by the union around it.
#[inline]
pub(super) fn is_present(null: Null, cursor: &mut Cursor<'_>) -> Result<bool, AvroFault> {
    match null {
        Null::Never => Ok(true),
        Null::First => cursor.second_of_two(),
        Null::Second => Ok(!cursor.second_of_two()?),
        Null::Alone => match cursor.long()? {
            0 => Ok(true),
            found => Err(AvroFault::Union { found }),
        },
    }
}

/// The head of the next run of items, each of at least `least_bytes`: how many, and what [`Cursor::end_run`] wants. 0 is the end.
pub(super) fn run(cursor: &mut Cursor<'_>, least_bytes: usize) -> Result<(usize, Option<usize>), AvroFault> {
    if least_bytes > 0 {
        return cursor.run();
    }
    let found = cursor.long()?;
    let size = if found < 0 { Some(cursor.long()?) } else { None };
    let lies = AvroFault::Length { found, left: cursor.left() };
    let count =
        usize::try_from(found.unsigned_abs()).ok().filter(|count| *count <= MAX_HOLLOW_VALUES).ok_or(lies)?;
    match size {
        None => Ok((count, None)),
        Some(size) => {
            let lies = AvroFault::Length { found: size, left: cursor.left() };
            let left =
                usize::try_from(size).ok().and_then(|size| cursor.left().checked_sub(size)).ok_or(lies)?;
            Ok((count, Some(left)))
        }
    }
}

/// Steps over a value. As deep as the schema, which is bounded.
pub(super) fn skip(column: &Column, cursor: &mut Cursor<'_>) -> Result<(), AvroFault> {
    if !is_present(column.null, cursor)? {
        return Ok(());
    }
    match &column.kind {
        Kind::Null => Ok(()),
        Kind::Boolean => cursor.boolean().map(drop),
        Kind::Int => cursor.int().map(drop),
        Kind::Long => cursor.long().map(drop),
        Kind::Float => cursor.take(4).map(drop),
        Kind::Double => cursor.take(8).map(drop),
        Kind::Bytes | Kind::String | Kind::DecimalBytes | Kind::UuidText => cursor.bytes().map(drop),
        Kind::Fixed(size) | Kind::DecimalFixed(size) => cursor.take(*size).map(drop),
        Kind::Enum(symbols) => symbol(symbols, cursor).map(drop),
        Kind::Record(fields) => fields.iter().try_for_each(|field| skip(field, cursor)),
        Kind::Array(element) => skip_items(cursor, element.least_bytes(), |cursor| skip(element, cursor)),
        Kind::Map(key, value) | Kind::Pairs(key, value) => {
            let least = key.least_bytes().saturating_add(value.least_bytes());
            skip_items(cursor, least, |cursor| {
                skip(key, cursor)?;
                skip(value, cursor)
            })
        }
    }
}

fn skip_items(
    cursor: &mut Cursor<'_>,
    least_bytes: usize,
    mut item: impl FnMut(&mut Cursor<'_>) -> Result<(), AvroFault>,
) -> Result<(), AvroFault> {
    loop {
        let (count, end) = run(cursor, least_bytes)?;
        if count == 0 {
            return Ok(());
        }
        // Without bytes there is nothing to step over.
        if least_bytes > 0 {
            (0..count).try_for_each(|_| item(cursor))?;
        }
        cursor.end_run(end)?;
    }
}

/// A symbol of an enum.
pub(super) fn symbol<'s>(symbols: &'s [String], cursor: &mut Cursor<'_>) -> Result<&'s str, AvroFault> {
    let found = cursor.int()?;
    let symbol = usize::try_from(found).ok().and_then(|at| symbols.get(at));
    symbol.map(String::as_str).ok_or(AvroFault::Value { found: i64::from(found) })
}
