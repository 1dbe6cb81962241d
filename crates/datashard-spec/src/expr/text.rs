//! Predicates as text that the parser reads back.

use std::fmt::{self, Write};

use super::bind::BoundTerm;
use super::parse::RESERVED;
use super::predicate::{Comparison, Leaf, Predicate, Term, Test};
use super::tree::{Node, Tree};
use crate::transform::Transform;
use crate::value::Value;
use crate::value::datetime::{TimeUnit, Zone, format_date, format_time, format_timestamp};

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_tree(&self.0, f)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&term(self.name(), self.transform()))
    }
}

impl fmt::Display for BoundTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&term(&self.name, &self.transform))
    }
}

/// What is still to be written, the next on top.
enum Work {
    Text(&'static str),
    /// The node at this place, with what stands below it.
    Node(usize),
}

/// Writes a tree with an explicit stack, as it may be deeper than the machine's.
pub(super) fn write_tree<T: fmt::Display>(tree: &Tree<Leaf<T>>, out: &mut impl Write) -> fmt::Result {
    let starts = tree.starts();
    let mut work = vec![Work::Node(tree.nodes().len().saturating_sub(1))];
    while let Some(next) = work.pop() {
        let at = match next {
            Work::Text(text) => {
                out.write_str(text)?;
                continue;
            }
            Work::Node(at) => at,
        };
        match tree.nodes().get(at) {
            None => {}
            Some(Node::True) => out.write_str("true")?,
            Some(Node::False) => out.write_str("false")?,
            Some(Node::Leaf(leaf)) => write!(out, "{}{}", leaf.term, test(&leaf.test))?,
            Some(Node::Not) => {
                out.write_str("not ")?;
                push(tree, &mut work, at.saturating_sub(1), |node| {
                    matches!(node, Node::And(_) | Node::Or(_))
                });
            }
            Some(node @ (Node::And(count) | Node::Or(count))) => {
                let conjunction = matches!(node, Node::And(_));
                let mut operand = at.saturating_sub(1);
                for left in (0..*count).rev() {
                    push(tree, &mut work, operand, |node| match node {
                        Node::Or(_) => true,
                        // The same operator twice is only there if someone asked for it.
                        Node::And(_) => conjunction,
                        _ => false,
                    });
                    if left > 0 {
                        work.push(Work::Text(if conjunction { " and " } else { " or " }));
                    }
                    operand = starts.get(operand).copied().unwrap_or(0).saturating_sub(1);
                }
            }
        }
    }
    Ok(())
}

/// Puts an operand on the stack, in parentheses if it needs them.
fn push<L>(tree: &Tree<L>, work: &mut Vec<Work>, at: usize, needs_parentheses: impl Fn(&Node<L>) -> bool) {
    let parentheses = tree.nodes().get(at).is_some_and(needs_parentheses);
    if parentheses {
        work.push(Work::Text(")"));
    }
    work.push(Work::Node(at));
    if parentheses {
        work.push(Work::Text("("));
    }
}

/// A column, or a transform as a function of it.
pub(super) fn term(column: &str, transform: &Transform) -> String {
    let column = name(column);
    match transform {
        Transform::Identity => column,
        Transform::Bucket(count) => format!("bucket({count}, {column})"),
        Transform::Truncate(width) => format!("truncate({width}, {column})"),
        Transform::Year => format!("year({column})"),
        Transform::Month => format!("month({column})"),
        Transform::Day => format!("day({column})"),
        Transform::Hour => format!("hour({column})"),
        Transform::Void => format!("void({column})"),
        Transform::Unknown(function) => format!("{}({column})", name(function)),
    }
}

/// A full name, in quotes unless all its parts are plain words.
fn name(full: &str) -> String {
    let plain = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !RESERVED.iter().any(|reserved| part.eq_ignore_ascii_case(reserved))
    };
    if full.split('.').all(plain) { full.to_owned() } else { format!("\"{}\"", full.replace('"', "\"\"")) }
}

/// A test with its literals, after a term.
pub(super) fn test(test: &Test) -> String {
    match test {
        Test::IsNull => " is null".to_owned(),
        Test::NotNull => " is not null".to_owned(),
        Test::IsNan => " is nan".to_owned(),
        Test::NotNan => " is not nan".to_owned(),
        Test::Compare(comparison, value) => format!(" {} {}", comparison.symbol(), literal(value)),
        Test::In(values) => format!(" in ({})", list(values)),
        Test::NotIn(values) => format!(" not in ({})", list(values)),
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(literal).collect::<Vec<_>>().join(", ")
}

impl Comparison {
    fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::StartsWith => "starts with",
            Self::NotStartsWith => "not starts with",
        }
    }
}

/// A literal. Those of a nested or geometry type, which no text has, come in a form for people.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Boolean(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Long(v) => v.to_string(),
        Value::Float(v) => double(f64::from(*v), format!("{v:e}")),
        Value::Double(v) => double(*v, format!("{v:e}")),
        // A decimal of scale 0 that fits a long reads back as a long, and compares as one.
        Value::Decimal(v) => v.to_string(),
        Value::Date(v) => format!("date '{}'", format_date(*v)),
        Value::Time(v) => format!("time '{}'", format_time(*v)),
        Value::Timestamp(v) => {
            format!("timestamp '{}'", format_timestamp(*v, TimeUnit::Micros, Zone::None))
        }
        Value::Timestamptz(v) => {
            format!("timestamptz '{}'", format_timestamp(*v, TimeUnit::Micros, Zone::Utc))
        }
        Value::TimestampNs(v) => {
            format!("timestamp_ns '{}'", format_timestamp(*v, TimeUnit::Nanos, Zone::None))
        }
        Value::TimestamptzNs(v) => {
            format!("timestamptz_ns '{}'", format_timestamp(*v, TimeUnit::Nanos, Zone::Utc))
        }
        Value::String(v) => format!("'{}'", v.replace('\'', "''")),
        Value::Uuid(v) => format!("uuid '{v}'"),
        Value::Fixed(v) | Value::Binary(v) | Value::Geometry(v) | Value::Geography(v) => {
            format!("x'{}'", hex(v))
        }
        Value::Struct(_) | Value::List(_) | Value::Map(_) => format!("{value:?}"),
    }
}

fn double(value: f64, digits: String) -> String {
    if value.is_finite() { digits } else { format!("double '{value}'") }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
