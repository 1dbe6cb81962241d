//! Predicates over rows, partitions and column metrics.

pub(crate) mod error;

pub use error::ExprError;
