//! Files per second through what scan planning asks of each: the projected predicate on its partition, then its metrics.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashard_spec::expr::{ColumnMetrics, InclusiveMetrics, InclusiveProjection, Predicate, Residual};
use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::partition::{PartitionField, PartitionSpec};
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::transform::Transform;
use datashard_spec::value::Value;

const FILES: usize = 100_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A file as its manifest entry describes it: metrics sorted by field id.
struct File {
    partition: Vec<Option<Value>>,
    record_count: i64,
    columns: Vec<(FieldId, Column)>,
}

struct Column {
    value_count: i64,
    null_count: i64,
    lower: Vec<u8>,
    upper: Vec<u8>,
}

impl File {
    fn column(&self, id: FieldId) -> Option<&Column> {
        let at = self.columns.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.columns.get(at).map(|(_, column)| column)
    }
}

impl ColumnMetrics for File {
    fn record_count(&self) -> Option<i64> {
        Some(self.record_count)
    }
    fn value_count(&self, id: FieldId) -> Option<i64> {
        self.column(id).map(|column| column.value_count)
    }
    fn null_count(&self, id: FieldId) -> Option<i64> {
        self.column(id).map(|column| column.null_count)
    }
    fn nan_count(&self, _: FieldId) -> Option<i64> {
        None
    }
    fn lower_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.column(id).map(|column| column.lower.as_slice())
    }
    fn upper_bound(&self, id: FieldId) -> Option<&[u8]> {
        self.column(id).map(|column| column.upper.as_slice())
    }
}

/// Files of a thousand days, a hundred a day, with metrics of so many columns: a timestamp, a string, and longs.
fn files(columns: i32) -> Vec<File> {
    let column = |lower: Vec<u8>, upper: Vec<u8>| Column { value_count: 1000, null_count: 0, lower, upper };
    let file = |(day, part): (i32, i64)| {
        let start = i64::from(day).saturating_mul(MICROS_PER_DAY).saturating_add(part);
        let end = start.saturating_add(MICROS_PER_DAY / 2);
        let name = |suffix: &str| format!("user-{:04}-{suffix}", part.wrapping_mul(97).rem_euclid(10_000));
        let mut metrics = vec![
            (FieldId(1), column(start.to_le_bytes().into(), end.to_le_bytes().into())),
            (FieldId(2), column(name("a").into(), name("z").into())),
        ];
        metrics.extend(
            (3..=columns)
                .map(|id| (FieldId(id), column(start.to_le_bytes().into(), end.to_le_bytes().into()))),
        );
        File { partition: vec![Some(Value::Date(day))], record_count: 1000, columns: metrics }
    };
    (0..1000).flat_map(|day| (0..100).map(move |part| (day, part))).take(FILES).map(file).collect()
}

#[expect(clippy::unwrap_used, reason = "the predicates and the schema are constants")]
fn prune(c: &mut Criterion) {
    let schema = Schema::new(vec![
        NestedField::required(1, "ts", PrimitiveType::Timestamp),
        NestedField::optional(2, "name", PrimitiveType::String),
    ])
    .unwrap();
    let by_day = PartitionField::new(FieldId(1), FieldId(1000), "ts_day", Transform::Day);
    let spec = PartitionSpec::new(PartitionSpecId(0), vec![by_day]);
    // Planning decodes the columns that the predicate looks at; a cache of entries holds all of them.
    let (files, wide) = (files(2), files(20));
    let mut group = c.benchmark_group("prune");
    group.throughput(Throughput::Elements(u64::try_from(files.len()).unwrap()));
    let cases = [
        ("half_of_partitions", "ts >= '1971-05-17T00:00:00' and name = 'user-0970-k'", &files),
        ("all_partitions", "ts >= '1960-01-01T00:00:00' and name = 'user-0970-k'", &files),
        ("all_partitions_of_20_columns", "ts >= '1960-01-01T00:00:00' and name = 'user-0970-k'", &wide),
        (
            "ranges_and_set",
            "ts > '1960-01-01T00:00:00' and (name in ('user-0001', 'user-0970-k', 'x') or name > 'z')",
            &files,
        ),
    ];
    for (name, text, files) in cases {
        let predicate = text.parse::<Predicate>().unwrap().bind(&schema).unwrap();
        let projection = InclusiveProjection::new(&predicate, &spec);
        let metrics = InclusiveMetrics::new(&predicate);
        group.bench_function(name, |b| {
            b.iter(|| {
                let kept = |file: &&File| projection.may_match(&file.partition) && metrics.may_match(*file);
                black_box(files).iter().filter(kept).count()
            });
        });
    }
    let predicate = "ts >= '1971-05-17T00:00:00' and name = 'user-0970-k'".parse::<Predicate>().unwrap();
    let residual = Residual::new(&predicate.bind(&schema).unwrap(), &spec);
    group.bench_function("residual", |b| {
        b.iter(|| {
            let left = |file: &&File| !residual.for_partition(&file.partition).is_always_false();
            black_box(&files).iter().filter(left).count()
        });
    });
    group.finish();
}

criterion_group!(benches, prune);
criterion_main!(benches);
