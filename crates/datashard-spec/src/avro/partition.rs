//! Partition tuples: the writer's record against the partition type of the header.

use std::collections::HashMap;

use uuid::Uuid;

use super::plan::{Null, nullable};
use super::schema::{AvroSchema, Kind, Logical, NodeId};
use super::skip::Skip;
use super::varint::Cursor;
use crate::avro_error::{AvroError, AvroFault};
use crate::id::FieldId;
use crate::manifest::field_id;
use crate::schema::{NestedField, PrimitiveType, StructType};
use crate::value::{Decimal, Tuple, Value};

/// How to read the partition tuple of each entry.
pub(super) struct PartitionPlan {
    width: usize,
    steps: Vec<(Null, Step)>,
}

enum Step {
    Skip(Skip),
    Value { at: usize, encoding: Encoding, of: PrimitiveType },
}

/// How a value is stored.
#[derive(Clone, Copy)]
enum Encoding {
    Nothing,
    Boolean,
    Number,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
}

impl PartitionPlan {
    /// Fields meet by id; in files without ids by name, and else by position.
    pub(super) fn compile(
        schema: &AvroSchema,
        node: NodeId,
        expected: &StructType,
        budget: &mut usize,
    ) -> Result<Self, AvroError> {
        let fields = schema.record(node)?;
        let without_ids = fields.iter().all(|field| field.id.is_none());
        let places = expected.fields.iter().enumerate();
        let by_id: HashMap<FieldId, usize> = places.clone().map(|(at, field)| (field.id, at)).collect();
        let by_name: HashMap<&str, usize> = places.map(|(at, field)| (field.name.as_str(), at)).collect();
        let mut taken = vec![false; expected.fields.len()];
        let mut steps = Vec::new();
        for (position, field) in fields.iter().enumerate() {
            let name = field.original_name.as_deref().unwrap_or(&field.name);
            let at = match field.id {
                Some(id) => by_id.get(&id).copied(),
                None => by_name
                    .get(name)
                    .copied()
                    .or(without_ids.then_some(position).filter(|at| *at < expected.fields.len())),
            };
            let (null, node) = nullable(schema, field.node)?;
            let Some(at) = at else {
                steps.push((null, Step::Skip(Skip::compile(schema, node, budget)?)));
                continue;
            };
            if taken.get_mut(at).is_some_and(|taken| std::mem::replace(taken, true)) {
                return Err(AvroError::Schema {
                    at: format!("partition field {:?}", crate::error::excerpt(name)),
                    reason: "it is there twice".to_owned(),
                });
            }
            let stored = schema.node(node)?;
            let encoding = match stored.kind {
                Kind::Null => Encoding::Nothing,
                Kind::Boolean => Encoding::Boolean,
                Kind::Int | Kind::Long => Encoding::Number,
                Kind::Float => Encoding::Float,
                Kind::Double => Encoding::Double,
                Kind::Bytes => Encoding::Bytes,
                Kind::String => Encoding::Text,
                Kind::Fixed(size) => Encoding::Fixed(size),
                _ => return Err(refuse(name, &stored.kind, "a primitive")),
            };
            let natural = natural_type(&stored.kind, stored.logical);
            let of = match expected.fields.get(at).and_then(|field| field.field_type.as_primitive()) {
                None | Some(PrimitiveType::Unknown) => natural,
                Some(of) if fits(encoding, of) && agrees(stored.logical, of) => of.clone(),
                Some(of) => return Err(refuse(name, &stored.kind, &of.to_string())),
            };
            steps.push((null, Step::Value { at, encoding, of }));
        }
        Ok(Self { width: expected.fields.len(), steps })
    }

    /// Reads a tuple into one that is used again for each entry.
    pub(super) fn read(&self, cursor: &mut Cursor<'_>, into: &mut Tuple) -> Result<(), AvroFault> {
        into.resize(self.width, None);
        // A field that the file does not have is null.
        if self.steps.len() < self.width {
            into.fill(None);
        }
        for (null, step) in &self.steps {
            let has_value = null.has_value(cursor)?;
            match step {
                Step::Skip(skip) if has_value => skip.run(cursor)?,
                Step::Value { at, encoding, of } => {
                    let value = if has_value { read_value(*encoding, of, cursor)? } else { None };
                    if let Some(slot) = into.get_mut(*at) {
                        *slot = value;
                    }
                }
                Step::Skip(_) => {}
            }
        }
        Ok(())
    }
}

/// The partition type of a file that says nothing of it but in its Avro schema. Fields without id get those that a first
/// spec gives.
pub(super) fn partition_type_of(schema: &AvroSchema) -> Result<StructType, AvroError> {
    let find = |record: NodeId, id: FieldId, name: &str| {
        let fields = schema.record(record)?;
        Ok(fields.iter().find(|field| field.id.map_or(field.name == name, |found| found == id)))
    };
    let Some(file) = find(schema.root, field_id::DATA_FILE, "data_file")? else {
        return Ok(StructType::default());
    };
    let Some(partition) = find(file.node, field_id::PARTITION, "partition")? else {
        return Ok(StructType::default());
    };
    let mut fields = Vec::new();
    let record = nullable(schema, partition.node)?.1;
    for (id, field) in (1000_i32..).zip(schema.record(record)?) {
        let node = schema.node(nullable(schema, field.node)?.1)?;
        let name = field.original_name.as_deref().unwrap_or(&field.name);
        let of = natural_type(&node.kind, node.logical);
        fields.push(NestedField::optional(field.id.map_or(id, |id| id.0), name, of));
    }
    Ok(StructType::new(fields))
}

fn refuse(name: &str, found: &Kind, expected: &str) -> AvroError {
    AvroError::Schema {
        at: format!("partition field {:?}", crate::error::excerpt(name)),
        reason: format!("expected {expected}, found {}", found.word()),
    }
}

/// What a field is by its Avro type alone.
fn natural_type(kind: &Kind, logical: Logical) -> PrimitiveType {
    match (kind, logical) {
        (Kind::Boolean, _) => PrimitiveType::Boolean,
        (Kind::Int, Logical::Date) => PrimitiveType::Date,
        (Kind::Int, _) => PrimitiveType::Int,
        (Kind::Long, Logical::Time) => PrimitiveType::Time,
        (Kind::Long, Logical::Timestamp { utc: false }) => PrimitiveType::Timestamp,
        (Kind::Long, Logical::Timestamp { utc: true }) => PrimitiveType::Timestamptz,
        (Kind::Long, Logical::TimestampNs { utc: false }) => PrimitiveType::TimestampNs,
        (Kind::Long, Logical::TimestampNs { utc: true }) => PrimitiveType::TimestamptzNs,
        (Kind::Long, _) => PrimitiveType::Long,
        (Kind::Float, _) => PrimitiveType::Float,
        (Kind::Double, _) => PrimitiveType::Double,
        (Kind::String, _) => PrimitiveType::String,
        (Kind::Fixed(16), Logical::Uuid) => PrimitiveType::Uuid,
        (Kind::Fixed(_) | Kind::Bytes, Logical::Decimal { precision, scale }) => {
            PrimitiveType::Decimal { precision, scale }
        }
        (Kind::Fixed(size), _) => PrimitiveType::Fixed(u32::try_from(*size).unwrap_or(u32::MAX)),
        (Kind::Bytes, _) => PrimitiveType::Binary,
        _ => PrimitiveType::Unknown,
    }
}

/// Whether the logical type, where there is one, means values of the type: number and unit must be the same. That a
/// timestamp is of UTC or not makes no difference to the number, and several writers get it wrong.
fn agrees(logical: Logical, of: &PrimitiveType) -> bool {
    use PrimitiveType as T;
    match (logical, of) {
        (Logical::Decimal { scale, .. }, T::Decimal { scale: expected, .. }) => scale == *expected,
        (Logical::Time | Logical::TimestampNs { .. } | Logical::Millis, T::Timestamp | T::Timestamptz) => {
            false
        }
        (Logical::Time | Logical::Timestamp { .. } | Logical::Millis, T::TimestampNs | T::TimestamptzNs) => {
            false
        }
        (Logical::Timestamp { .. } | Logical::TimestampNs { .. } | Logical::Millis, T::Time) => false,
        _ => true,
    }
}

/// Whether values of the type can be stored so. Ints may be read as longs and floats as doubles; a day may be stored
/// as a plain int.
fn fits(encoding: Encoding, of: &PrimitiveType) -> bool {
    use PrimitiveType as T;
    match encoding {
        Encoding::Nothing => true,
        Encoding::Boolean => matches!(of, T::Boolean),
        Encoding::Number => matches!(
            of,
            T::Int
                | T::Long
                | T::Date
                | T::Time
                | T::Timestamp
                | T::Timestamptz
                | T::TimestampNs
                | T::TimestamptzNs
        ),
        Encoding::Float => matches!(of, T::Float | T::Double),
        Encoding::Double => matches!(of, T::Double),
        Encoding::Text => matches!(of, T::String | T::Uuid),
        Encoding::Bytes => matches!(of, T::Binary | T::Decimal { .. } | T::String),
        Encoding::Fixed(size) => match of {
            T::Uuid => size == 16,
            T::Fixed(length) => usize::try_from(*length).is_ok_and(|length| length == size),
            T::Decimal { .. } => (1..=16).contains(&size),
            T::Binary => true,
            _ => false,
        },
    }
}

fn read_value(
    encoding: Encoding,
    of: &PrimitiveType,
    cursor: &mut Cursor<'_>,
) -> Result<Option<Value>, AvroFault> {
    use PrimitiveType as T;
    Ok(Some(match encoding {
        Encoding::Nothing => return Ok(None),
        Encoding::Boolean => Value::Boolean(cursor.boolean()?),
        Encoding::Number => match of {
            T::Int => Value::Int(cursor.int()?),
            T::Date => Value::Date(cursor.int()?),
            T::Time => Value::Time(cursor.long()?),
            T::Timestamp => Value::Timestamp(cursor.long()?),
            T::Timestamptz => Value::Timestamptz(cursor.long()?),
            T::TimestampNs => Value::TimestampNs(cursor.long()?),
            T::TimestamptzNs => Value::TimestamptzNs(cursor.long()?),
            _ => Value::Long(cursor.long()?),
        },
        Encoding::Float => {
            let value = f32::from_le_bytes(cursor.array()?);
            if *of == T::Double { Value::Double(f64::from(value)) } else { Value::Float(value) }
        }
        Encoding::Double => Value::Double(f64::from_le_bytes(cursor.array()?)),
        Encoding::Text => {
            let text = cursor.text()?;
            match of {
                T::Uuid => Value::Uuid(Uuid::try_parse(text).map_err(|_| AvroFault::NotUuid)?),
                _ => Value::String(text.to_owned()),
            }
        }
        Encoding::Bytes | Encoding::Fixed(_) => {
            let bytes = match encoding {
                Encoding::Fixed(size) => cursor.take(size)?,
                _ => cursor.bytes()?,
            };
            match of {
                T::Decimal { scale, .. } => {
                    Value::Decimal(Decimal { scale: *scale, unscaled: unscaled(bytes)? })
                }
                T::Uuid => Value::Uuid(Uuid::from_slice(bytes).map_err(|_| AvroFault::Truncated)?),
                T::Fixed(_) => Value::Fixed(bytes.to_vec()),
                T::String => {
                    Value::String(std::str::from_utf8(bytes).map_err(|_| AvroFault::NotUtf8)?.to_owned())
                }
                _ => Value::Binary(bytes.to_vec()),
            }
        }
    }))
}

/// Two's complement, big-endian.
fn unscaled(bytes: &[u8]) -> Result<i128, AvroFault> {
    if bytes.is_empty() || bytes.len() > 16 {
        return Err(AvroFault::LongNumber);
    }
    let sign: i128 = if bytes.first().is_some_and(|first| *first >= 0x80) { -1 } else { 0 };
    Ok(bytes.iter().fold(sign, |number, byte| (number << 8) | i128::from(*byte)))
}
