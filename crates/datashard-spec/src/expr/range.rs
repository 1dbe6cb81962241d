//! What lower and upper bounds say about a test, for manifests and files alike.
//!
//! Bounds are limits: every value that is neither null nor NaN lies between them, and nothing says that they occur. A
//! bound that is missing, malformed or NaN is `None`, and nothing follows from it.

use std::cmp::Ordering;

use super::key::{Key, contains};
use super::predicate::{Comparison, Test};
use crate::schema::{PrimitiveType, Type};
use crate::value::Value;

/// More literals than this are not looked at.
const MAX_LITERALS: usize = 200;

/// From this length on a bound of text or bytes may be one that was cut: the default of most writers.
const CUT_LENGTH: usize = 16;

#[derive(Clone, Copy)]
pub(super) struct Range<'a> {
    pub(super) lower: Option<Key<'a>>,
    pub(super) upper: Option<Key<'a>>,
    /// Whether they are of text or bytes, which are cut.
    text: bool,
}

impl<'a> Range<'a> {
    pub(super) fn of_bounds(field_type: &Type, lower: Option<&'a [u8]>, upper: Option<&'a [u8]>) -> Self {
        let Type::Primitive(primitive) = field_type else {
            return Self { lower: None, upper: None, text: false };
        };
        let key = |bytes: Option<&'a [u8]>| bytes.and_then(|bytes| Key::of_bound(primitive, bytes));
        let text =
            matches!(primitive, PrimitiveType::String | PrimitiveType::Binary | PrimitiveType::Fixed(_));
        let (lower, upper) = match (key(lower), key(upper)) {
            (Some(Key::Uuid(lower)), Some(Key::Uuid(upper))) => uuids(lower, upper),
            (Some(Key::Uuid(_)), None) | (None, Some(Key::Uuid(_))) => (None, None),
            others => others,
        };
        Self { lower, upper, text }
    }

    /// Whether there is a bound.
    pub(super) fn is_bounded(&self) -> bool {
        self.lower.is_some() || self.upper.is_some()
    }

    /// Where the lower bound lies from a literal.
    fn lower_to(&self, literal: &Value) -> Option<Ordering> {
        self.lower?.compare(Key::of(literal)?)
    }

    fn upper_to(&self, literal: &Value) -> Option<Ordering> {
        self.upper?.compare(Key::of(literal)?)
    }

    fn prefix_of_lower_to(&self, literal: &Value) -> Option<Ordering> {
        self.lower?.compare_with_prefix(Key::of(literal)?)
    }

    fn prefix_of_upper_to(&self, literal: &Value) -> Option<Ordering> {
        self.upper?.compare_with_prefix(Key::of(literal)?)
    }

    fn excludes(&self, literal: &Value) -> bool {
        self.lower_to(literal) == Some(Ordering::Greater) || self.upper_to(literal) == Some(Ordering::Less)
    }

    /// The one value between the bounds, if there is only one.
    fn only(&self) -> Option<Key<'a>> {
        let (lower, upper) = (self.lower?, self.upper?);
        if lower.compare(upper) != Some(Ordering::Equal) {
            return None;
        }
        // A careless writer may have cut both to the same text.
        match lower {
            Key::Bytes(bytes) if self.text && bytes.len() >= CUT_LENGTH => None,
            only => Some(only),
        }
    }

    fn all_start_with(&self, prefix: &Value) -> bool {
        let starts = |bound: Option<Key<'_>>| bound?.starts_with(Key::of(prefix)?);
        starts(self.lower) == Some(true) && starts(self.upper) == Some(true)
    }

    fn none_starts_with(&self, prefix: &Value) -> bool {
        self.prefix_of_lower_to(prefix) == Some(Ordering::Greater)
            || self.prefix_of_upper_to(prefix) == Some(Ordering::Less)
    }

    /// Whether any of the sorted literals lies between the bounds.
    fn may_hold_any(&self, literals: &[Value]) -> bool {
        let first = literals.partition_point(|literal| self.lower_to(literal) == Some(Ordering::Greater));
        literals.get(first).is_some_and(|literal| self.upper_to(literal) != Some(Ordering::Less))
    }

    /// Whether the test may be true for a value. `nan` says whether NaNs may be among them.
    pub(super) fn may_match(&self, test: &Test, nan: bool) -> bool {
        match test {
            Test::IsNull | Test::NotNull | Test::IsNan | Test::NotNan => true,
            Test::Compare(comparison, literal) => match comparison {
                Comparison::Less => self.lower_to(literal).is_none_or(Ordering::is_lt),
                Comparison::LessOrEqual => self.lower_to(literal).is_none_or(Ordering::is_le),
                Comparison::Greater => self.upper_to(literal).is_none_or(Ordering::is_gt),
                Comparison::GreaterOrEqual => self.upper_to(literal).is_none_or(Ordering::is_ge),
                Comparison::Equal => !self.excludes(literal),
                Comparison::NotEqual => {
                    let only = self.only().and_then(|only| only.compare(Key::of(literal)?));
                    nan || only != Some(Ordering::Equal)
                }
                Comparison::StartsWith => !self.none_starts_with(literal),
                Comparison::NotStartsWith => !self.all_start_with(literal),
            },
            Test::In(literals) => literals.len() > MAX_LITERALS || self.may_hold_any(literals),
            Test::NotIn(literals) => {
                nan || self.only().and_then(|only| contains(literals, only)) != Some(true)
            }
        }
    }

    /// Whether the test is true for every value that is neither null nor NaN.
    pub(super) fn must_match(&self, test: &Test) -> bool {
        match test {
            Test::IsNull | Test::NotNull | Test::IsNan | Test::NotNan => false,
            Test::Compare(comparison, literal) => match comparison {
                Comparison::Less => self.upper_to(literal).is_some_and(Ordering::is_lt),
                Comparison::LessOrEqual => self.upper_to(literal).is_some_and(Ordering::is_le),
                Comparison::Greater => self.lower_to(literal).is_some_and(Ordering::is_gt),
                Comparison::GreaterOrEqual => self.lower_to(literal).is_some_and(Ordering::is_ge),
                Comparison::Equal => {
                    self.only().and_then(|only| only.compare(Key::of(literal)?)) == Some(Ordering::Equal)
                }
                Comparison::NotEqual => self.excludes(literal),
                Comparison::StartsWith => self.all_start_with(literal),
                Comparison::NotStartsWith => self.none_starts_with(literal),
            },
            Test::In(literals) => self.only().and_then(|only| contains(literals, only)) == Some(true),
            Test::NotIn(literals) => {
                literals.len() <= MAX_LITERALS && literals.iter().all(|literal| self.excludes(literal))
            }
        }
    }
}

/// Limits of UUIDs whatever order their writer had: that of unsigned bytes, which is right, or that of two signed
/// longs, which Java had for years. Then the bounds of values of which some have the highest bit stand the wrong way
/// round, and the lower halves bound nothing.
fn uuids<'a>(lower: u128, upper: u128) -> (Option<Key<'a>>, Option<Key<'a>>) {
    const LOW_HALF: u128 = 0xffff_ffff_ffff_ffff;
    let negative = |uuid: u128| uuid.leading_zeros() == 0;
    let (low_half_cut, low_half_full) = (lower & !LOW_HALF, upper | LOW_HALF);
    if lower == upper || (!negative(lower) && negative(upper)) {
        // One value, or what signed longs would have the other way round.
        (Some(Key::Uuid(lower)), Some(Key::Uuid(upper)))
    } else if low_half_cut < low_half_full {
        (Some(Key::Uuid(low_half_cut)), Some(Key::Uuid(low_half_full)))
    } else {
        (None, None)
    }
}

impl Test {
    /// Whether [`Range::may_match`] looks at the lower bound, and at the upper one. UUIDs need both.
    pub(super) fn limits(&self, of: &Type) -> (bool, bool) {
        match self {
            _ if *of == Type::Primitive(PrimitiveType::Uuid) => (true, true),
            Self::Compare(Comparison::Less | Comparison::LessOrEqual, _) => (true, false),
            Self::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _) => (false, true),
            _ => (true, true),
        }
    }

    /// Whether the test is true for NaN.
    pub(super) fn takes_nan(&self) -> bool {
        matches!(self, Self::IsNan | Self::NotNull | Self::NotIn(_) | Self::Compare(Comparison::NotEqual, _))
    }
}
