//! Predicates over rows, partitions and column metrics.
//!
//! A [`Predicate`] is written by name (with [`col`], as text, or as JSON) and [bound](Predicate::bind) to a schema. From the
//! [`BoundPredicate`] come, each made once and used for many:
//!
//! | made from it | looks at | says |
//! |---|---|---|
//! | [`BoundPredicate::evaluate`] | a row | true, false or unknown |
//! | [`InclusiveProjection`], [`StrictProjection`] | a partition tuple | may a row match; must every row |
//! | [`ManifestEvaluator`] | partition summaries of a manifest | may a row match |
//! | [`InclusiveMetrics`], [`StrictMetrics`] | column metrics of a file | may a row match; must every row |
//! | [`Residual`] | a partition tuple | what is left to test of its rows |
//!
//! One logic throughout, SQL's: a comparison with null is unknown, and only rows for which the predicate is true match. What
//! is pruned never holds such a row, what must match holds no other.

mod bind;
mod bounds;
pub(crate) mod error;
mod eval;
mod json;
mod key;
mod lexer;
mod literal;
mod manifest;
mod metrics;
mod parse;
mod predicate;
mod program;
mod project;
mod range;
mod residual;
mod text;
mod transform;
mod transform_number;
mod transform_time;
mod tree;

pub use bind::{BoundPredicate, BoundTerm};
pub use bounds::{truncate_lower, truncate_upper};
pub use error::ExprError;
pub use eval::Row;
pub use literal::Literal;
pub use manifest::{ManifestEvaluator, PartitionFieldSummary};
pub use metrics::{ColumnMetrics, InclusiveMetrics, StrictMetrics};
pub use predicate::{Comparison, Leaf, Predicate, Term, Test, col};
pub use project::{InclusiveProjection, PartitionTerm, StrictProjection};
pub use residual::Residual;
pub use tree::Node;

#[cfg(test)]
mod properties;
