//! Row groups that cannot hold a match, by bloom filters: none of the values asked for is in the column.

use std::collections::HashMap;

use datashard_spec::expr::{BoundPredicate, Comparison, Node, Test};
use datashard_spec::id::FieldId;
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;
use parquet::basic::Type as PhysicalType;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::RowGroupMetaData;

use super::bounds::BoundColumn;
use super::fetch::Fetch;
use super::prune::{FilterColumn, Pruner};
use crate::data_error::DataError;
use crate::file::guard::guard;

/// Filters are at most 128 MiB by the format; larger ones than this are not worth their bytes.
const MAX_FILTER_BYTES: u64 = 4 * 1024 * 1024;
/// More values than this are not looked up: some would be found by chance.
const MAX_VALUES: usize = 200;

/// The columns whose bloom filters could say something.
fn asked(pruner: &Pruner) -> impl Iterator<Item = &FilterColumn> {
    pruner.columns.iter().filter(|column| {
        pruner.filter.nodes().iter().any(|node| match node {
            Node::Leaf(leaf) => leaf.term.field_id() == column.id && values(&leaf.term, &leaf.test).is_some(),
            _ => false,
        })
    })
}

/// The values of which one must be in the column if the test is to be true.
fn values<'a>(term: &datashard_spec::expr::BoundTerm, test: &'a Test) -> Option<&'a [Value]> {
    if *term.transform() != Transform::Identity {
        return None;
    }
    match test {
        Test::Compare(Comparison::Equal, value) => Some(std::slice::from_ref(value)),
        Test::In(values) if values.len() <= MAX_VALUES => Some(values),
        _ => None,
    }
}

/// Whether a row group may hold a match. Costs a request for each filter that could tell, where the file has any.
///
/// A filter that cannot be decoded says nothing.
pub(super) async fn may_match(
    fetch: &Fetch,
    group: &RowGroupMetaData,
    pruner: &Pruner,
) -> Result<bool, DataError> {
    let mut filters: HashMap<FieldId, (Sbbf, &BoundColumn)> = HashMap::new();
    for column in asked(pruner) {
        let Some(chunk) = group.columns().get(column.leaf) else { continue };
        let place = (chunk.bloom_filter_offset(), chunk.bloom_filter_length());
        let (Some(offset), Some(length)) = place else { continue };
        let (Ok(start), Ok(length)) = (u64::try_from(offset), u64::try_from(length)) else { continue };
        if length > MAX_FILTER_BYTES {
            continue;
        }
        let Some(bytes) = fetch.range(start, length).await? else { continue };
        let decoded = guard(fetch.file(), || "bloom filter".to_owned(), || Ok(Sbbf::from_bytes(&bytes).ok()));
        if let Ok(Some(filter)) = decoded {
            filters.insert(column.id, (filter, &column.bounds));
        }
    }
    Ok(filters.is_empty()
        || evaluate(&pruner.filter, |id, values| {
            filters
                .get(&id)
                .is_none_or(|(filter, column)| values.iter().any(|value| may_hold(filter, column, value)))
        }))
}

/// The predicate, with "may be" for all tests but those of values that `may_hold` knows to be absent.
fn evaluate(filter: &BoundPredicate, may_hold: impl Fn(FieldId, &[Value]) -> bool) -> bool {
    let mut stack: Vec<bool> = Vec::new();
    for node in filter.nodes() {
        let answer = match node {
            Node::False => false,
            Node::Leaf(leaf) => {
                values(&leaf.term, &leaf.test).is_none_or(|values| may_hold(leaf.term.field_id(), values))
            }
            Node::And(count) => {
                let from = stack.len().saturating_sub(*count);
                stack.split_off(from).into_iter().all(|one| one)
            }
            Node::Or(count) => {
                let from = stack.len().saturating_sub(*count);
                stack.split_off(from).into_iter().any(|one| one)
            }
            // Bound predicates have no negation; one that had could only be kept.
            Node::True | Node::Not => true,
        };
        stack.push(answer);
    }
    stack.pop().unwrap_or(true)
}

/// Whether the column may hold a value. Its hash is that of the value as the file stores it; where that is not certain, it may.
fn may_hold(filter: &Sbbf, column: &BoundColumn, value: &Value) -> bool {
    use arrow::datatypes::DataType as D;
    use arrow::datatypes::TimeUnit;
    let number = match (value, &column.stored) {
        (Value::Int(v), D::Int8 | D::Int16 | D::Int32) | (Value::Date(v), D::Date32) => Some(i64::from(*v)),
        (Value::Long(v), D::Int8 | D::Int16 | D::Int32 | D::Int64)
        | (Value::Time(v), D::Time64(TimeUnit::Microsecond))
        | (Value::Timestamp(v) | Value::Timestamptz(v), D::Timestamp(TimeUnit::Microsecond, _))
        | (Value::TimestampNs(v) | Value::TimestamptzNs(v), D::Timestamp(TimeUnit::Nanosecond, _)) => {
            Some(*v)
        }
        _ => None,
    };
    match (column.physical, number, value) {
        // A number that the narrower type of an older file does not hold is not there.
        (PhysicalType::INT32, Some(number), _) => {
            i32::try_from(number).is_ok_and(|number| filter.check(&number))
        }
        (PhysicalType::INT64, Some(number), _) => filter.check(&number),
        (PhysicalType::BYTE_ARRAY, _, Value::String(text)) => filter.check(text.as_str()),
        (PhysicalType::BYTE_ARRAY, _, Value::Binary(bytes)) => filter.check(bytes.as_slice()),
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, _, Value::Fixed(bytes)) => filter.check(bytes.as_slice()),
        (PhysicalType::FIXED_LEN_BYTE_ARRAY, _, Value::Uuid(uuid)) => {
            filter.check(uuid.as_bytes().as_slice())
        }
        _ => true,
    }
}
