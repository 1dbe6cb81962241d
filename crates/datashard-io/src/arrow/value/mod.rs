//! Single values out of and into Arrow arrays, in the types of [`schema_to_arrow`](super::schema_to_arrow).

mod build;
mod parts;
mod pick;
mod repeat;
mod size;
#[cfg(test)]
mod tests;

pub(crate) use build::ColumnBuilder;
#[cfg(test)]
pub(crate) use build::array_of;
pub(crate) use pick::value_at;
pub(crate) use repeat::{Defaults, filled_default, nulls, repeat, repeat_with};
