//! The columns of an Avro file: what its schema says, with ids, as a tree that is walked for each row.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datashard_spec::id::FieldId;

use crate::arrow::FIELD_ID_KEY;

/// A field of a record, an element, a key or a value.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) id: Option<FieldId>,
    pub(super) null: Null,
    pub(super) kind: Kind,
    /// The Arrow type of its values.
    pub(super) data_type: DataType,
    /// Its primitive columns, counted depth first over the file.
    pub(super) leaves: std::ops::Range<usize>,
}

/// Where null stands in the union around a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Null {
    /// There is no union: a value each time.
    Never,
    /// First branch of two.
    First,
    /// Second branch of two.
    Second,
    /// A union of one branch, which is the type itself.
    Alone,
}

/// How a value is written.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    /// Decimal in bytes, whose length is before them.
    DecimalBytes,
    /// Decimal in so many bytes.
    DecimalFixed(usize),
    /// A UUID as text.
    UuidText,
    Enum(Arc<[String]>),
    Record(Vec<Column>),
    Array(Box<Column>),
    /// Avro's own map, whose keys are text.
    Map(Box<Column>, Box<Column>),
    /// A map as an array of records of a key and a value.
    Pairs(Box<Column>, Box<Column>),
}

impl Column {
    /// As a field of Arrow.
    pub(super) fn field(&self) -> FieldRef {
        self.field_of(self.data_type.clone())
    }

    pub(super) fn is_nullable(&self) -> bool {
        matches!(self.null, Null::First | Null::Second) || matches!(self.kind, Kind::Null)
    }

    fn field_of(&self, data_type: DataType) -> FieldRef {
        let field = Field::new(&self.name, data_type, self.is_nullable());
        Arc::new(match self.id {
            Some(id) => field.with_metadata([(FIELD_ID_KEY.to_owned(), id.to_string())].into()),
            None => field,
        })
    }

    /// The field without the leaves that are not wanted; `None` if there are none left. One that has no leaves at all, a record without
    /// fields, is always there: no leaf could be wanted for its nulls.
    pub(super) fn projected(&self, is_wanted: &dyn Fn(usize) -> bool) -> Option<FieldRef> {
        if !self.leaves.is_empty() && !self.leaves.clone().any(is_wanted) {
            return None;
        }
        let data_type = match &self.kind {
            Kind::Record(fields) => {
                DataType::Struct(fields.iter().filter_map(|field| field.projected(is_wanted)).collect())
            }
            Kind::Array(element) => DataType::List(element.projected(is_wanted)?),
            // A map without its keys is none.
            Kind::Map(key, value) | Kind::Pairs(key, value) => {
                let value = value.projected(is_wanted).unwrap_or_else(|| value.field());
                map_type(key.field(), value)
            }
            _ => self.data_type.clone(),
        };
        Some(self.field_of(data_type))
    }

    /// The fewest bytes that a value takes.
    pub(super) fn least_bytes(&self) -> usize {
        if self.null != Null::Never {
            return 1;
        }
        match &self.kind {
            Kind::Null => 0,
            Kind::Fixed(size) | Kind::DecimalFixed(size) => *size,
            Kind::Float => 4,
            Kind::Double => 8,
            Kind::Record(fields) => {
                fields.iter().fold(0, |sum, field| field.least_bytes().saturating_add(sum))
            }
            _ => 1,
        }
    }
}

/// The type of a map with these keys and values.
pub(super) fn map_type(key: FieldRef, value: FieldRef) -> DataType {
    let entries = DataType::Struct(Fields::from(vec![key, value]));
    DataType::Map(Arc::new(Field::new("key_value", entries, false)), false)
}
