//! Projection through `truncate` of whole numbers and decimals.
//!
//! Done in 128 bits, where nothing overflows. The multiples of the width nearest to the lowest int or long lie below it:
//! writers that wrap around store a huge number for those values, others store the lowest number itself. Both are allowed
//! for.

use super::predicate::{Comparison, Test};
use super::transform::{Projected, project_equality, set_test};
use super::tree::{Connective, Tree};
use crate::schema::PrimitiveType;
use crate::value::{Decimal, Value};

/// Which numbers.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Long,
    Decimal { scale: u8 },
}

impl Kind {
    fn of(literal: &Value) -> Option<(Self, i128)> {
        match literal {
            Value::Int(v) => Some((Self::Int, (*v).into())),
            Value::Long(v) => Some((Self::Long, (*v).into())),
            Value::Decimal(v) => Some((Self::Decimal { scale: v.scale }, v.unscaled)),
            _ => None,
        }
    }

    fn value(self, number: i128) -> Option<Value> {
        Some(match self {
            Self::Int => Value::Int(number.try_into().ok()?),
            Self::Long => Value::Long(number.try_into().ok()?),
            Self::Decimal { scale } => Value::Decimal(Decimal { scale, unscaled: number }),
        })
    }

    /// The lowest and highest number, if there are such.
    fn ends(self) -> Option<(i128, i128)> {
        match self {
            Self::Int => Some((i32::MIN.into(), i32::MAX.into())),
            Self::Long => Some((i64::MIN.into(), i64::MAX.into())),
            Self::Decimal { .. } => None,
        }
    }
}

struct Truncate {
    kind: Kind,
    width: i128,
}

impl Truncate {
    fn floor(&self, number: i128) -> i128 {
        number.saturating_sub(number.checked_rem_euclid(self.width).unwrap_or(0))
    }

    /// What is stored for the values whose multiple lies below the lowest number: that number, or one wrapped around.
    fn bottom(&self) -> Option<(Value, Value)> {
        let (min, max) = self.kind.ends()?;
        let below = self.floor(min);
        if below == min {
            return None;
        }
        let span = max.saturating_sub(min).saturating_add(1);
        Some((self.kind.value(min)?, self.kind.value(below.saturating_add(span))?))
    }

    /// All that may be stored for a number.
    fn stored(&self, number: i128) -> Vec<Value> {
        match (self.kind.value(self.floor(number)), self.bottom()) {
            (Some(value), _) => vec![value],
            (None, Some((lowest, wrapped))) => vec![lowest, wrapped],
            (None, None) => Vec::new(),
        }
    }

    /// True for every partition with a value up to `number`.
    fn up_to(&self, number: i128) -> Tree<Test> {
        let at_most = |value| Tree::leaf(Test::Compare(Comparison::LessOrEqual, value));
        let equal = |value| Tree::leaf(Test::Compare(Comparison::Equal, value));
        match (self.kind.value(self.floor(number)), self.bottom()) {
            (Some(value), None) => at_most(value),
            (Some(value), Some((_, wrapped))) => Tree::all(Connective::Or, [at_most(value), equal(wrapped)]),
            (None, Some((lowest, wrapped))) => Tree::all(Connective::Or, [at_most(lowest), equal(wrapped)]),
            (None, None) => Tree::constant(true),
        }
    }

    /// True for every partition with a value from `number` on.
    fn from(&self, number: i128) -> Tree<Test> {
        Tree::leaf(match self.kind.value(self.floor(number)) {
            Some(value) => Test::Compare(Comparison::GreaterOrEqual, value),
            None => Test::NotNull,
        })
    }

    /// True only for partitions without a value from `number` on.
    fn only_below(&self, number: i128) -> Tree<Test> {
        match self.kind.value(self.floor(number)) {
            Some(value) => Tree::leaf(Test::Compare(Comparison::Less, value)),
            None => Tree::constant(false),
        }
    }

    /// True only for partitions without a value up to `number`.
    fn only_above(&self, number: i128) -> Tree<Test> {
        let above = |value| Tree::leaf(Test::Compare(Comparison::Greater, value));
        let not = |value| Tree::leaf(Test::Compare(Comparison::NotEqual, value));
        match (self.kind.value(self.floor(number)), self.bottom()) {
            (Some(value), None) => above(value),
            (Some(value), Some((_, wrapped))) => Tree::all(Connective::And, [above(value), not(wrapped)]),
            (None, Some((lowest, wrapped))) => Tree::all(Connective::And, [above(lowest), not(wrapped)]),
            (None, None) => Tree::constant(false),
        }
    }
}

/// A test of the very same transform, on a source of this type.
pub(super) fn same_number(test: &Test, width: u32, source: &PrimitiveType) -> Projected {
    let kind = match source {
        PrimitiveType::Int => Kind::Int,
        PrimitiveType::Long => Kind::Long,
        _ => return Projected::same(test.clone()),
    };
    let Some((_, wrapped)) = (Truncate { kind, width: width.into() }).bottom() else {
        return Projected::same(test.clone());
    };
    let compare = |comparison| Tree::leaf(Test::Compare(comparison, wrapped.clone()));
    let test = || Tree::leaf(test.clone());
    Projected {
        inclusive: Tree::all(Connective::Or, [test(), compare(Comparison::Equal)]),
        strict: Tree::all(Connective::And, [test(), compare(Comparison::NotEqual)]),
    }
}

/// Projects through `truncate` of this width.
pub(super) fn project_number(test: &Test, width: u32) -> Projected {
    if width == 0 {
        return Projected::nothing();
    }
    let stored = |literals: &[Value]| {
        let mut all = Vec::with_capacity(literals.len());
        for literal in literals {
            let (kind, number) = Kind::of(literal)?;
            all.append(&mut Truncate { kind, width: width.into() }.stored(number));
        }
        Some(all)
    };
    let (comparison, literal) = match test {
        Test::Compare(comparison, literal) => (comparison, literal),
        _ => return project_equality(test, stored).unwrap_or_else(Projected::nothing),
    };
    let Some((kind, number)) = Kind::of(literal) else { return Projected::nothing() };
    let truncate = Truncate { kind, width: width.into() };
    // The neighbours of the literal; `None` beyond the ends, where a test is decided for all values.
    let within = |number: i128| kind.ends().is_none_or(|(min, max)| (min..=max).contains(&number));
    let before = Some(number.saturating_sub(1)).filter(|n| within(*n));
    let after = Some(number.saturating_add(1)).filter(|n| within(*n));
    let none = || Tree::constant(false);
    let all = || Tree::leaf(Test::NotNull);
    match comparison {
        Comparison::Less => Projected {
            inclusive: before.map_or_else(none, |before| truncate.up_to(before)),
            strict: truncate.only_below(number),
        },
        Comparison::LessOrEqual => Projected {
            inclusive: truncate.up_to(number),
            strict: after.map_or_else(all, |after| truncate.only_below(after)),
        },
        Comparison::Greater => Projected {
            inclusive: after.map_or_else(none, |after| truncate.from(after)),
            strict: truncate.only_above(number),
        },
        Comparison::GreaterOrEqual => Projected {
            inclusive: truncate.from(number),
            strict: before.map_or_else(all, |before| truncate.only_above(before)),
        },
        Comparison::Equal => Projected::inclusive(set_test(truncate.stored(number), true)),
        Comparison::NotEqual => Projected::strict(set_test(truncate.stored(number), false)),
        Comparison::StartsWith | Comparison::NotStartsWith => Projected::nothing(),
    }
}
