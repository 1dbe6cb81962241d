//! Predicates by name: what a caller writes down, before it meets a schema.

use super::literal::Literal;
use super::tree::{Connective, Node, Tree};
use crate::transform::Transform;
use crate::value::Value;

/// A predicate over rows, with columns by name.
///
/// Build it with [`col`], or read it from text ([`str::parse`]) or JSON ([`Predicate::from_json`]); then
/// [`bind`](Predicate::bind) it to a schema. It displays as text that reads back as the same predicate.
///
/// # Examples
/// ```
/// use datashard_spec::expr::{Predicate, col};
///
/// let predicate = col("age").greater_than(30).and(col("name").starts_with("a"));
/// assert_eq!(predicate.to_string(), "age > 30 and name starts with 'a'");
/// assert_eq!("age > 30 and name like 'a%'".parse::<Predicate>()?, predicate);
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Predicate(pub(super) Tree<Leaf<Term>>);

/// A test of one term: a [`Term`] by name, or a [`BoundTerm`](super::BoundTerm).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Leaf<T> {
    /// What is tested.
    pub term: T,
    /// How.
    pub test: Test,
}

/// How a term is tested.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Test {
    /// Whether it is null.
    IsNull,
    /// Whether it is not null.
    NotNull,
    /// Whether it is NaN. False for null.
    IsNan,
    /// Whether it is anything but NaN. True for null.
    NotNan,
    /// Whether it compares like this with a literal.
    Compare(Comparison, Value),
    /// Whether it is one of these.
    In(Vec<Value>),
    /// Whether it is none of these.
    NotIn(Vec<Value>),
}

/// How a value compares with a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// Text or bytes that begin with the literal.
    StartsWith,
    /// Text or bytes that do not begin with the literal.
    NotStartsWith,
}

/// A column by full name, or a transform of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Term {
    name: String,
    transform: Transform,
}

/// The column with this full name.
pub fn col(name: impl Into<String>) -> Term {
    Term { name: name.into(), transform: Transform::Identity }
}

impl Predicate {
    /// A predicate that every row matches.
    pub fn always_true() -> Self {
        Self(Tree::constant(true))
    }

    /// A predicate that no row matches.
    pub fn always_false() -> Self {
        Self(Tree::constant(false))
    }

    /// A single test. Literals are taken as the type-free numbers that text has: an int becomes a long, a float a double.
    pub fn test(term: Term, test: Test) -> Self {
        let plain = |value| Literal::from(value).0;
        let test = match test {
            Test::Compare(comparison, value) => Test::Compare(comparison, plain(value)),
            Test::In(values) => Test::In(values.into_iter().map(plain).collect()),
            Test::NotIn(values) => Test::NotIn(values.into_iter().map(plain).collect()),
            other => other,
        };
        Self(Tree::leaf(Leaf { term, test }))
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.join(Connective::And, other.0))
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.join(Connective::Or, other.0))
    }

    /// The opposite: by definition that of each test in it, so `not (x > 5)` is `x <= 5`. A row whose test is unknown
    /// (null) matches neither.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it reads with and, or; the operator is there too")]
    pub fn not(self) -> Self {
        Self(self.0.negate())
    }

    /// The predicate in postfix order, for those who translate it.
    pub fn nodes(&self) -> &[Node<Leaf<Term>>] {
        self.0.nodes()
    }
}

impl std::ops::Not for Predicate {
    type Output = Self;

    fn not(self) -> Self {
        Predicate::not(self)
    }
}

impl Test {
    /// The test that holds where this one does not (null apart).
    pub(super) fn negated(&self) -> Self {
        match self {
            Self::IsNull => Self::NotNull,
            Self::NotNull => Self::IsNull,
            Self::IsNan => Self::NotNan,
            Self::NotNan => Self::IsNan,
            Self::Compare(comparison, value) => Self::Compare(comparison.negated(), value.clone()),
            Self::In(values) => Self::NotIn(values.clone()),
            Self::NotIn(values) => Self::In(values.clone()),
        }
    }
}

impl Comparison {
    fn negated(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::StartsWith => Self::NotStartsWith,
            Self::NotStartsWith => Self::StartsWith,
        }
    }
}

impl Term {
    /// The transform of this column, in place of any transform before.
    #[must_use]
    pub fn with_transform(mut self, transform: Transform) -> Self {
        self.transform = transform;
        self
    }

    /// The full name of the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is applied to the column before the test; [`Transform::Identity`] for the column itself.
    pub fn transform(&self) -> &Transform {
        &self.transform
    }

    fn compare(self, comparison: Comparison, literal: impl Into<Literal>) -> Predicate {
        Predicate(Tree::leaf(Leaf { term: self, test: Test::Compare(comparison, literal.into().0) }))
    }

    /// `<`
    pub fn less_than(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::Less, literal)
    }

    /// `<=`
    pub fn less_than_or_equal(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::LessOrEqual, literal)
    }

    /// `>`
    pub fn greater_than(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::Greater, literal)
    }

    /// `>=`
    pub fn greater_than_or_equal(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::GreaterOrEqual, literal)
    }

    /// `=`
    pub fn equal_to(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::Equal, literal)
    }

    /// `!=`
    pub fn not_equal_to(self, literal: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::NotEqual, literal)
    }

    /// Begins with this text, or these bytes.
    pub fn starts_with(self, prefix: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::StartsWith, prefix)
    }

    /// Does not begin with this text, or these bytes.
    pub fn not_starts_with(self, prefix: impl Into<Literal>) -> Predicate {
        self.compare(Comparison::NotStartsWith, prefix)
    }

    /// From `low` to `high`, both included.
    pub fn between(self, low: impl Into<Literal>, high: impl Into<Literal>) -> Predicate {
        self.clone().greater_than_or_equal(low).and(self.less_than_or_equal(high))
    }

    /// Is one of these.
    pub fn is_in<V: Into<Literal>>(self, literals: impl IntoIterator<Item = V>) -> Predicate {
        let values = literals.into_iter().map(|literal| literal.into().0).collect();
        Predicate(Tree::leaf(Leaf { term: self, test: Test::In(values) }))
    }

    /// Is none of these.
    pub fn not_in<V: Into<Literal>>(self, literals: impl IntoIterator<Item = V>) -> Predicate {
        let values = literals.into_iter().map(|literal| literal.into().0).collect();
        Predicate(Tree::leaf(Leaf { term: self, test: Test::NotIn(values) }))
    }

    /// Is null.
    pub fn is_null(self) -> Predicate {
        Predicate(Tree::leaf(Leaf { term: self, test: Test::IsNull }))
    }

    /// Is not null.
    pub fn is_not_null(self) -> Predicate {
        Predicate(Tree::leaf(Leaf { term: self, test: Test::NotNull }))
    }

    /// Is NaN. False for null.
    pub fn is_nan(self) -> Predicate {
        Predicate(Tree::leaf(Leaf { term: self, test: Test::IsNan }))
    }

    /// Is anything but NaN. True for null.
    pub fn is_not_nan(self) -> Predicate {
        Predicate(Tree::leaf(Leaf { term: self, test: Test::NotNan }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_predicate_nested_without_end_is_built_copied_and_dropped() {
        let mut deep = col("a").is_null();
        for i in 0..100_000 {
            deep = deep.and(col("b").equal_to(i)).or(col("c").is_null());
        }
        let copy = deep.clone();
        assert_eq!(copy, deep);
        assert_eq!(deep.0.depth(), 200_001);
    }

    #[test]
    fn negating_twice_gives_the_predicate_back() {
        let predicate = col("a").is_null().or(col("b").is_nan());
        assert_eq!(predicate.clone().not().not(), predicate);
        assert_eq!(!!predicate.clone(), predicate);
    }
}
