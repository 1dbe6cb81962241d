//! Predicates as text and as JSON; bound to a schema, and then on rows, partitions and metrics made from their own literals.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use datashard_fuzz::fits;
use datashard_spec::expr::{
    BoundPredicate, ColumnMetrics, InclusiveMetrics, InclusiveProjection, Leaf, ManifestEvaluator, Node,
    PartitionFieldSummary, Predicate, Residual, StrictMetrics, StrictProjection, Test,
};
use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::manifest::PartitionSummary;
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema, StructType, Type};
use datashard_spec::transform::Transform;
use datashard_spec::value::{Tuple, Value};
use libfuzzer_sys::fuzz_target;

type Row = BTreeMap<FieldId, Value>;

/// Rows made for one predicate.
const ROWS: usize = 8;
/// Literals of one column that rows are made of.
const LITERALS: usize = 6;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    use PrimitiveType as P;
    Schema::new(vec![
        NestedField::optional(1, "i", P::Int),
        NestedField::required(2, "l", P::Long),
        NestedField::optional(3, "f", P::Float),
        NestedField::optional(4, "d", P::Double),
        NestedField::optional(5, "m", P::Decimal { precision: 9, scale: 2 }),
        NestedField::optional(6, "t", P::Date),
        NestedField::optional(7, "ts", P::Timestamp),
        NestedField::optional(8, "tz", P::Timestamptz),
        NestedField::optional(9, "ns", P::TimestampNs),
        NestedField::optional(10, "s", P::String),
        NestedField::optional(11, "b", P::Binary),
        NestedField::optional(12, "u", P::Uuid),
        NestedField::optional(13, "x2", P::Fixed(2)),
        NestedField::optional(14, "o", P::Boolean),
        NestedField::optional(
            15,
            "p",
            StructType::new(vec![
                NestedField::required(16, "i", P::Int),
                NestedField::optional(17, "a b", P::Time),
            ]),
        ),
    ])
    .expect("a schema")
});

static SPEC: LazyLock<PartitionSpec> = LazyLock::new(|| {
    let fields = [
        (1, Transform::Bucket(4)),
        (1, Transform::Truncate(10)),
        (2, Transform::Identity),
        (3, Transform::Identity),
        (5, Transform::Truncate(50)),
        (6, Transform::Month),
        (7, Transform::Day),
        (8, Transform::Hour),
        (9, Transform::Year),
        (10, Transform::Truncate(2)),
        (11, Transform::Truncate(1)),
        (12, Transform::Bucket(3)),
        (14, Transform::Identity),
        (16, Transform::Identity),
        (4, Transform::Void),
    ];
    let field = |(id, (source, transform)): (i32, (i32, Transform))| {
        PartitionField::new(FieldId(source), FieldId(id), format!("p{id}"), transform)
    };
    PartitionSpec::new(PartitionSpecId(0), (1000..).zip(fields).map(field).collect())
});

/// A file of rows, with exact metrics.
struct File {
    rows: Vec<Row>,
    bounds: BTreeMap<FieldId, (Vec<u8>, Vec<u8>)>,
}

impl File {
    fn new(rows: Vec<Row>) -> Self {
        let mut bounds = BTreeMap::new();
        for id in (1..=17).map(FieldId) {
            let values = || rows.iter().filter_map(|row| row.get(&id)).filter(|value| !value.is_nan());
            if let (Some(lower), Some(upper)) = (values().min(), values().max()) {
                let bytes = |value: &Value| value.to_binary().expect("a primitive has a binary form");
                bounds.insert(id, (bytes(lower), bytes(upper)));
            }
        }
        Self { rows, bounds }
    }

    fn count(&self, is_counted: impl Fn(&Row) -> bool) -> Option<i64> {
        Some(self.rows.iter().filter(|row| is_counted(row)).count() as i64)
    }
}

impl ColumnMetrics for File {
    fn record_count(&self) -> Option<i64> {
        self.count(|_| true)
    }
    fn value_count(&self, _: FieldId) -> Option<i64> {
        self.count(|_| true)
    }
    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.count(|row| !row.contains_key(&id))
    }
    fn nan_count(&self, id: FieldId) -> Option<i64> {
        let of = SCHEMA.field_by_id(id)?.field_type;
        let float = matches!(of, Type::Primitive(PrimitiveType::Float | PrimitiveType::Double));
        self.count(|row| row.get(&id).is_some_and(Value::is_nan)).filter(|_| float)
    }
    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.bounds.get(&id).map(|(lower, _)| lower.as_slice())
    }
    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.bounds.get(&id).map(|(_, upper)| upper.as_slice())
    }
}

/// Rows of nulls, of values that no literal chose, and of the literals themselves.
fn rows_for(predicate: &BoundPredicate) -> Vec<Row> {
    let mut values: BTreeMap<FieldId, Vec<Option<Value>>> = BTreeMap::new();
    for id in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17].map(FieldId) {
        let field = SCHEMA.field_by_id(id).expect("a field");
        let of = field.field_type.as_primitive().expect("a primitive");
        let mut texts =
            vec!["0", "-1", "1970-01-01", "1969-12-31T23:59:59", "a", "61ff", "true", "NaN", "-0.0"];
        texts.push("f79c3e09-677c-4bbd-a479-3f349cb785e7");
        let plain = texts.iter().filter_map(|text| Value::parse_text(of, text).ok().map(Some));
        let null = (id != FieldId(2)).then_some(None);
        values.insert(id, null.into_iter().chain(plain).collect());
    }
    for node in predicate.nodes() {
        let Node::Leaf(Leaf { term, test, .. }) = node else { continue };
        let literals = match test {
            Test::Compare(_, value) => std::slice::from_ref(value),
            Test::In(values) | Test::NotIn(values) => values,
            _ => &[],
        };
        for literal in literals.iter().take(LITERALS) {
            let Some(of) = values.get_mut(&term.field_id()) else { continue };
            if literal.matches_type(term.source_type()) && of.len() < 20 {
                of.insert(0, Some(literal.clone()));
            }
        }
    }
    let row = |number: usize| {
        let pick = |(id, of): (&FieldId, &Vec<Option<Value>>)| {
            let at = number.wrapping_mul(1 + id.0 as usize) % of.len();
            of[at].clone().map(|value| (*id, value))
        };
        values.iter().filter_map(pick).collect::<Row>()
    };
    (0..ROWS).map(row).filter(|row| row.contains_key(&FieldId(2))).collect()
}

fn partition_of(row: &Row) -> Option<Tuple> {
    let value = |field: &PartitionField| {
        let source = field.source_id().and_then(|id| row.get(&id));
        field.transform.apply(source).ok()
    };
    SPEC.fields.iter().map(value).collect()
}

fn check_bound(predicate: &Predicate, bound: &BoundPredicate) {
    let text = bound.to_string();
    let again: Predicate = text.parse().expect("a bound predicate displays as text");
    let again = again.bind(&SCHEMA).expect("text of a bound predicate binds");

    let rows = rows_for(bound);
    let opposite = predicate.clone().not().bind(&SCHEMA).expect("what binds also binds negated");
    let inclusive = InclusiveProjection::new(bound, &SPEC);
    let strict = StrictProjection::new(bound, &SPEC);
    let residual = Residual::new(bound, &SPEC);
    for row in &rows {
        let matches = bound.matches(row);
        assert_eq!(matches, bound.evaluate(row) == Some(true));
        assert_eq!(matches, again.matches(row), "{predicate} as {text} on {row:?}");
        assert!(!(matches && opposite.matches(row)), "{predicate} and its opposite on {row:?}");
        assert!(!bound.is_always_true() || matches);
        assert!(!bound.is_always_false() || !matches);
        let Some(partition) = partition_of(row) else { continue };
        assert!(!matches || inclusive.may_match(&partition), "{predicate} on {row:?} in {partition:?}");
        assert!(matches || !strict.must_match(&partition), "{predicate} on {row:?} in {partition:?}");
        let left = residual.for_partition(&partition);
        assert_eq!(left.matches(row), matches, "{predicate} on {row:?} in {partition:?}: {left}");
    }
    check_manifest(predicate, bound, inclusive, &rows);
    check_metrics(predicate, bound, &File::new(rows.clone()));
    for row in rows {
        check_metrics(predicate, bound, &File::new(vec![row]));
    }
}

fn check_manifest(
    predicate: &Predicate,
    bound: &BoundPredicate,
    projection: InclusiveProjection,
    rows: &[Row],
) {
    let partitioned: Vec<(&Row, Tuple)> =
        rows.iter().filter_map(|row| partition_of(row).map(|partition| (row, partition))).collect();
    let mut summary = PartitionSummary::new(&SPEC.partition_type(&SCHEMA));
    for (_, partition) in &partitioned {
        summary.add(partition).expect("a tuple of the spec");
    }
    let fields = summary.finish();
    let summaries: Vec<_> = fields
        .iter()
        .map(|field| {
            let bounds = (field.lower_bound.as_deref(), field.upper_bound.as_deref());
            PartitionFieldSummary::new(field.contains_null, bounds.0, bounds.1).with_nan(field.contains_nan)
        })
        .collect();
    let may_match = ManifestEvaluator::new(projection).may_match(&summaries);
    let any = partitioned.iter().any(|(row, _)| bound.matches(*row));
    assert!(may_match || !any, "{predicate} on {partitioned:?}");
}

fn check_metrics(predicate: &Predicate, bound: &BoundPredicate, file: &File) {
    let any = file.rows.iter().any(|row| bound.matches(row));
    let all = file.rows.iter().all(|row| bound.matches(row));
    assert!(!any || InclusiveMetrics::new(bound).may_match(file), "{predicate} on {:?}", file.rows);
    assert!(all || !StrictMetrics::new(bound).must_match(file), "{predicate} on {:?}", file.rows);
}

fn check(predicate: &Predicate) {
    let json = predicate.to_json();
    let bound = predicate.bind(&SCHEMA);
    // JSON may nest less deep than text, and has fewer kinds of literals.
    if let Ok(again) = Predicate::from_json(&json) {
        assert_eq!(again.to_json(), json, "writing is stable");
        if let (Ok(bound), Ok(again)) = (&bound, again.bind(&SCHEMA)) {
            assert_eq!(bound, &again, "{json}");
        }
    }
    let _ = predicate.bind_ignoring_case(&SCHEMA);
    if let Ok(bound) = bound {
        check_bound(predicate, &bound);
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    if !fits(input) {
        return;
    }
    if let Ok(predicate) = text.parse::<Predicate>() {
        let shown = predicate.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(&predicate), "{shown}");
        check(&predicate);
    }
    if let Ok(predicate) = Predicate::from_json(text) {
        check(&predicate);
    }
});
