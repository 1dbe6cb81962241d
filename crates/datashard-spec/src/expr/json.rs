//! Predicates in the JSON form of the REST catalog specification.

use std::fmt::Write;

use super::literal::Literal;
use super::predicate::{Comparison, Leaf, Predicate, Term, Test, col};
use super::text::hex;
use super::tree::{Node, Tree};
use crate::SpecError;
use crate::json::{Json, JsonError, MAX_DEPTH, Object, parse_document, quote};
use crate::transform::Transform;
use crate::value::datetime::{TimeUnit, Zone, format_date, format_time, format_timestamp};
use crate::value::{Decimal, Value};

impl Predicate {
    /// Reads the JSON form: `{"type": "lt", "term": "id", "value": 42}`.
    ///
    /// Values are JSON single values without their type: dates, times, UUIDs, decimals and bytes are text until the
    /// predicate is bound.
    ///
    /// # Errors
    /// `InvalidData` for anything but such a document, naming the place in it; also where it nests deeper than 100.
    ///
    /// # Spec
    /// REST catalog, "Expression".
    pub fn from_json(json: &str) -> Result<Self, SpecError> {
        parse(Json::root(parse_document(json)?), 0)
    }

    /// Writes the JSON form. Chains of `and` and `or` become balanced trees, as the form only knows pairs.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        write_tree(&self.0, &mut out);
        out
    }
}

fn parse(json: Json<'_, '_>, depth: usize) -> Result<Predicate, SpecError> {
    match json.text() {
        "true" => return Ok(Predicate::always_true()),
        "false" => return Ok(Predicate::always_false()),
        _ if depth > MAX_DEPTH => {
            return Err(JsonError::TooDeep { at: json.path.to_string(), limit: MAX_DEPTH }.into());
        }
        _ => {}
    }
    let below = depth.saturating_add(1);
    let mut object = json.object()?;
    let kind_json = object.require("type")?;
    let kind = kind_json.str()?;
    match kind.as_ref() {
        "true" => Ok(Predicate::always_true()),
        "false" => Ok(Predicate::always_false()),
        "and" => Ok(parse(object.require("left")?, below)?.and(parse(object.require("right")?, below)?)),
        "or" => Ok(parse(object.require("left")?, below)?.or(parse(object.require("right")?, below)?)),
        "not" => Ok(parse(object.require("child")?, below)?.not()),
        _ => parse_leaf(object, kind_json),
    }
}

/// A single test. Apart from [`parse`], so that its locals do not weigh on the recursion.
fn parse_leaf(mut object: Object<'_, '_>, kind_json: Json<'_, '_>) -> Result<Predicate, SpecError> {
    let kind = kind_json.str()?;
    let test = match kind.as_ref() {
        "is-null" => Test::IsNull,
        "not-null" => Test::NotNull,
        "is-nan" => Test::IsNan,
        "not-nan" => Test::NotNan,
        "in" => Test::In(object.require("values")?.array()?.map(parse_value)?),
        "not-in" => Test::NotIn(object.require("values")?.array()?.map(parse_value)?),
        other => match COMPARISONS.iter().find(|(_, word)| *word == other) {
            Some((comparison, _)) => Test::Compare(*comparison, parse_value(object.require("value")?)?),
            None => return Err(kind_json.unexpected("the type of an expression").into()),
        },
    };
    Ok(Predicate::test(parse_term(object.require("term")?)?, test))
}

const COMPARISONS: [(Comparison, &str); 8] = [
    (Comparison::Less, "lt"),
    (Comparison::LessOrEqual, "lt-eq"),
    (Comparison::Greater, "gt"),
    (Comparison::GreaterOrEqual, "gt-eq"),
    (Comparison::Equal, "eq"),
    (Comparison::NotEqual, "not-eq"),
    (Comparison::StartsWith, "starts-with"),
    (Comparison::NotStartsWith, "not-starts-with"),
];

fn parse_term(json: Json<'_, '_>) -> Result<Term, SpecError> {
    if json.is_string() {
        return Ok(col(json.str()?));
    }
    let mut object = json.object()?;
    let kind = object.require("type")?;
    match kind.str()?.as_ref() {
        "reference" => Ok(col(object.require("term")?.str()?)),
        "transform" => {
            let transform = object.require("transform")?;
            let text = transform.str()?;
            let inner = object.require("term")?;
            if !inner.is_string() {
                return Err(inner.unexpected("the name of a column").into());
            }
            let term = col(inner.str()?);
            Ok(term.with_transform(Transform::parse(&text)?))
        }
        _ => Err(kind.unexpected("\"reference\" or \"transform\"").into()),
    }
}

fn parse_value(json: Json<'_, '_>) -> Result<Value, SpecError> {
    let text = json.text();
    if json.is_string() {
        return Ok(Value::String(json.string()?));
    }
    if text == "true" || text == "false" {
        return Ok(Value::Boolean(json.bool()?));
    }
    if json.is_object() {
        let mut object = json.object()?;
        let inner = object.require("value")?;
        if inner.is_object() {
            return Err(inner.unexpected("a literal").into());
        }
        return parse_value(inner);
    }
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err(json.unexpected("a literal").into());
    }
    if let Ok(whole) = text.parse() {
        return Ok(Value::Long(whole));
    }
    // As in predicate text: what has no exponent is exact, and fits columns of decimals too.
    match Decimal::parse(text) {
        Ok(decimal) if !text.contains(['e', 'E']) => Ok(Value::Decimal(decimal)),
        _ => Ok(Value::Double(json.f64()?)),
    }
}

/// What is still to be written, the next on top.
enum Work {
    Text(&'static str),
    Node(usize),
    /// Operands of an n-ary node, by the places of their roots.
    Operands(bool, Vec<usize>),
}

fn write_tree(tree: &Tree<Leaf<Term>>, out: &mut String) {
    let starts = tree.starts();
    let mut work = vec![Work::Node(tree.nodes().len().saturating_sub(1))];
    while let Some(next) = work.pop() {
        match next {
            Work::Text(text) => out.push_str(text),
            Work::Operands(conjunction, mut operands) => {
                let right = operands.split_off(operands.len() / 2);
                if operands.is_empty() {
                    work.extend(right.into_iter().map(Work::Node));
                    continue;
                }
                out.push_str(if conjunction {
                    r#"{"type":"and","left":"#
                } else {
                    r#"{"type":"or","left":"#
                });
                work.push(Work::Text("}"));
                work.push(Work::Operands(conjunction, right));
                work.push(Work::Text(r#","right":"#));
                work.push(Work::Operands(conjunction, operands));
            }
            Work::Node(at) => match tree.nodes().get(at) {
                None => {}
                Some(Node::True) => out.push_str("true"),
                Some(Node::False) => out.push_str("false"),
                Some(Node::Leaf(leaf)) => write_leaf(leaf, out),
                Some(Node::Not) => {
                    out.push_str(r#"{"type":"not","child":"#);
                    work.push(Work::Text("}"));
                    work.push(Work::Node(at.saturating_sub(1)));
                }
                Some(node @ (Node::And(count) | Node::Or(count))) => {
                    let mut operands = Vec::with_capacity(*count);
                    let mut operand = at.saturating_sub(1);
                    for _ in 0..*count {
                        operands.push(operand);
                        operand = starts.get(operand).copied().unwrap_or(0).saturating_sub(1);
                    }
                    operands.reverse();
                    work.push(Work::Operands(matches!(node, Node::And(_)), operands));
                }
            },
        }
    }
}

fn write_leaf(leaf: &Leaf<Term>, out: &mut String) {
    let kind = match &leaf.test {
        Test::IsNull => "is-null",
        Test::NotNull => "not-null",
        Test::IsNan => "is-nan",
        Test::NotNan => "not-nan",
        Test::In(_) => "in",
        Test::NotIn(_) => "not-in",
        Test::Compare(comparison, _) => {
            COMPARISONS.iter().find(|(other, _)| other == comparison).map_or("", |(_, word)| *word)
        }
    };
    let name = quote(leaf.term.name());
    let term = match leaf.term.transform() {
        Transform::Identity => name,
        transform => {
            let transform = quote(&transform.to_string());
            format!(r#"{{"type":"transform","transform":{transform},"term":{name}}}"#)
        }
    };
    // Writing to a string does not fail.
    let _ = write!(out, r#"{{"type":"{kind}","term":{term}"#);
    match &leaf.test {
        Test::Compare(_, value) => {
            let _ = write!(out, r#","value":{}"#, value_json(value));
        }
        Test::In(values) | Test::NotIn(values) => {
            let values: Vec<String> = values.iter().map(value_json).collect();
            let _ = write!(out, r#","values":[{}]"#, values.join(","));
        }
        Test::IsNull | Test::NotNull | Test::IsNan | Test::NotNan => {}
    }
    out.push('}');
}

/// A literal as a JSON single value. Infinities, which JSON lacks, come as text.
fn value_json(value: &Value) -> String {
    match Literal::from(value.clone()).0 {
        Value::Boolean(v) => v.to_string(),
        Value::Long(v) => v.to_string(),
        Value::Double(v) if v.is_finite() => format!("{v:e}"),
        Value::Double(v) => quote(&v.to_string()),
        Value::Decimal(v) => quote(&v.to_string()),
        Value::Date(v) => quote(&format_date(v)),
        Value::Time(v) => quote(&format_time(v)),
        Value::Timestamp(v) => quote(&format_timestamp(v, TimeUnit::Micros, Zone::None)),
        Value::Timestamptz(v) => quote(&format_timestamp(v, TimeUnit::Micros, Zone::Utc)),
        Value::TimestampNs(v) => quote(&format_timestamp(v, TimeUnit::Nanos, Zone::None)),
        Value::TimestamptzNs(v) => quote(&format_timestamp(v, TimeUnit::Nanos, Zone::Utc)),
        Value::String(v) => quote(&v),
        Value::Uuid(v) => quote(&v.to_string()),
        Value::Binary(v) => quote(&hex(&v)),
        other => quote(&super::text::literal(&other)),
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    fn check(predicate: Predicate, json: &str) {
        assert_eq!(predicate.to_json(), json);
        assert_eq!(Predicate::from_json(json).unwrap(), predicate);
    }

    #[test]
    fn tests_have_the_words_of_the_specification() {
        check(col("id").less_than(42), r#"{"type":"lt","term":"id","value":42}"#);
        check(col("s").not_starts_with("a"), r#"{"type":"not-starts-with","term":"s","value":"a"}"#);
        check(col("b").not_in([true, false]), r#"{"type":"not-in","term":"b","values":[true,false]}"#);
        check(col("f").is_not_nan(), r#"{"type":"not-nan","term":"f"}"#);
        check(col("f").equal_to(1.5), r#"{"type":"eq","term":"f","value":1.5e0}"#);
        check(Predicate::always_true(), "true");
        check(
            col("id").with_transform(Transform::Bucket(16)).equal_to(3),
            r#"{"type":"eq","term":{"type":"transform","transform":"bucket[16]","term":"id"},"value":3}"#,
        );
    }

    #[test]
    fn chains_become_balanced_pairs() {
        let leaf = |name: &str| col(name).is_null();
        check(
            leaf("a").and(leaf("b")).and(leaf("c")).not(),
            r#"{"type":"not","child":{"type":"and","left":{"type":"is-null","term":"a"},"right":{"type":"and","left":{"type":"is-null","term":"b"},"right":{"type":"is-null","term":"c"}}}}"#,
        );
        let many = (0..10_000).fold(leaf("a"), |all, i| all.or(col("a").equal_to(i)));
        assert_eq!(Predicate::from_json(&many.to_json()).unwrap(), many);
    }

    #[test]
    fn numbers_become_the_nearest_double() {
        check(
            col("d").equal_to(-1.111_111_111_111_111_1e86),
            r#"{"type":"eq","term":"d","value":-1.1111111111111111e86}"#,
        );
        check(col("d").equal_to(f64::MAX), r#"{"type":"eq","term":"d","value":1.7976931348623157e308}"#);
        assert!(Predicate::from_json(r#"{"type":"eq","term":"d","value":1e309}"#).is_err());
    }

    #[test]
    fn numbers_of_either_form_bind_to_every_numeric_column() {
        use crate::schema::{NestedField, PrimitiveType, Schema};
        let schema = Schema::new(vec![
            NestedField::optional(1, "double", PrimitiveType::Double),
            NestedField::optional(2, "decimal", PrimitiveType::Decimal { precision: 9, scale: 2 }),
            NestedField::optional(3, "float", PrimitiveType::Float),
        ])
        .unwrap();
        for (text, column) in
            [("1.5", "double"), ("1.5", "decimal"), ("1.5", "float"), ("double '-inf'", "double")]
        {
            let direct: Predicate = format!("{column} < {text}").parse().unwrap();
            let read = Predicate::from_json(&direct.to_json()).unwrap();
            assert_eq!(read.bind(&schema).unwrap(), direct.bind(&schema).unwrap(), "{direct}");
            let json = format!(r#"{{"type":"gt","term":"{column}","value":1.25}}"#);
            let expect = Predicate::from_str(&format!("{column} > 1.25")).unwrap();
            assert_eq!(Predicate::from_json(&json).unwrap().bind(&schema), expect.bind(&schema), "{json}");
        }
    }

    #[test]
    fn other_documents_are_refused() {
        for json in [
            "",
            "null",
            "{}",
            r#"{"type":"lt","term":"id"}"#,
            r#"{"type":"lt","term":"id","value":null}"#,
            r#"{"type":"lt","term":"id","value":[1]}"#,
            r#"{"type":"count","term":"id"}"#,
            r#"{"type":"lt","term":{"type":"x"},"value":1}"#,
            r#"{"type":"lt","term":"id","value":{"value":{"value":1}}}"#,
            &format!("{}true{}", r#"{"type":"not","child":"#.repeat(200), "}".repeat(200)),
        ] {
            assert!(Predicate::from_json(json).is_err(), "{json}");
        }
    }
}
