//! Pruning against brute force: files of random rows, with real partition tuples, summaries and metrics.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "test code on numbers it made itself"
)]

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{
    ColumnMetrics, Comparison, InclusiveMetrics, InclusiveProjection, ManifestEvaluator,
    PartitionFieldSummary, Predicate, Residual, StrictMetrics, StrictProjection, Test, col, truncate_lower,
    truncate_upper,
};
use crate::id::{FieldId, PartitionSpecId};
use crate::manifest::PartitionSummary;
use crate::partition::{PartitionField, PartitionSpec};
use crate::schema::{NestedField, PrimitiveType, Schema};
use crate::transform::Transform;
use crate::value::datetime::{MICROS_PER_DAY, NANOS_PER_DAY};
use crate::value::{Decimal, Value};

/// A row of two columns, with ids 1 and 2.
type Row = BTreeMap<FieldId, Value>;

/// A predicate in a form that brute force understands.
#[derive(Debug, Clone)]
enum Expr {
    Leaf(i32, Transform, Test),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
}

fn types() -> Vec<PrimitiveType> {
    use PrimitiveType as P;
    vec![
        P::Boolean,
        P::Int,
        P::Long,
        P::Float,
        P::Double,
        P::Decimal { precision: 9, scale: 2 },
        P::Decimal { precision: 38, scale: 0 },
        P::Date,
        P::Time,
        P::Timestamp,
        P::Timestamptz,
        P::TimestampNs,
        P::TimestamptzNs,
        P::String,
        P::Uuid,
        P::Fixed(3),
        P::Binary,
    ]
}

/// Values close together, and those at the ends of the type.
fn values(of: &PrimitiveType) -> BoxedStrategy<Value> {
    use PrimitiveType as P;
    let near = -25_i64..25;
    let ints = prop_oneof![3 => near.clone().prop_map(|v| v as i32), 1 => i32::MIN..i32::MIN + 12, 1 => i32::MAX - 12..=i32::MAX];
    let longs = prop_oneof![3 => near, 1 => i64::from(i32::MIN) - 6..i64::from(i32::MIN) + 12, 1 => i64::MIN..i64::MIN + 12, 1 => i64::MAX - 12..=i64::MAX];
    // Around the turns of hours, days, months and years, before and after 1970.
    let micros = prop_oneof![
        6 => (prop_oneof![-800_i64..800, -3..3_i64, -3..3_i64], prop_oneof![Just(3_600_i64), Just(86_400), Just(2_678_400), Just(31_536_000)], -1_i64..=1)
            .prop_map(|(n, unit, off)| n * unit * 1_000_000 + off),
        1 => longs.clone(),
    ];
    let floats = prop::sample::select(vec![
        f64::NAN,
        f64::NAN,
        1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        1.0,
        -1.0,
        1.5,
        f64::from(f32::MAX),
        f64::MAX,
        f64::MIN,
        5e-324,
    ]);
    let bytes = vec(prop::sample::select(vec![0_u8, 1, 97, 98, 254, 255]), 0..5);
    let limit = 10_i128.pow(38) - 1;
    match of {
        P::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        P::Int => ints.prop_map(Value::Int).boxed(),
        P::Long => longs.prop_map(Value::Long).boxed(),
        P::Float => floats.prop_map(|v| Value::Float(v as f32)).boxed(),
        P::Double => floats.prop_map(Value::Double).boxed(),
        P::Decimal { precision: 9, .. } => {
            (-999_i128..999).prop_map(|v| Value::Decimal(Decimal::new(v, 2))).boxed()
        }
        P::Decimal { .. } => prop_oneof![-25_i128..25, limit - 9..=limit, -limit..-limit + 9]
            .prop_map(|v| Value::Decimal(Decimal::new(v, 0)))
            .boxed(),
        P::Date => prop_oneof![4 => -3_i32..3, 2 => -800_i32..800, 1 => ints].prop_map(Value::Date).boxed(),
        P::Time => (0_i64..9).prop_map(Value::Time).boxed(),
        P::Timestamp => micros.prop_map(Value::Timestamp).boxed(),
        P::Timestamptz => micros.prop_map(Value::Timestamptz).boxed(),
        P::TimestampNs => micros.prop_map(|v| Value::TimestampNs(v.saturating_mul(1000))).boxed(),
        P::TimestamptzNs => micros.prop_map(|v| Value::TimestamptzNs(v.saturating_mul(1000))).boxed(),
        P::String => {
            vec(prop::sample::select(vec!['a', 'b', 'é', '\u{d7ff}', '\u{e000}', '\u{10ffff}', '😀']), 0..5)
                .prop_map(|v| Value::String(v.into_iter().collect()))
                .boxed()
        }
        P::Uuid => (0_u128..4, any::<bool>())
            .prop_map(|(v, high)| Value::Uuid(uuid::Uuid::from_u128(v | u128::from(high) << 127)))
            .boxed(),
        P::Fixed(length) => {
            vec(prop::sample::select(vec![0_u8, 97, 255]), *length as usize).prop_map(Value::Fixed).boxed()
        }
        P::Binary => bytes.prop_map(Value::Binary).boxed(),
        other => panic!("{other}"),
    }
}

fn transforms(of: &PrimitiveType) -> Vec<Transform> {
    let all = [
        Transform::Identity,
        Transform::Bucket(2),
        Transform::Bucket(16),
        Transform::Truncate(1),
        Transform::Truncate(2),
        Transform::Truncate(10),
        Transform::Year,
        Transform::Month,
        Transform::Day,
        Transform::Hour,
        Transform::Void,
        Transform::Unknown("zorder".into()),
    ];
    all.into_iter().filter(|transform| transform.allows_source(&of.clone().into())).collect()
}

fn tests(of: &PrimitiveType) -> BoxedStrategy<(Transform, Test)> {
    use Comparison::*;
    let literals = || values(of).prop_filter("NaN is refused", |v| !v.is_nan());
    let comparisons = vec![Less, LessOrEqual, Greater, GreaterOrEqual, Equal, NotEqual];
    let mut kinds = vec![
        (6, (prop::sample::select(comparisons), literals()).prop_map(|(c, v)| Test::Compare(c, v)).boxed()),
        (2, vec(literals(), 0..4).prop_map(Test::In).boxed()),
        (2, vec(literals(), 0..4).prop_map(Test::NotIn).boxed()),
        (1, Just(Test::IsNull).boxed()),
        (1, Just(Test::NotNull).boxed()),
    ];
    if matches!(of, PrimitiveType::Float | PrimitiveType::Double) {
        kinds.push((2, prop::sample::select(vec![Test::IsNan, Test::NotNan]).boxed()));
    }
    if matches!(of, PrimitiveType::String | PrimitiveType::Binary) {
        let prefix = prop::sample::select(vec![StartsWith, NotStartsWith]);
        kinds.push((5, (prefix, literals()).prop_map(|(c, v)| Test::Compare(c, v)).boxed()));
    }
    let known: Vec<Transform> = transforms(of)
        .into_iter()
        .filter(|t| !matches!(t, Transform::Void | Transform::Unknown(_)))
        .collect();
    let term = prop_oneof![4 => Just(Transform::Identity), 1 => prop::sample::select(known)];
    (term, prop::strategy::Union::new_weighted(kinds))
        .prop_filter_map("the transform takes the literals", |(transform, test)| {
            if transform == Transform::Identity {
                return Some((transform, test));
            }
            let fits = |v: &Value| !matches!(v, Value::Decimal(v) if v.digits() > 38);
            let apply = |v: &Value| transform.apply(Some(v)).ok().flatten().filter(fits);
            let applied = match &test {
                Test::Compare(c, v) => {
                    let v = apply(v)?;
                    let prefix = matches!(c, StartsWith | NotStartsWith);
                    (!prefix || matches!(v, Value::String(_) | Value::Binary(_)))
                        .then_some(Test::Compare(*c, v))?
                }
                Test::In(values) => Test::In(values.iter().map(apply).collect::<Option<_>>()?),
                Test::NotIn(values) => Test::NotIn(values.iter().map(apply).collect::<Option<_>>()?),
                other => other.clone(),
            };
            Some((transform, applied))
        })
        .boxed()
}

fn exprs(a: &PrimitiveType, b: &PrimitiveType) -> BoxedStrategy<Expr> {
    let leaf = prop_oneof![
        3 => tests(a).prop_map(|(transform, test)| Expr::Leaf(1, transform, test)),
        1 => tests(b).prop_map(|(transform, test)| Expr::Leaf(2, transform, test)),
    ];
    let tree = leaf.clone().prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::And(a.into(), b.into())),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Expr::Or(a.into(), b.into())),
            inner.prop_map(|a| Expr::Not(a.into())),
        ]
    });
    prop_oneof![2 => leaf, 1 => tree].boxed()
}

impl Expr {
    fn predicate(&self) -> Predicate {
        match self {
            Self::Leaf(column, transform, test) => {
                let name = if *column == 1 { "a" } else { "b" };
                Predicate::test(col(name).with_transform(transform.clone()), test.clone())
            }
            Self::And(a, b) => a.predicate().and(b.predicate()),
            Self::Or(a, b) => a.predicate().or(b.predicate()),
            Self::Not(a) => a.predicate().not(),
        }
    }

    /// The truth, by the definition in the documentation, and nothing else of this module.
    fn truth(&self, row: &Row, negated: bool) -> Option<bool> {
        let kleene = |a: &Self, b: &Self, decisive: bool| match (a.truth(row, negated), b.truth(row, negated))
        {
            (Some(v), _) | (_, Some(v)) if v == decisive => Some(decisive),
            (Some(_), Some(_)) => Some(!decisive),
            _ => None,
        };
        match self {
            Self::And(a, b) => kleene(a, b, negated),
            Self::Or(a, b) => kleene(a, b, !negated),
            Self::Not(a) => a.truth(row, !negated),
            Self::Leaf(column, transform, test) => {
                let source = row.get(&FieldId(*column));
                let value = transform.apply(source).ok().flatten();
                truth_of_test(test, value.as_ref(), source.is_none(), negated)
            }
        }
    }
}

fn truth_of_test(test: &Test, value: Option<&Value>, null: bool, negated: bool) -> Option<bool> {
    match test {
        Test::IsNull => return Some(null != negated),
        Test::NotNull => return Some(null == negated),
        Test::IsNan => return Some(value.is_some_and(Value::is_nan) != negated),
        Test::NotNan => return Some(value.is_some_and(Value::is_nan) == negated),
        // Binding folds these, whatever the value: nothing is in an empty set, and every value begins with nothing.
        Test::In(literals) if literals.is_empty() => return Some(negated),
        Test::NotIn(literals) if literals.is_empty() => return Some(!negated),
        Test::Compare(Comparison::StartsWith | Comparison::NotStartsWith, Value::String(prefix))
            if prefix.is_empty() && null =>
        {
            return Some(false);
        }
        Test::Compare(Comparison::StartsWith | Comparison::NotStartsWith, Value::Binary(prefix))
            if prefix.is_empty() && null =>
        {
            return Some(false);
        }
        _ => {}
    }
    let value = value?;
    let order = |literal: &Value| match (value, literal) {
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (a, b) => Some(a.cmp(b)),
    };
    let is = |literal: &Value, wanted: fn(Ordering) -> bool| order(literal).is_some_and(wanted);
    let starts = |literal: &Value| match (value, literal) {
        (Value::String(a), Value::String(b)) => a.starts_with(b.as_str()),
        (Value::Binary(a), Value::Binary(b)) => a.starts_with(b),
        _ => panic!("{value:?} {literal:?}"),
    };
    Some(match (test, negated) {
        (Test::In(literals), false) | (Test::NotIn(literals), true) => {
            literals.iter().any(|v| is(v, Ordering::is_eq))
        }
        (Test::In(literals), true) | (Test::NotIn(literals), false) => {
            !literals.iter().any(|v| is(v, Ordering::is_eq))
        }
        (Test::Compare(comparison, v), negated) => match (comparison, negated) {
            (Comparison::Less, false) | (Comparison::GreaterOrEqual, true) => is(v, Ordering::is_lt),
            (Comparison::LessOrEqual, false) | (Comparison::Greater, true) => is(v, Ordering::is_le),
            (Comparison::Greater, false) | (Comparison::LessOrEqual, true) => is(v, Ordering::is_gt),
            (Comparison::GreaterOrEqual, false) | (Comparison::Less, true) => is(v, Ordering::is_ge),
            (Comparison::Equal, false) | (Comparison::NotEqual, true) => is(v, Ordering::is_eq),
            (Comparison::NotEqual, false) | (Comparison::Equal, true) => !is(v, Ordering::is_eq),
            (Comparison::StartsWith, false) | (Comparison::NotStartsWith, true) => starts(v),
            (Comparison::NotStartsWith, false) | (Comparison::StartsWith, true) => !starts(v),
        },
        _ => panic!("{test:?}"),
    })
}

/// The metrics of some rows, bounds cut to a length, some of it left out.
struct Metrics {
    rows: i64,
    columns: BTreeMap<FieldId, Column>,
    left_out: u32,
}

struct Column {
    nulls: i64,
    nans: i64,
    lower: Option<Vec<u8>>,
    upper: Option<Vec<u8>>,
}

/// What a bound or a partition value was before the column was promoted, if it could be that.
fn before_promotion(value: Value) -> Value {
    let date = |count: i64, unit: i64| {
        (count.rem_euclid(unit) == 0).then(|| i32::try_from(count.div_euclid(unit)).ok())?.map(Value::Date)
    };
    match &value {
        Value::Long(v) => i32::try_from(*v).ok().map(Value::Int),
        Value::Double(v) => (f64::from(*v as f32) == *v).then_some(Value::Float(*v as f32)),
        Value::Timestamp(v) => date(*v, MICROS_PER_DAY),
        Value::TimestampNs(v) => date(*v, NANOS_PER_DAY),
        _ => None,
    }
    .unwrap_or(value)
}

impl Metrics {
    fn of(rows: &[Row], cut: usize, left_out: u32) -> Self {
        let promoted = left_out & (1 << 12) != 0;
        let encode =
            |value: Value| if promoted { before_promotion(value) } else { value }.to_binary().unwrap();
        let column = |id| {
            let values: Vec<&Value> = rows.iter().filter_map(|row| row.get(&id)).collect();
            let count = |n: usize| i64::try_from(n).unwrap();
            let bounded = || values.iter().filter(|v| !v.is_nan());
            Column {
                nulls: count(rows.len() - values.len()),
                nans: count(values.iter().filter(|v| v.is_nan()).count()),
                lower: bounded().min().map(|v| encode(truncate_lower(v, cut))),
                upper: bounded().max().and_then(|v| truncate_upper(v, cut)).map(encode),
            }
        };
        let columns = [FieldId(1), FieldId(2)].map(|id| (id, column(id))).into();
        Self { rows: i64::try_from(rows.len()).unwrap(), columns, left_out }
    }

    fn kept(&self, bit: u32, id: FieldId) -> Option<&Column> {
        let bit = bit + 5 * u32::from(id == FieldId(2));
        self.columns.get(&id).filter(|_| self.left_out & (1 << bit) == 0)
    }
}

impl ColumnMetrics for Metrics {
    fn record_count(&self) -> Option<i64> {
        (self.left_out & (1 << 10) == 0).then_some(self.rows)
    }
    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.kept(0, id).map(|_| self.rows)
    }
    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.kept(1, id).map(|column| column.nulls)
    }
    fn nan_count(&self, id: FieldId) -> Option<i64> {
        self.kept(2, id).map(|column| column.nans)
    }
    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.kept(3, id)?.lower.as_deref()
    }
    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.kept(4, id)?.upper.as_deref()
    }
}

#[derive(Debug, Clone)]
struct Case {
    schema: Schema,
    spec: PartitionSpec,
    expr: Expr,
    /// Each with whether its writer was an old or another one, with other partition values.
    rows: Vec<(Row, bool)>,
    cut: usize,
    left_out: u32,
}

/// Cases whose first column has one of these types.
fn cases(first: Vec<PrimitiveType>) -> impl Strategy<Value = Case> {
    let any_type = || prop::sample::select(types());
    (prop::sample::select(first), any_type()).prop_flat_map(|(a, b)| {
        let row = (
            prop::option::weighted(0.8, values(&a)),
            prop::option::weighted(0.8, values(&b)),
            prop::bool::weighted(0.2),
        );
        let spec = (
            prop::sample::subsequence(transforms(&a), 0..3),
            prop::sample::subsequence(transforms(&b), 0..2),
        );
        let left_out =
            prop_oneof![Just(0_u32), any::<u32>(), (any::<u32>(), any::<u32>()).prop_map(|(a, b)| a & b)];
        let parts = (exprs(&a, &b), vec(row, 1..8), spec, 1_usize..5, left_out);
        parts.prop_map(move |(expr, rows, (on_a, on_b), cut, left_out)| {
            let schema = Schema::new(vec![
                NestedField::optional(1, "a", a.clone()),
                NestedField::optional(2, "b", b.clone()),
            ])
            .unwrap();
            let sources = on_a.into_iter().map(|t| (1, t)).chain(on_b.into_iter().map(|t| (2, t)));
            let fields = sources.zip(1000..).map(|((source, transform), id)| {
                PartitionField::new(FieldId(source), FieldId(id), format!("p{id}"), transform)
            });
            let spec = PartitionSpec::new(PartitionSpecId(0), fields.collect());
            let rows = rows.into_iter().map(|(a, b, other)| {
                let cells = [(FieldId(1), a), (FieldId(2), b)];
                (cells.into_iter().filter_map(|(id, v)| Some((id, v?))).collect(), other)
            });
            Case { schema, spec, expr, rows: rows.collect(), cut, left_out }
        })
    })
}

/// The partition tuple that a writer stores; `None` if a transform cannot take the value.
fn tuple(case: &Case, row: &Row, other_writer: bool) -> Option<Vec<Option<Value>>> {
    let field = |field: &PartitionField| {
        let source = row.get(&field.source_ids[0]);
        let value = field.transform.apply(source).ok()?;
        Some(match (&field.transform, source, value) {
            (_, _, value) if !other_writer => value,
            // Rounded toward zero.
            (Transform::Year | Transform::Month | Transform::Hour, _, Some(Value::Int(v))) if v < 0 => {
                Some(Value::Int(v + 1))
            }
            (Transform::Day, Some(source), Some(Value::Date(v)))
                if v < 0 && !matches!(source, Value::Date(_)) =>
            {
                Some(Value::Date(v + 1))
            }
            // Stored while the column was an int, or a float; identity of a date would have forbidden the promotion.
            (Transform::Identity, Some(Value::Long(_) | Value::Double(_)), Some(value)) => {
                Some(before_promotion(value))
            }
            (Transform::Truncate(width), Some(Value::Long(v)), _) if i32::try_from(*v).is_ok() => {
                let int = *v as i32;
                Some(Value::Int(int.wrapping_sub(int.rem_euclid(*width as i32))))
            }
            // Wrapped around.
            (Transform::Truncate(width), Some(Value::Int(v)), _) => {
                Some(Value::Int(v.wrapping_sub(v.rem_euclid(*width as i32))))
            }
            (Transform::Truncate(width), Some(Value::Long(v)), _) => {
                Some(Value::Long(v.wrapping_sub(v.rem_euclid(i64::from(*width)))))
            }
            (_, _, value) => value,
        })
    };
    case.spec.fields.iter().map(field).collect()
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let predicate = case.expr.predicate();
    let bound = predicate.bind(&case.schema).unwrap();
    let inclusive = InclusiveProjection::new(&bound, &case.spec);
    let strict = StrictProjection::new(&bound, &case.spec);
    let manifest = ManifestEvaluator::new(inclusive.clone());
    let residuals = Residual::new(&bound, &case.spec);
    let may_match = InclusiveMetrics::new(&bound);
    let must_match = StrictMetrics::new(&bound);

    let mut files: BTreeMap<Vec<Option<Value>>, Vec<Row>> = BTreeMap::new();
    for (row, other_writer) in &case.rows {
        prop_assert_eq!(bound.evaluate(row), case.expr.truth(row, false), "{} on {:?}", bound, row);
        if let Some(tuple) = tuple(case, row, *other_writer) {
            files.entry(tuple).or_default().push(row.clone());
        }
    }
    for (tuple, rows) in &files {
        let matches: Vec<bool> = rows.iter().map(|row| case.expr.truth(row, false) == Some(true)).collect();
        let (any, all) = (matches.contains(&true), !matches.contains(&false));
        let metrics = Metrics::of(rows, case.cut, case.left_out);
        let place = || format!("{bound} in {tuple:?} with {rows:?}");
        prop_assert!(inclusive.may_match(tuple) || !any, "partition pruned by {}: {}", inclusive, place());
        prop_assert!(!strict.must_match(tuple) || all, "partition taken by {}: {}", strict, place());
        prop_assert!(may_match.may_match(&metrics) || !any, "file pruned: {}", place());
        prop_assert!(!must_match.must_match(&metrics) || all, "file taken: {}", place());
        let residual = residuals.for_partition(tuple);
        for (row, matched) in rows.iter().zip(&matches) {
            prop_assert_eq!(residual.matches(row), *matched, "residual {}: {}", residual, place());
        }
    }
    let mut collected = PartitionSummary::new(&case.spec.partition_type(&case.schema));
    files.keys().for_each(|tuple| collected.add(tuple).unwrap());
    let collected = collected.finish();
    let summaries: Vec<PartitionFieldSummary<'_>> = collected
        .iter()
        .map(|field| {
            let (lower, upper) = (field.lower_bound.as_deref(), field.upper_bound.as_deref());
            PartitionFieldSummary::new(field.contains_null, lower, upper)
                .with_nan(field.contains_nan.filter(|_| case.left_out & (1 << 11) == 0))
        })
        .collect();
    if !manifest.may_match(&summaries) {
        let rows: Vec<&Row> = files.values().flatten().collect();
        let any = rows.iter().any(|row| case.expr.truth(row, false) == Some(true));
        prop_assert!(!any, "manifest pruned by {} with {:?}: {:?}", inclusive, summaries, rows);
    }
    Ok(())
}

// Pruned: no row matches. Taken whole: all rows do. Residual: the same rows match.
proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, ..ProptestConfig::default() })]

    #[test]
    fn pruning_agrees_with_brute_force_on_every_type(case in cases(types())) {
        check(&case)?;
    }

    #[test]
    fn pruning_agrees_with_brute_force_on_whole_numbers_at_the_ends_of_their_range(
        case in cases(vec![PrimitiveType::Int, PrimitiveType::Long])
    ) {
        check(&case)?;
    }

    #[test]
    fn pruning_agrees_with_brute_force_on_floats_with_nan(
        case in cases(vec![PrimitiveType::Float, PrimitiveType::Double])
    ) {
        check(&case)?;
    }

    #[test]
    fn pruning_agrees_with_brute_force_on_text_and_bytes_with_cut_bounds(
        case in cases(vec![PrimitiveType::String, PrimitiveType::Binary])
    ) {
        check(&case)?;
    }

    #[test]
    fn pruning_agrees_with_brute_force_on_times_before_1970(
        case in cases(vec![PrimitiveType::Date, PrimitiveType::Timestamp, PrimitiveType::TimestamptzNs])
    ) {
        check(&case)?;
    }
}
