//! Metrics by going over rows of values one by one; bounds cut as the text of the modes says, not as the library does it.

use std::collections::BTreeMap;

use datashard_spec::id::FieldId;
use datashard_spec::manifest::DataFile;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, Type};
use datashard_spec::value::{Tuple, Value};

/// What is measured of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Mode {
    None,
    Counts,
    /// Text and bytes cut to this length.
    Truncate(usize),
    Full,
}

impl Mode {
    pub(super) fn text(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Counts => "counts".to_owned(),
            Self::Truncate(length) => format!("truncate({length})"),
            Self::Full => "full".to_owned(),
        }
    }
}

/// The metrics of a file, by field id.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Metrics {
    pub(super) values: BTreeMap<FieldId, i64>,
    pub(super) nulls: BTreeMap<FieldId, i64>,
    pub(super) nans: BTreeMap<FieldId, i64>,
    pub(super) lower: BTreeMap<FieldId, Vec<u8>>,
    pub(super) upper: BTreeMap<FieldId, Vec<u8>>,
}

impl Metrics {
    /// Those that a file came with.
    pub(super) fn of(file: &DataFile) -> Self {
        let bounds = |map: &datashard_spec::manifest::BoundMap| {
            map.iter().map(|(id, bytes)| (id, bytes.to_vec())).collect()
        };
        Self {
            values: file.value_counts.iter().collect(),
            nulls: file.null_value_counts.iter().collect(),
            nans: file.nan_value_counts.iter().collect(),
            lower: bounds(&file.lower_bounds),
            upper: bounds(&file.upper_bounds),
        }
    }

    /// Those of rows.
    pub(super) fn count(schema: &Schema, rows: &[Tuple], mode: impl Fn(FieldId) -> Mode) -> Self {
        let mut metrics = Self::default();
        let rows: Vec<Option<&[Option<Value>]>> = rows.iter().map(|row| Some(row.as_slice())).collect();
        metrics.add(schema.fields(), &rows, &mode);
        metrics
    }

    /// Adds the fields of a struct, which is null where a row is.
    fn add(
        &mut self,
        fields: &[NestedField],
        rows: &[Option<&[Option<Value>]>],
        mode: &impl Fn(FieldId) -> Mode,
    ) {
        for (at, field) in fields.iter().enumerate() {
            let column: Vec<Option<&Value>> =
                rows.iter().map(|row| row.and_then(|row| row[at].as_ref())).collect();
            match &field.field_type {
                Type::Struct(inner) => {
                    let rows: Vec<Option<&[Option<Value>]>> = column
                        .iter()
                        .map(|value| match value {
                            Some(Value::Struct(row)) => Some(row.as_slice()),
                            _ => None,
                        })
                        .collect();
                    self.add(&inner.fields, &rows, mode);
                }
                Type::Primitive(PrimitiveType::Unknown) => {}
                Type::Primitive(primitive) => self.add_column(field.id, primitive, &column, mode(field.id)),
                _ => {}
            }
        }
    }

    fn add_column(&mut self, id: FieldId, primitive: &PrimitiveType, column: &[Option<&Value>], mode: Mode) {
        if mode == Mode::None {
            return;
        }
        let present: Vec<&Value> = column.iter().copied().flatten().collect();
        let numbers: Vec<&Value> = present.iter().copied().filter(|value| !value.is_nan()).collect();
        self.values.insert(id, column.len() as i64);
        self.nulls.insert(id, (column.len() - present.len()) as i64);
        if matches!(primitive, PrimitiveType::Float | PrimitiveType::Double) {
            self.nans.insert(id, (present.len() - numbers.len()) as i64);
        }
        let is_shape = matches!(primitive, PrimitiveType::Geometry(_) | PrimitiveType::Geography(..));
        let length = match mode {
            Mode::Truncate(length) if !is_shape => length,
            Mode::Full if !is_shape => usize::MAX,
            _ => return,
        };
        let Some(mut least) = numbers.first().copied() else { return };
        let mut greatest = least;
        for value in numbers {
            if value < least {
                least = value;
            }
            if value > greatest {
                greatest = value;
            }
        }
        self.lower.insert(id, cut_lower(least, length));
        if let Some(upper) = cut_upper(greatest, length) {
            self.upper.insert(id, upper);
        }
    }
}

fn cut_lower(value: &Value, length: usize) -> Vec<u8> {
    match value {
        Value::String(text) => text.chars().take(length).collect::<String>().into_bytes(),
        Value::Binary(bytes) | Value::Fixed(bytes) => bytes[..length.min(bytes.len())].to_vec(),
        other => other.to_binary().unwrap(),
    }
}

/// The least value of at most so many characters or bytes that is above all that begin like this one.
fn cut_upper(value: &Value, length: usize) -> Option<Vec<u8>> {
    match value {
        Value::String(text) if text.chars().count() > length => {
            let characters: Vec<char> = text.chars().take(length).collect();
            (0..length).rev().find_map(|at| {
                // `find_map` steps over the surrogates, which are no characters.
                let next = (u32::from(characters[at]) + 1..=0x0010_ffff).find_map(char::from_u32)?;
                let raised: String = characters[..at].iter().copied().chain([next]).collect();
                Some(raised.into_bytes())
            })
        }
        Value::Binary(bytes) | Value::Fixed(bytes) if bytes.len() > length => {
            let at = bytes[..length].iter().rposition(|byte| *byte != 0xff)?;
            let mut raised = bytes[..=at].to_vec();
            raised[at] += 1;
            Some(raised)
        }
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Binary(bytes) | Value::Fixed(bytes) => Some(bytes.clone()),
        other => Some(other.to_binary().unwrap()),
    }
}
