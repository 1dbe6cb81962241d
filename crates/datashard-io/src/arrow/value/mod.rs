//! Single values out of and into Arrow arrays, in the types of [`schema_to_arrow`](super::schema_to_arrow).

mod build;
mod pick;
mod repeat;
#[cfg(test)]
mod tests;

pub(crate) use build::{ColumnBuilder, array_of};
pub(crate) use pick::value_at;
pub(crate) use repeat::{Defaults, filled_default, repeat, repeat_with};
