//! Table properties, typed: keys, defaults, and what to do with values that make no sense.
//!
//! A table must not become unreadable because somebody set a property to nonsense: a bad value reads as the default, and
//! a [`PropertyWarning`] says so. Properties that are not known are nobody's business here and survive rewrites.

pub mod commit;
pub mod datashard;
mod metrics;
pub mod parquet;
pub mod read;
mod reserved;
pub mod table;
#[cfg(test)]
mod tests;
mod value;
pub mod write;

pub use metrics::{MetricsConfig, MetricsMode};
pub use reserved::{RESERVED_KEYS, is_reserved, reserved_in};
pub use value::{
    AvroCompression, DeleteGranularity, DistributionMode, IsolationLevel, MetadataCompression,
    OrcCompression, OrcCompressionStrategy, ParquetCompression, ParquetPageVersion, PlanningMode,
    PropertyValue, WriteFormat, WriteMode,
};

use std::collections::BTreeMap;
use std::fmt;

/// A property with its type and default.
#[derive(Debug)]
#[non_exhaustive]
pub struct Property<T: 'static> {
    /// The key.
    pub key: &'static str,
    /// What counts where the key is not set.
    pub default: PropertyDefault<T>,
    accept: fn(&T) -> bool,
}

/// What counts where a property is not set.
#[derive(Debug)]
#[non_exhaustive]
pub enum PropertyDefault<T: 'static> {
    /// This value.
    Value(T),
    /// The value of another property.
    Like(&'static Property<T>),
}

/// A property of text, which is never malformed.
#[derive(Debug)]
#[non_exhaustive]
pub struct TextProperty {
    /// The key.
    pub key: &'static str,
}

/// A property that is set per column: the prefix is followed by the column's full name.
#[derive(Debug)]
#[non_exhaustive]
pub struct ColumnProperty<T: 'static> {
    /// What the keys begin with, the dot included.
    pub prefix: &'static str,
    /// What counts where the key is not set.
    pub default: T,
    accept: fn(&T) -> bool,
}

/// A value of a property, perhaps with a complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parsed<T> {
    /// The value to go by.
    pub value: T,
    /// Why it is not what is set in the table.
    pub warning: Option<PropertyWarning>,
}

/// A property whose value makes no sense, and what is used in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PropertyWarning {
    /// The key.
    pub key: String,
    /// The value set, shortened.
    pub found: String,
    /// The value used.
    pub used: String,
}

impl PropertyWarning {
    /// A complaint about a value that makes no sense together with others, or that is not supported.
    pub fn new(key: impl Into<String>, found: &str, used: impl Into<String>) -> Self {
        Self { key: key.into(), found: crate::error::excerpt(found), used: used.into() }
    }
}

impl fmt::Display for PropertyWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "property {} is \"{}\", which makes no sense; using {}", self.key, self.found, self.used)
    }
}

/// The properties of a table, seen through types.
///
/// # Examples
/// ```
/// use std::collections::BTreeMap;
/// use datashard_spec::property::{TableProperties, commit, write};
///
/// let map = BTreeMap::from([("commit.retry.num-retries".to_owned(), "many".to_owned())]);
/// let properties = TableProperties::new(&map);
/// assert_eq!(properties.value(&write::TARGET_FILE_SIZE_BYTES), 536_870_912);
/// assert_eq!(properties.value(&commit::NUM_RETRIES), 4);
/// assert_eq!(properties.warnings()[0].key, commit::NUM_RETRIES.key);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TableProperties<'a> {
    map: &'a BTreeMap<String, String>,
}

impl<'a> TableProperties<'a> {
    /// A view of these properties.
    pub fn new(map: &'a BTreeMap<String, String>) -> Self {
        Self { map }
    }

    /// The value set, or what counts in its place.
    pub fn value<T: PropertyValue>(&self, property: &'static Property<T>) -> T {
        self.parsed(property).value
    }

    /// As [`value`](Self::value), with a warning if the value set makes no sense.
    pub fn parsed<T: PropertyValue>(&self, property: &'static Property<T>) -> Parsed<T> {
        let default = || match &property.default {
            PropertyDefault::Value(value) => *value,
            PropertyDefault::Like(other) => self.value(other),
        };
        self.parse(property.key, property.accept, default)
    }

    /// The text set.
    pub fn text(&self, property: &TextProperty) -> Option<&'a str> {
        self.map.get(property.key).map(String::as_str)
    }

    /// The value set for this column, or the default, with a warning if the value set makes no sense.
    pub fn column<T: PropertyValue>(&self, property: &ColumnProperty<T>, full_name: &str) -> Parsed<T> {
        self.parse(&format!("{}{full_name}", property.prefix), property.accept, || property.default)
    }

    /// All values set that make no sense, those of metrics modes included.
    pub fn warnings(&self) -> Vec<PropertyWarning> {
        let areas = [commit::ALL, write::ALL, parquet::ALL, read::ALL, table::ALL, datashard::ALL];
        areas.iter().flat_map(|all| all.iter()).flat_map(|any| any.warnings(self)).collect()
    }

    fn parse<T: PropertyValue>(
        &self,
        key: &str,
        accept: fn(&T) -> bool,
        default: impl Fn() -> T,
    ) -> Parsed<T> {
        let Some(found) = self.map.get(key) else { return Parsed { value: default(), warning: None } };
        match T::parse(found.trim()).filter(accept) {
            Some(value) => Parsed { value, warning: None },
            None => {
                let value = default();
                let found = crate::error::excerpt(found);
                let warning = PropertyWarning { key: key.to_owned(), found, used: value.text() };
                Parsed { value, warning: Some(warning) }
            }
        }
    }
}

/// A property of any type, for going through all of them.
trait AnyProperty: Sync {
    fn warnings(&'static self, properties: &TableProperties<'_>) -> Vec<PropertyWarning>;
}

impl<T: PropertyValue> AnyProperty for Property<T> {
    fn warnings(&'static self, properties: &TableProperties<'_>) -> Vec<PropertyWarning> {
        properties.parsed(self).warning.into_iter().collect()
    }
}

impl<T: PropertyValue> AnyProperty for ColumnProperty<T> {
    fn warnings(&'static self, properties: &TableProperties<'_>) -> Vec<PropertyWarning> {
        let set = properties.map.range(self.prefix.to_owned()..);
        set.map_while(|(key, _)| key.strip_prefix(self.prefix))
            .filter_map(|column| properties.column(self, column).warning)
            .collect()
    }
}

/// Defines properties as statics, and `ALL` of them.
///
/// `"key" or default`, `"key" or default, positive` (0 makes no sense), `"key" like OTHER`, `"prefix." per_column default`.
macro_rules! properties {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $key:literal $mode:ident $default:expr $(, $rule:ident)?;)*) => {
        $(
            $(#[$doc])*
            pub static $name: $crate::property::properties!(@type $mode $type) =
                $crate::property::properties!(@value $mode $key, $default, $crate::property::properties!(@rule $($rule)?));
        )*
        pub(super) static ALL: &[&dyn super::AnyProperty] = &[$(&$name),*];
    };
    (@type per_column $type:ty) => { $crate::property::ColumnProperty<$type> };
    (@type $mode:ident $type:ty) => { $crate::property::Property<$type> };
    (@value or $key:literal, $default:expr, $rule:expr) => {
        $crate::property::Property { key: $key, default: $crate::property::PropertyDefault::Value($default), accept: $rule }
    };
    (@value like $key:literal, $other:expr, $rule:expr) => {
        $crate::property::Property { key: $key, default: $crate::property::PropertyDefault::Like(&$other), accept: $rule }
    };
    (@value per_column $key:literal, $default:expr, $rule:expr) => {
        $crate::property::ColumnProperty { prefix: $key, default: $default, accept: $rule }
    };
    (@rule) => { |_| true };
    (@rule positive) => { |value| *value > 0 };
    (@rule fraction) => { |value| *value > 0.0 && *value < 1.0 };
}
use properties;
