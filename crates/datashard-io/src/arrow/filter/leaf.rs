//! One test of a predicate as a mask over a column.
//!
//! Values are compared as numbers and bytes, in one pass without branches on nulls, which are masked out afterwards. Floats compare as the
//! format wants it, not as Arrow's total order does: NaN passes nothing but `!=` and `not in`, and -0.0 equals 0.0.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::{Array, ArrayAccessor, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimeUnit, TimestampMicrosecondType, TimestampNanosecondType,
};
use datashard_spec::expr::{BoundTerm, Comparison, Leaf, Test};
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

use crate::arrow::value::value_at;
use crate::data_error::DataError;

/// Sets of more literals than this are hashed.
const SCANNED: usize = 8;

/// A test, made ready for arrays of one type.
#[derive(Debug, Clone)]
pub(super) struct LeafFilter {
    field_type: Type,
    leaf: Arc<Leaf<BoundTerm>>,
    fast: Option<Fast>,
}

/// A test that needs no values.
#[derive(Debug, Clone)]
enum Fast {
    Null(bool),
    /// Whether rows that are NaN pass.
    Nan(bool),
    Boolean(Operation<bool>),
    I32(Operation<i32>),
    I64(Operation<i64>),
    I128(Operation<i128>),
    F32(FloatOperation<f32>),
    F64(FloatOperation<f64>),
    Text(Operation<Box<[u8]>>),
    Bytes(Operation<Box<[u8]>>),
    FixedBytes(Operation<Box<[u8]>>),
}

/// A test of values that have a total order.
#[derive(Debug, Clone)]
enum Operation<T> {
    Compare(Comparison, T),
    /// Few values, and whether those in it pass.
    Few(Vec<T>, bool),
    /// Many values, and whether those in it pass.
    Many(Arc<HashSet<T>>, bool),
}

/// A test of floats.
#[derive(Debug, Clone)]
enum FloatOperation<T> {
    Compare(Comparison, T),
    /// Sorted values, and whether those in it pass.
    Among(Vec<T>, bool),
}

impl LeafFilter {
    pub(super) fn new(leaf: &Leaf<BoundTerm>, field_type: Type) -> Self {
        let fast = fast(leaf, &field_type);
        Self { field_type, leaf: Arc::new(leaf.clone()), fast }
    }

    /// Rows that pass for certain. `nulls` are those of the array and of the structs around it.
    pub(super) fn mask(
        &self,
        array: &ArrayRef,
        nulls: Option<&NullBuffer>,
    ) -> Result<BooleanBuffer, DataError> {
        let bits = match &self.fast {
            Some(Fast::Null(wanted)) => {
                return Ok(match (nulls, wanted) {
                    (None, true) => BooleanBuffer::new_unset(array.len()),
                    (None, false) => BooleanBuffer::new_set(array.len()),
                    (Some(nulls), true) => !nulls.inner(),
                    (Some(nulls), false) => nulls.inner().clone(),
                });
            }
            Some(Fast::Nan(true)) => nan_bits(array),
            Some(Fast::Nan(false)) => {
                return Ok(match nan_bits(array) {
                    Some(bits) => !&valid_only(bits, nulls),
                    None => self.row_by_row(array, nulls)?,
                });
            }
            Some(fast) => fast_bits(fast, array),
            None => None,
        };
        match bits {
            Some(bits) => Ok(valid_only(bits, nulls)),
            None => self.row_by_row(array, nulls),
        }
    }

    fn row_by_row(&self, array: &ArrayRef, nulls: Option<&NullBuffer>) -> Result<BooleanBuffer, DataError> {
        let mut passed = Vec::with_capacity(array.len());
        for row in 0..array.len() {
            let value = match nulls {
                Some(nulls) if nulls.is_null(row) => None,
                _ => value_at(array.as_ref(), &self.field_type, row)?,
            };
            passed.push(self.leaf.matches(value.as_ref()));
        }
        Ok(BooleanBuffer::from(passed))
    }
}

fn valid_only(bits: BooleanBuffer, nulls: Option<&NullBuffer>) -> BooleanBuffer {
    match nulls {
        None => bits,
        Some(nulls) => &bits & nulls.inner(),
    }
}

/// The fast way of a test, if it has one. Literals that are not of the column's type have none.
fn fast(leaf: &Leaf<BoundTerm>, field_type: &Type) -> Option<Fast> {
    match &leaf.test {
        // Binding turns null tests of transforms into those of their columns, but a transform may make a null of a value.
        _ if *leaf.term.transform() != Transform::Identity => return None,
        Test::IsNull => return Some(Fast::Null(true)),
        Test::NotNull => return Some(Fast::Null(false)),
        Test::IsNan => return Some(Fast::Nan(true)),
        Test::NotNan => return Some(Fast::Nan(false)),
        _ => {}
    }
    use PrimitiveType as P;
    let test = &leaf.test;
    let Type::Primitive(primitive) = field_type else { return None };
    match primitive {
        P::Boolean => {
            operation(test, |v| if let Value::Boolean(v) = v { Some(*v) } else { None }).map(Fast::Boolean)
        }
        P::Int => operation(test, |v| if let Value::Int(v) = v { Some(*v) } else { None }).map(Fast::I32),
        P::Date => operation(test, |v| if let Value::Date(v) = v { Some(*v) } else { None }).map(Fast::I32),
        P::Long => operation(test, |v| if let Value::Long(v) = v { Some(*v) } else { None }).map(Fast::I64),
        P::Time => operation(test, |v| if let Value::Time(v) = v { Some(*v) } else { None }).map(Fast::I64),
        P::Timestamp => {
            operation(test, |v| if let Value::Timestamp(v) = v { Some(*v) } else { None }).map(Fast::I64)
        }
        P::Timestamptz => {
            operation(test, |v| if let Value::Timestamptz(v) = v { Some(*v) } else { None }).map(Fast::I64)
        }
        P::TimestampNs => {
            operation(test, |v| if let Value::TimestampNs(v) = v { Some(*v) } else { None }).map(Fast::I64)
        }
        P::TimestamptzNs => {
            operation(test, |v| if let Value::TimestamptzNs(v) = v { Some(*v) } else { None }).map(Fast::I64)
        }
        P::Decimal { scale, .. } => operation(test, |v| match v {
            Value::Decimal(v) if v.scale == *scale => Some(v.unscaled),
            _ => None,
        })
        .map(Fast::I128),
        P::Float => {
            float_operation(test, |v| if let Value::Float(v) = v { Some(*v) } else { None }).map(Fast::F32)
        }
        P::Double => {
            float_operation(test, |v| if let Value::Double(v) = v { Some(*v) } else { None }).map(Fast::F64)
        }
        P::String => operation(test, |v| match v {
            Value::String(v) => Some(v.as_bytes().into()),
            _ => None,
        })
        .map(Fast::Text),
        P::Binary => operation(test, |v| match v {
            Value::Binary(v) => Some(v.as_slice().into()),
            _ => None,
        })
        .map(Fast::Bytes),
        P::Fixed(_) => operation(test, |v| match v {
            Value::Fixed(v) => Some(v.as_slice().into()),
            _ => None,
        })
        .map(Fast::FixedBytes),
        P::Uuid => operation(test, |v| match v {
            Value::Uuid(v) => Some(v.as_bytes().as_slice().into()),
            _ => None,
        })
        .map(Fast::FixedBytes),
        _ => None,
    }
}

fn operation<T: Eq + Hash>(test: &Test, plain: impl Fn(&Value) -> Option<T>) -> Option<Operation<T>> {
    let (literals, inside) = match test {
        Test::Compare(comparison, literal) => return Some(Operation::Compare(*comparison, plain(literal)?)),
        Test::In(literals) => (literals, true),
        Test::NotIn(literals) => (literals, false),
        _ => return None,
    };
    if literals.len() > SCANNED {
        let all: Option<HashSet<T>> = literals.iter().map(plain).collect();
        return Some(Operation::Many(Arc::new(all?), inside));
    }
    let all: Option<Vec<T>> = literals.iter().map(plain).collect();
    Some(Operation::Few(all?, inside))
}

fn float_operation<T>(test: &Test, plain: impl Fn(&Value) -> Option<T>) -> Option<FloatOperation<T>> {
    let (literals, inside) = match test {
        Test::Compare(comparison, literal) => {
            return Some(FloatOperation::Compare(*comparison, plain(literal)?));
        }
        Test::In(literals) => (literals, true),
        Test::NotIn(literals) => (literals, false),
        _ => return None,
    };
    let all: Option<Vec<T>> = literals.iter().map(plain).collect();
    Some(FloatOperation::Among(all?, inside))
}

/// Which values are NaN, null or not. `None` if the array has no floats.
fn nan_bits(array: &ArrayRef) -> Option<BooleanBuffer> {
    Some(match array.data_type() {
        DataType::Float32 => bits(array.as_primitive_opt::<Float32Type>()?, f32::is_nan),
        DataType::Float64 => bits(array.as_primitive_opt::<Float64Type>()?, f64::is_nan),
        _ => return None,
    })
}

/// What a test says of the values, as if none were null. `None` if the array is of another type.
fn fast_bits(fast: &Fast, array: &ArrayRef) -> Option<BooleanBuffer> {
    match (fast, array.data_type()) {
        (Fast::Boolean(operation), DataType::Boolean) => {
            let array = array.as_boolean_opt()?;
            Some(match operation {
                Operation::Compare(comparison, literal) => {
                    let accepts = accept(*comparison)?;
                    bits(array, |value| accepts(value.cmp(literal)))
                }
                Operation::Few(values, inside) => bits(array, |value| values.contains(&value) == *inside),
                Operation::Many(values, inside) => bits(array, |value| values.contains(&value) == *inside),
            })
        }
        (Fast::I32(operation), DataType::Int32) => numbers::<Int32Type>(operation, array),
        (Fast::I32(operation), DataType::Date32) => numbers::<Date32Type>(operation, array),
        (Fast::I64(operation), DataType::Int64) => numbers::<Int64Type>(operation, array),
        (Fast::I64(operation), DataType::Time64(TimeUnit::Microsecond)) => {
            numbers::<Time64MicrosecondType>(operation, array)
        }
        (Fast::I64(operation), DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            numbers::<TimestampMicrosecondType>(operation, array)
        }
        (Fast::I64(operation), DataType::Timestamp(TimeUnit::Nanosecond, _)) => {
            numbers::<TimestampNanosecondType>(operation, array)
        }
        (Fast::I128(operation), DataType::Decimal128(..)) => numbers::<Decimal128Type>(operation, array),
        (Fast::F32(operation), DataType::Float32) => {
            floats(operation, array.as_primitive_opt::<Float32Type>()?)
        }
        (Fast::F64(operation), DataType::Float64) => {
            floats(operation, array.as_primitive_opt::<Float64Type>()?)
        }
        (Fast::Text(operation), DataType::Utf8) => byte_strings(operation, array.as_string_opt::<i32>()?),
        (Fast::Bytes(operation), DataType::Binary) => byte_strings(operation, array.as_binary_opt::<i32>()?),
        (Fast::FixedBytes(operation), DataType::FixedSizeBinary(_)) => {
            byte_strings(operation, array.as_fixed_size_binary_opt()?)
        }
        _ => None,
    }
}

fn bits<A: ArrayAccessor>(array: A, passes: impl FnMut(A::Item) -> bool) -> BooleanBuffer {
    BooleanArray::from_unary(array, passes).values().clone()
}

fn numbers<T>(operation: &Operation<T::Native>, array: &ArrayRef) -> Option<BooleanBuffer>
where
    T: ArrowPrimitiveType<Native: Ord + Hash>,
{
    let array: &PrimitiveArray<T> = array.as_primitive_opt::<T>()?;
    Some(match operation {
        // Each comparison is a loop of its own, for the compiler to make vector code of.
        Operation::Compare(comparison, literal) => match comparison {
            Comparison::Less => bits(array, |value| value < *literal),
            Comparison::LessOrEqual => bits(array, |value| value <= *literal),
            Comparison::Greater => bits(array, |value| value > *literal),
            Comparison::GreaterOrEqual => bits(array, |value| value >= *literal),
            Comparison::Equal => bits(array, |value| value == *literal),
            Comparison::NotEqual => bits(array, |value| value != *literal),
            _ => return None,
        },
        Operation::Few(values, inside) => bits(array, |value| values.contains(&value) == *inside),
        Operation::Many(values, inside) => bits(array, |value| values.contains(&value) == *inside),
    })
}

fn floats<T>(operation: &FloatOperation<T::Native>, array: &PrimitiveArray<T>) -> Option<BooleanBuffer>
where
    T: ArrowPrimitiveType<Native: PartialOrd>,
{
    Some(match operation {
        FloatOperation::Compare(comparison, literal) => match comparison {
            Comparison::Less => bits(array, |value| value < *literal),
            Comparison::LessOrEqual => bits(array, |value| value <= *literal),
            Comparison::Greater => bits(array, |value| value > *literal),
            Comparison::GreaterOrEqual => bits(array, |value| value >= *literal),
            Comparison::Equal => bits(array, |value| value == *literal),
            Comparison::NotEqual => bits(array, |value| value != *literal),
            _ => return None,
        },
        FloatOperation::Among(values, inside) if values.len() <= SCANNED => {
            bits(array, |value| values.contains(&value) == *inside)
        }
        FloatOperation::Among(values, inside) => {
            // NaN finds no place among the others.
            let contains = |value: T::Native| {
                values
                    .binary_search_by(|literal| literal.partial_cmp(&value).unwrap_or(Ordering::Less))
                    .is_ok()
            };
            bits(array, |value| contains(value) == *inside)
        }
    })
}

fn byte_strings<'a, A>(operation: &Operation<Box<[u8]>>, array: A) -> Option<BooleanBuffer>
where
    A: ArrayAccessor,
    A::Item: AsBytes<'a> + Copy,
{
    Some(match operation {
        Operation::Compare(Comparison::Equal, literal) => bits(array, |value| value.bytes() == &**literal),
        Operation::Compare(Comparison::NotEqual, literal) => bits(array, |value| value.bytes() != &**literal),
        Operation::Compare(Comparison::StartsWith, literal) => {
            bits(array, |value| value.bytes().starts_with(literal))
        }
        Operation::Compare(Comparison::NotStartsWith, literal) => {
            bits(array, |value| !value.bytes().starts_with(literal))
        }
        Operation::Compare(comparison, literal) => {
            let accepts = accept(*comparison)?;
            bits(array, |value| accepts(value.bytes().cmp(literal)))
        }
        Operation::Few(values, inside) => {
            bits(array, |value| values.iter().any(|one| **one == *value.bytes()) == *inside)
        }
        Operation::Many(values, inside) => bits(array, |value| values.contains(value.bytes()) == *inside),
    })
}

/// Text and bytes alike.
trait AsBytes<'a> {
    fn bytes(self) -> &'a [u8];
}

impl<'a> AsBytes<'a> for &'a str {
    fn bytes(self) -> &'a [u8] {
        self.as_bytes()
    }
}

impl<'a> AsBytes<'a> for &'a [u8] {
    fn bytes(self) -> &'a [u8] {
        self
    }
}

/// Which orders of value and literal pass. `None` for the prefix tests.
fn accept(comparison: Comparison) -> Option<fn(Ordering) -> bool> {
    Some(match comparison {
        Comparison::Less => Ordering::is_lt,
        Comparison::LessOrEqual => Ordering::is_le,
        Comparison::Greater => Ordering::is_gt,
        Comparison::GreaterOrEqual => Ordering::is_ge,
        Comparison::Equal => Ordering::is_eq,
        Comparison::NotEqual => Ordering::is_ne,
        _ => return None,
    })
}
