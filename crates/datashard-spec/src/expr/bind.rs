//! Binding: from names and plain literals to field ids and typed values.
//!
//! Negations go down into the tests, tests that cannot fail or cannot pass become constants, and literals that the
//! column's type cannot hold are folded away. What is left is what all evaluators work on.

use std::fmt;
use std::sync::Arc;

use super::error::ExprError;
use super::literal::{Converted, convert};
use super::predicate::{Comparison, Leaf, Predicate, Term, Test};
use super::program::Program;
use super::text;
use super::tree::{Connective, Node, Tree};
use crate::error::excerpt;
use crate::id::FieldId;
use crate::schema::{FieldRef, PrimitiveType, Schema, Type};
use crate::transform::Transform;
use crate::value::Value;

/// How deep a predicate may nest to be bound: more than text can ask for.
const MAX_DEPTH: usize = 500;

/// A predicate over the columns of a schema: by field id, with typed literals, without negations.
///
/// Evaluate it on rows with [`evaluate`](Self::evaluate); prune with what is made from it:
/// [`InclusiveProjection`](super::InclusiveProjection), [`InclusiveMetrics`](super::InclusiveMetrics),
/// [`StrictMetrics`](super::StrictMetrics), [`Residual`](super::Residual).
///
/// # Examples
/// ```
/// use datashard_spec::expr::Predicate;
/// use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
///
/// let schema = Schema::new(vec![NestedField::required(1, "age", PrimitiveType::Int)])?;
/// let predicate: Predicate = "not (age > 30) and age is not null and age < 3000000000".parse()?;
/// assert_eq!(predicate.bind(&schema)?.to_string(), "age <= 30");
/// # Ok::<(), datashard_spec::SpecError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BoundPredicate(pub(super) Program<Leaf<BoundTerm>>);

/// A column of a schema, or a transform of one.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundTerm {
    pub(super) field_id: FieldId,
    pub(super) name: Arc<str>,
    pub(super) transform: Transform,
    pub(super) source_type: Type,
    pub(super) result_type: Type,
    /// Whether neither the column nor a struct it lies in can be null.
    pub(super) required: bool,
    /// Whether the column lies in a struct.
    pub(super) nested: bool,
}

impl Predicate {
    /// Binds to a schema, names exactly as written.
    ///
    /// Literals take the type of their column: numbers where no digit is lost, a double narrowed to the nearest float,
    /// text read as dates, times, UUIDs, decimals, and hexadecimal for binary. A literal that lies outside the type's
    /// range compares as such: `x < 3000000000` on an int is `x is not null`, `x = 3000000000` is false.
    ///
    /// # Errors
    /// `NotFound` for an unknown column; `InvalidInput` for a test that the column's type does not allow, a literal that
    /// does not convert, a NaN literal, or a tree nested too deep.
    pub fn bind(&self, schema: &Schema) -> Result<BoundPredicate, ExprError> {
        self.bind_with(schema, |name| {
            schema.field_by_name(name).ok_or_else(|| ExprError::UnknownColumn { name: excerpt(name) })
        })
    }

    /// As [`bind`](Self::bind), with upper and lower case of names alike.
    ///
    /// # Errors
    /// As [`bind`](Self::bind); `NotFound` also where several names differ in case only and none is exact.
    pub fn bind_ignoring_case(&self, schema: &Schema) -> Result<BoundPredicate, ExprError> {
        self.bind_with(schema, |wanted| {
            schema.field_by_name_ignoring_case(wanted).ok_or_else(|| {
                let (name, lower) = (excerpt(wanted), wanted.to_lowercase());
                match schema.all_fields().any(|field| field.full_name.to_lowercase() == lower) {
                    true => ExprError::AmbiguousColumn { name },
                    false => ExprError::UnknownColumn { name },
                }
            })
        })
    }

    fn bind_with<'s>(
        &self,
        schema: &'s Schema,
        find: impl Fn(&str) -> Result<FieldRef<'s>, ExprError>,
    ) -> Result<BoundPredicate, ExprError> {
        if self.0.depth() > MAX_DEPTH {
            return Err(ExprError::TooDeep { limit: MAX_DEPTH });
        }
        let bound = self.0.rewrite(|leaf, negated| {
            let field = find(leaf.term.name())?;
            let term = bind_term(&leaf.term, field, schema)?;
            let test = if negated { leaf.test.negated() } else { leaf.test.clone() };
            bind_test(term, test)
        })?;
        Ok(BoundPredicate(Program::new(bound)))
    }
}

impl BoundPredicate {
    /// The predicate in postfix order. There is no [`Node::Not`], and a constant only alone.
    pub fn nodes(&self) -> &[Node<Leaf<BoundTerm>>] {
        self.0.tree().nodes()
    }

    /// Whether every row matches.
    pub fn is_always_true(&self) -> bool {
        self.0.tree().is_constant(true)
    }

    /// Whether no row matches.
    pub fn is_always_false(&self) -> bool {
        self.0.tree().is_constant(false)
    }

    /// The columns it looks at, ascending, each once.
    pub fn field_ids(&self) -> Vec<FieldId> {
        let mut ids: Vec<FieldId> = self.0.tree().leaves().map(|leaf| leaf.term.field_id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

impl PartialEq for BoundPredicate {
    fn eq(&self, other: &Self) -> bool {
        self.0.tree() == other.0.tree()
    }
}

impl fmt::Display for BoundPredicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write_tree(self.0.tree(), f)
    }
}

impl BoundTerm {
    /// The column.
    pub fn field_id(&self) -> FieldId {
        self.field_id
    }

    /// The full name that the column had in the schema.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is applied to the column before the test.
    pub fn transform(&self) -> &Transform {
        &self.transform
    }

    /// The type of the column.
    pub fn source_type(&self) -> &Type {
        &self.source_type
    }

    /// The type that literals have: of the column, or what the transform makes of it.
    pub fn result_type(&self) -> &Type {
        &self.result_type
    }

    pub(super) fn is_column(&self) -> bool {
        self.transform == Transform::Identity
    }

    pub(super) fn is_float(&self) -> bool {
        matches!(self.result_type, Type::Primitive(PrimitiveType::Float | PrimitiveType::Double))
    }

    fn is_bytes(&self) -> bool {
        matches!(self.result_type, Type::Primitive(PrimitiveType::String | PrimitiveType::Binary))
    }
}

fn bind_term(term: &Term, field: FieldRef<'_>, schema: &Schema) -> Result<BoundTerm, ExprError> {
    let illegal = |reason| {
        Err(ExprError::IllegalTest {
            term: text::term(term.name(), term.transform()),
            found: field.field_type.to_string(),
            test: "any test".to_owned(),
            reason,
        })
    };
    let mut required = field.required;
    for ancestor in schema.with_ancestors(field.id).skip(1) {
        if !matches!(ancestor.field_type, Type::Struct(_)) {
            return illegal("a row holds many values of a column in a list or map");
        }
        required &= ancestor.required;
    }
    let Some(result_type) = term.transform().result_type(field.field_type).or_else(|| {
        // Nulls of structs, lists, maps and variants can be asked for.
        (*term.transform() == Transform::Identity).then(|| field.field_type.clone())
    }) else {
        return illegal("the transform does not take this type");
    };
    if let Transform::Unknown(_) = term.transform() {
        return illegal("the transform is not known to this version");
    }
    Ok(BoundTerm {
        field_id: field.id,
        name: field.full_name.into(),
        transform: term.transform().clone(),
        source_type: field.field_type.clone(),
        result_type,
        required,
        nested: field.parent.is_some(),
    })
}

fn leaf(term: BoundTerm, test: Test) -> Tree<Leaf<BoundTerm>> {
    Tree::leaf(Leaf { term, test })
}

fn not_null(term: BoundTerm) -> Tree<Leaf<BoundTerm>> {
    if term.required { Tree::constant(true) } else { leaf(term, Test::NotNull) }
}

fn bind_test(mut term: BoundTerm, test: Test) -> Result<Tree<Leaf<BoundTerm>>, ExprError> {
    match test {
        Test::IsNull | Test::NotNull => {
            if term.transform == Transform::Void {
                return Ok(Tree::constant(test == Test::IsNull));
            }
            // Every other transform is null exactly where its column is.
            term.transform = Transform::Identity;
            term.result_type = term.source_type.clone();
            Ok(match test {
                Test::IsNull if term.required => Tree::constant(false),
                Test::NotNull => not_null(term),
                test => leaf(term, test),
            })
        }
        Test::IsNan | Test::NotNan => {
            if !term.is_float() {
                return Err(illegal(&term, &test, "only floats and doubles can be NaN"));
            }
            Ok(leaf(term, test))
        }
        Test::Compare(comparison, literal) => {
            let prefix = matches!(comparison, Comparison::StartsWith | Comparison::NotStartsWith);
            if prefix && !term.is_bytes() {
                let test = Test::Compare(comparison, literal);
                return Err(illegal(&term, &test, "only strings and binaries have prefixes"));
            }
            let converted = convert_for(&term, &literal)?;
            Ok(bind_comparison(term, comparison, converted))
        }
        Test::In(literals) => bind_set(term, &literals, true),
        Test::NotIn(literals) => bind_set(term, &literals, false),
    }
}

fn illegal(term: &BoundTerm, test: &Test, reason: &'static str) -> ExprError {
    ExprError::IllegalTest {
        term: text::term(&term.name, &term.transform),
        found: term.result_type.to_string(),
        test: crate::error::excerpt(text::test(test).trim()),
        reason,
    }
}

/// The literal as a value of the term's type; -0.0 as 0.0, which it equals.
fn convert_for(term: &BoundTerm, literal: &Value) -> Result<Converted, ExprError> {
    let fail = |reason: String| ExprError::Literal {
        term: text::term(&term.name, &term.transform),
        expected: term.result_type.to_string(),
        found: crate::error::excerpt(&text::literal(literal)),
        reason,
    };
    if matches!(literal, Value::Double(v) if v.is_nan()) {
        return Err(fail("NaN compares with nothing; test with is nan".to_owned()));
    }
    let Type::Primitive(primitive) = &term.result_type else {
        return Err(fail("only primitive columns compare with literals".to_owned()));
    };
    Ok(match convert(literal, primitive).map_err(fail)? {
        // The pattern takes zeros of both signs.
        Converted::Value(Value::Float(0.0)) => Converted::Value(Value::Float(0.0)),
        Converted::Value(Value::Double(0.0)) => Converted::Value(Value::Double(0.0)),
        other => other,
    })
}

fn bind_comparison(term: BoundTerm, comparison: Comparison, literal: Converted) -> Tree<Leaf<BoundTerm>> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
    let infinity = |sign: f32| match term.result_type {
        Type::Primitive(PrimitiveType::Float) => Some(Value::Float(sign * f32::INFINITY)),
        _ => None,
    };
    let above = match literal {
        Converted::Value(value) => {
            let empty = matches!(&value, Value::String(text) if text.is_empty())
                || matches!(&value, Value::Binary(bytes) if bytes.is_empty());
            return match comparison {
                Comparison::StartsWith if empty => not_null(term),
                Comparison::NotStartsWith if empty => Tree::constant(false),
                _ => leaf(term, Test::Compare(comparison, value)),
            };
        }
        Converted::Above => true,
        Converted::Below => false,
    };
    match (comparison, above) {
        // Infinity lies beyond every finite literal, and NaN passes no comparison.
        (Less | LessOrEqual, true) => match infinity(1.0) {
            Some(infinity) => leaf(term, Test::Compare(Less, infinity)),
            None => not_null(term),
        },
        (Greater | GreaterOrEqual, true) => match infinity(1.0) {
            Some(infinity) => leaf(term, Test::Compare(Equal, infinity)),
            None => Tree::constant(false),
        },
        (Greater | GreaterOrEqual, false) => match infinity(-1.0) {
            Some(infinity) => leaf(term, Test::Compare(Greater, infinity)),
            None => not_null(term),
        },
        (Less | LessOrEqual, false) => match infinity(-1.0) {
            Some(infinity) => leaf(term, Test::Compare(Equal, infinity)),
            None => Tree::constant(false),
        },
        (NotEqual | Comparison::NotStartsWith, _) => not_null(term),
        (Equal | Comparison::StartsWith, _) => Tree::constant(false),
    }
}

fn bind_set(term: BoundTerm, literals: &[Value], inside: bool) -> Result<Tree<Leaf<BoundTerm>>, ExprError> {
    let mut values = Vec::with_capacity(literals.len());
    for literal in literals {
        if let Converted::Value(value) = convert_for(&term, literal)? {
            values.push(value);
        }
    }
    values.sort_unstable();
    values.dedup();
    Ok(match (values.len(), inside) {
        (0, true) => Tree::constant(false),
        (0, false) if literals.is_empty() => Tree::constant(true),
        (0, false) => not_null(term),
        (1, _) => {
            let comparison = if inside { Comparison::Equal } else { Comparison::NotEqual };
            Tree::all(Connective::And, values.pop().map(|value| leaf(term, Test::Compare(comparison, value))))
        }
        (_, true) => leaf(term, Test::In(values)),
        (_, false) => leaf(term, Test::NotIn(values)),
    })
}

#[cfg(test)]
mod tests;
