//! Projection through `truncate` of whole numbers and decimals.
//!
//! Done in 128 bits, where nothing overflows. The multiples of the width nearest to the lowest int or long lie below it:
//! writers that wrap around store a huge number for those values, others store the lowest number itself. Both are allowed
//! for, in a long column also as they were stored while it was an int.

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

/// The numbers at the low end of an int or long whose multiple lies below it, and what may be stored for them.
struct Bottom {
    first: i128,
    last: i128,
    stored: [i128; 2],
}

impl Truncate {
    fn floor(&self, number: i128) -> i128 {
        number.saturating_sub(number.checked_rem_euclid(self.width).unwrap_or(0))
    }

    /// `number` cut to its multiple, if that is of the type.
    fn cut(&self, number: i128) -> Option<i128> {
        let cut = self.floor(number);
        self.kind.ends().is_none_or(|(min, _)| cut >= min).then_some(cut)
    }

    /// Of the type, and of the type that it was promoted from.
    fn bottoms(&self) -> impl Iterator<Item = Bottom> {
        let kinds: &[Kind] = match self.kind {
            Kind::Int => &[Kind::Int],
            Kind::Long => &[Kind::Long, Kind::Int],
            Kind::Decimal { .. } => &[],
        };
        kinds.iter().filter_map(|kind| {
            let (min, max) = kind.ends()?;
            let below = self.floor(min);
            let span = max.saturating_sub(min).saturating_add(1);
            (below < min).then(|| Bottom {
                first: min,
                last: below.saturating_add(self.width).saturating_sub(1),
                stored: [min, below.saturating_add(span)],
            })
        })
    }

    /// What may be stored, besides the multiple, for numbers from `first` to `last`.
    fn odd(&self, first: i128, last: i128) -> Vec<i128> {
        let met = self.bottoms().filter(|bottom| bottom.first <= last && bottom.last >= first);
        met.flat_map(|bottom| bottom.stored).collect()
    }

    fn leaf(&self, comparison: Comparison, number: i128) -> Option<Tree<Test>> {
        self.kind.value(number).map(|value| Tree::leaf(Test::Compare(comparison, value)))
    }

    /// All that may be stored for a number.
    fn stored(&self, number: i128) -> Vec<Value> {
        let odd = self.odd(number, number);
        self.cut(number).into_iter().chain(odd).filter_map(|number| self.kind.value(number)).collect()
    }

    /// True for every partition with a value up to `number`.
    fn up_to(&self, number: i128) -> Tree<Test> {
        let limit = self.cut(number).or(self.kind.ends().map(|(min, _)| min)).unwrap_or(number);
        let odd = self.odd(i128::MIN, number).into_iter().filter(|stored| *stored > limit);
        Tree::all(
            Connective::Or,
            self.leaf(Comparison::LessOrEqual, limit)
                .into_iter()
                .chain(odd.filter_map(|stored| self.leaf(Comparison::Equal, stored))),
        )
    }

    /// True for every partition with a value from `number` on: all else that is stored for one is greater.
    fn from(&self, number: i128) -> Tree<Test> {
        let cut = self.cut(number).and_then(|cut| self.leaf(Comparison::GreaterOrEqual, cut));
        cut.unwrap_or_else(|| Tree::leaf(Test::NotNull))
    }

    /// True only for partitions without a value from `number` on.
    fn only_below(&self, number: i128) -> Tree<Test> {
        let cut = self.cut(number).and_then(|cut| self.leaf(Comparison::Less, cut));
        cut.unwrap_or_else(|| Tree::constant(false))
    }

    /// True only for partitions without a value up to `number`.
    fn only_above(&self, number: i128) -> Tree<Test> {
        let limit = self.cut(number).or(self.kind.ends().map(|(min, _)| min)).unwrap_or(number);
        let odd = self.odd(i128::MIN, number).into_iter().filter(|stored| *stored > limit);
        Tree::all(
            Connective::And,
            self.leaf(Comparison::Greater, limit)
                .into_iter()
                .chain(odd.filter_map(|stored| self.leaf(Comparison::NotEqual, stored))),
        )
    }
}

/// A test of the very same transform, on a source of this type.
pub(super) fn same_number(test: &Test, width: u32, source: &PrimitiveType) -> Projected {
    let kind = match source {
        PrimitiveType::Int => Kind::Int,
        PrimitiveType::Long => Kind::Long,
        _ => return Projected::same(test.clone()),
    };
    // The lowest number of its own type is what the transform makes of these values here, too.
    let own = kind.ends().map(|(min, _)| min);
    let mut odd = (Truncate { kind, width: width.into() }).odd(i128::MIN, i128::MAX);
    odd.retain(|stored| Some(*stored) != own);
    let odd: Vec<Value> = odd.into_iter().filter_map(|stored| kind.value(stored)).collect();
    if odd.is_empty() {
        return Projected::same(test.clone());
    }
    let test = || Tree::leaf(test.clone());
    Projected {
        inclusive: Tree::all(Connective::Or, [test(), Tree::leaf(set_test(odd.clone(), true))]),
        strict: Tree::all(Connective::And, [test(), Tree::leaf(set_test(odd, false))]),
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
