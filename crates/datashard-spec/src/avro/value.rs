//! Values of fields that the format does not name: read and written as their schema says.

use super::schema::{AvroSchema, Kind, NodeId};
use super::varint::{Cursor, put_bytes, put_length, put_long};
use crate::avro_error::{AvroError, AvroFault};
use crate::manifest::AvroValue;

const MAX_DEPTH: usize = 64;

/// How many values a value may have in it: so many for each byte, as records take none for themselves, and a few more. A
/// short list of records of nulls would else fill the memory.
const PARTS_PER_BYTE: usize = 4;
const FREE_PARTS: usize = 64;

/// Counts values against the bytes that they take.
struct Parts {
    left_at_start: usize,
    count: usize,
}

impl Parts {
    fn add(&mut self, cursor: &Cursor<'_>) -> Result<(), AvroFault> {
        let bytes = self.left_at_start.saturating_sub(cursor.left());
        self.count = self.count.saturating_add(1);
        if self.count > bytes.saturating_mul(PARTS_PER_BYTE).saturating_add(FREE_PARTS) {
            return Err(AvroFault::Hollow);
        }
        Ok(())
    }
}

/// Reads a value.
pub(super) fn read(
    schema: &AvroSchema,
    node: NodeId,
    cursor: &mut Cursor<'_>,
) -> Result<AvroValue, AvroFault> {
    let mut parts = Parts { left_at_start: cursor.left(), count: 0 };
    read_at(schema, node, cursor, MAX_DEPTH, &mut parts)
}

fn read_at(
    schema: &AvroSchema,
    node: NodeId,
    cursor: &mut Cursor<'_>,
    depth: usize,
    parts: &mut Parts,
) -> Result<AvroValue, AvroFault> {
    let depth = depth.checked_sub(1).ok_or(AvroFault::TooDeep)?;
    parts.add(cursor)?;
    let kind = schema.node(node).map(|node| &node.kind).map_err(|_| AvroFault::TooDeep)?;
    Ok(match kind {
        Kind::Null => AvroValue::Null,
        Kind::Boolean => AvroValue::Boolean(cursor.boolean()?),
        Kind::Int | Kind::Long | Kind::Enum => AvroValue::Long(cursor.long()?),
        Kind::Float => AvroValue::Float(f32::from_le_bytes(cursor.array()?)),
        Kind::Double => AvroValue::Double(f64::from_le_bytes(cursor.array()?)),
        Kind::Bytes => AvroValue::Bytes(cursor.bytes()?.to_vec()),
        Kind::String => AvroValue::String(cursor.text()?.to_owned()),
        Kind::Fixed(size) => AvroValue::Bytes(cursor.take(*size)?.to_vec()),
        Kind::Array(items) => {
            let mut values = Vec::new();
            items_of(cursor, |cursor| {
                values.push(read_at(schema, *items, cursor, depth, parts)?);
                Ok(())
            })?;
            AvroValue::Array(values)
        }
        Kind::Map(of) => {
            let mut values = Vec::new();
            items_of(cursor, |cursor| {
                let key = cursor.text()?.to_owned();
                values.push((key, read_at(schema, *of, cursor, depth, parts)?));
                Ok(())
            })?;
            AvroValue::Map(values)
        }
        Kind::Record(fields) => AvroValue::Record(
            fields
                .iter()
                .map(|field| read_at(schema, field.node, cursor, depth, parts))
                .collect::<Result<_, _>>()?,
        ),
        Kind::Union(branches) => {
            let found = cursor.long()?;
            let at = usize::try_from(found).map_err(|_| AvroFault::Union { found })?;
            let branch = branches.get(at).ok_or(AvroFault::Union { found })?;
            AvroValue::Union(at, Box::new(read_at(schema, *branch, cursor, depth, parts)?))
        }
    })
}

/// Reads the items of an array.
pub(super) fn items_of<'b>(
    cursor: &mut Cursor<'b>,
    mut item: impl FnMut(&mut Cursor<'b>) -> Result<(), AvroFault>,
) -> Result<(), AvroFault> {
    loop {
        let (count, end) = cursor.run()?;
        if count == 0 {
            return Ok(());
        }
        for _ in 0..count {
            item(cursor)?;
        }
        cursor.end_run(end)?;
    }
}

/// Appends a value, or null where there is none.
pub(super) fn write(
    schema: &AvroSchema,
    node: NodeId,
    value: Option<&AvroValue>,
    out: &mut Vec<u8>,
) -> Result<(), AvroError> {
    let kind = &schema.node(node)?.kind;
    let refuse = || AvroError::Encode {
        what: "an extra field".to_owned(),
        reason: format!("the schema says {}, the value is {value:?}", kind.word()),
    };
    match (kind, value) {
        (Kind::Null, None | Some(AvroValue::Null)) => {}
        (Kind::Union(branches), None | Some(AvroValue::Null)) => {
            let is_null =
                |node: &NodeId| schema.node(*node).is_ok_and(|node| matches!(node.kind, Kind::Null));
            put_length(out, branches.iter().position(is_null).ok_or_else(refuse)?);
        }
        (Kind::Union(branches), Some(AvroValue::Union(at, inner))) => {
            put_length(out, *at);
            write(schema, *branches.get(*at).ok_or_else(refuse)?, Some(inner), out)?;
        }
        // A plain value where null is possible goes to the first branch that takes it.
        (Kind::Union(branches), Some(plain)) => {
            let start = out.len();
            for (at, branch) in branches.iter().enumerate() {
                put_length(out, at);
                if write(schema, *branch, Some(plain), out).is_ok() {
                    return Ok(());
                }
                out.truncate(start);
            }
            return Err(refuse());
        }
        (Kind::Boolean, Some(AvroValue::Boolean(v))) => out.push(u8::from(*v)),
        (Kind::Int | Kind::Long | Kind::Enum, Some(AvroValue::Long(v))) => put_long(out, *v),
        (Kind::Float, Some(AvroValue::Float(v))) => out.extend_from_slice(&v.to_le_bytes()),
        (Kind::Double, Some(AvroValue::Double(v))) => out.extend_from_slice(&v.to_le_bytes()),
        (Kind::Bytes, Some(AvroValue::Bytes(v))) => put_bytes(out, v),
        (Kind::String, Some(AvroValue::String(v))) => put_bytes(out, v.as_bytes()),
        (Kind::Fixed(size), Some(AvroValue::Bytes(v))) if v.len() == *size => out.extend_from_slice(v),
        (Kind::Array(items), Some(AvroValue::Array(values))) => {
            if !values.is_empty() {
                put_length(out, values.len());
                values.iter().try_for_each(|value| write(schema, *items, Some(value), out))?;
            }
            put_long(out, 0);
        }
        (Kind::Map(of), Some(AvroValue::Map(values))) => {
            if !values.is_empty() {
                put_length(out, values.len());
                for (key, value) in values {
                    put_bytes(out, key.as_bytes());
                    write(schema, *of, Some(value), out)?;
                }
            }
            put_long(out, 0);
        }
        (Kind::Record(fields), Some(AvroValue::Record(values))) if values.len() == fields.len() => {
            for (field, value) in fields.iter().zip(values) {
                write(schema, field.node, Some(value), out)?;
            }
        }
        _ => return Err(refuse()),
    }
    Ok(())
}
