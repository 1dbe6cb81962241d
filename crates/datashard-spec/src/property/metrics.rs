//! What is measured of each column when a file is written.

use std::collections::HashMap;
use std::fmt;

use super::{PropertyWarning, TableProperties, write};
use crate::id::FieldId;
use crate::schema::{Schema, StructType, Type};
use crate::sort_order::{SortOrder, preserves_order};

/// What is measured of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricsMode {
    /// Nothing.
    None,
    /// Size, and counts of values, nulls and NaNs.
    Counts,
    /// These and bounds, text and bytes cut to this length (characters, bytes); at least 1.
    Truncate(u32),
    /// These and exact bounds.
    Full,
}

impl MetricsMode {
    /// The mode where nothing else is said: bounds of 16 characters.
    pub const DEFAULT: Self = Self::Truncate(16);

    /// The mode for this text, `none`, `counts`, `truncate(16)` or `full`, in upper or lower case.
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "none" => return Some(Self::None),
            "counts" => return Some(Self::Counts),
            "full" => return Some(Self::Full),
            _ => {}
        }
        let length = text.strip_prefix("truncate(")?.strip_suffix(')')?.parse().ok()?;
        (length > 0 && i32::try_from(length).is_ok()).then_some(Self::Truncate(length))
    }
}

impl fmt::Display for MetricsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Counts => f.write_str("counts"),
            Self::Truncate(length) => write!(f, "truncate({length})"),
            Self::Full => f.write_str("full"),
        }
    }
}

/// What is measured of every column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsConfig {
    default: MetricsMode,
    by_field: HashMap<FieldId, MetricsMode>,
    /// Modes set that make no sense.
    pub warnings: Vec<PropertyWarning>,
}

impl MetricsConfig {
    /// By the properties of a table, in this order:
    ///
    /// 1. a mode set for the column;
    /// 2. a column of the sort order under an order-preserving transform has bounds at least, of 16 characters if the
    ///    default says less;
    /// 3. the default set; with none set, `truncate(16)`. But where the schema then has more fields than
    ///    `max-inferred-column-defaults`, it is for that many primitive fields only, those of a struct before those inside
    ///    its fields, and `none` for the rest.
    ///
    /// # Spec
    /// None: a convention that other implementations share.
    pub fn new(schema: &Schema, sort_order: &SortOrder, properties: TableProperties<'_>) -> Self {
        let mut warnings = Vec::new();
        let mut by_field = HashMap::new();
        let limit = properties.value(&write::METRICS_MAX_INFERRED_COLUMN_DEFAULTS);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let default = properties.parsed(&write::METRICS_DEFAULT);
        let is_set = properties.map.contains_key(write::METRICS_DEFAULT.key);
        warnings.extend(default.warning);
        let mut default = default.value;
        if !is_set && schema.all_fields().count() > limit {
            let mut first = Vec::new();
            first_fields_of_struct(schema.as_struct(), limit, &mut first);
            by_field.extend(first.into_iter().map(|id| (id, MetricsMode::DEFAULT)));
            default = MetricsMode::None;
        }

        let sorted_default = match default {
            MetricsMode::None | MetricsMode::Counts => MetricsMode::DEFAULT,
            enough => enough,
        };
        let sorted = sort_order.fields.iter().filter(|field| preserves_order(&field.transform));
        by_field.extend(sorted.filter_map(|field| Some((field.source_id()?, sorted_default))));

        for field in schema.all_fields() {
            let mut set = properties.column(&write::METRICS_COLUMN, field.full_name);
            if let Some(warning) = &mut set.warning {
                // A mode that makes no sense counts as the default, not as no mode.
                set.value = Some(default);
                warning.used = default.to_string();
            }
            warnings.extend(set.warning);
            by_field.extend(set.value.map(|mode| (field.id, mode)));
        }
        Self { default, by_field, warnings }
    }

    /// For position-delete files: exact bounds of path and position, whatever the properties say.
    pub fn for_position_deletes() -> Self {
        let full = [FieldId::DELETE_FILE_PATH, FieldId::DELETE_POS].map(|id| (id, MetricsMode::Full));
        Self { default: MetricsMode::DEFAULT, by_field: full.into(), warnings: Vec::new() }
    }

    /// What is measured of a field.
    pub fn mode(&self, id: FieldId) -> MetricsMode {
        self.by_field.get(&id).copied().unwrap_or(self.default)
    }
}

/// The primitive fields of a struct, then those inside its fields, up to a limit. As deep as schemas may be.
fn first_fields_of_struct(fields: &StructType, limit: usize, first: &mut Vec<FieldId>) {
    for field in &fields.fields {
        take_primitive(field.id, &field.field_type, limit, first);
    }
    for field in &fields.fields {
        first_fields_inside(&field.field_type, limit, first);
    }
}

fn first_fields_inside(field_type: &Type, limit: usize, first: &mut Vec<FieldId>) {
    if first.len() >= limit {
        return;
    }
    match field_type {
        Type::Primitive(_) | Type::Variant => {}
        Type::Struct(fields) => first_fields_of_struct(fields, limit, first),
        Type::List(list) => {
            take_primitive(list.element_id, &list.element, limit, first);
            first_fields_inside(&list.element, limit, first);
        }
        Type::Map(map) => {
            take_primitive(map.key_id, &map.key, limit, first);
            take_primitive(map.value_id, &map.value, limit, first);
            first_fields_inside(&map.key, limit, first);
            first_fields_inside(&map.value, limit, first);
        }
    }
}

fn take_primitive(id: FieldId, field_type: &Type, limit: usize, first: &mut Vec<FieldId>) {
    if first.len() < limit && !field_type.is_nested() {
        first.push(id);
    }
}
