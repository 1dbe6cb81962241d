//! Tables by chance, in both formats: all rows, and the rows that filters, deletes and splits leave.

use std::sync::Arc;

use datashard_io::delete::Deletes;
use datashard_io::read::ReadRequest;
use datashard_spec::expr::Predicate;
use datashard_spec::id::FieldId;
use datashard_spec::manifest::DataFile;
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::chance;
use crate::sheet::{FORMATS, Sheet, TINY, assert_same, bloom_filters, run};

/// The row id of the first row of a file.
const FIRST_ROW_ID: i64 = 1_000_000;

/// How a table is written: no properties, or tiny pages with a filter for every column that can have one.
fn properties(schema: &Schema, tiny: bool) -> Vec<(String, &'static str)> {
    if !tiny {
        return Vec::new();
    }
    TINY.iter().map(|(key, value)| ((*key).to_owned(), *value)).chain(bloom_filters(schema)).collect()
}

async fn sheet(schema: &Arc<Schema>, format: &str, tiny: bool) -> Sheet {
    let set = properties(schema, tiny);
    let set: Vec<(&str, &str)> = set.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    Sheet::new(schema, format, &set).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_rows_of_any_schema_are_read_as_they_were_written(
        (schema, rows) in chance::table(20),
        tiny in any::<bool>(),
        batch_rows in select(vec![1, 7, 8192]),
        written_rows in 1_usize..30,
    ) {
        run(async {
            for format in FORMATS {
                let sheet = sheet(&schema, format, tiny).await;
                let files = sheet.write_in_batches(&rows, written_rows).await;
                assert_eq!(files.len(), 1);
                let read = |request: ReadRequest| request.with_batch_rows(batch_rows);
                assert_same(&sheet.read_with(&files[0], &schema, read).await, &rows, &schema, format);
            }
        });
    }
}

/// What to read of a table of some rows.
#[derive(Debug)]
struct Question {
    schema: Arc<Schema>,
    rows: Vec<Tuple>,
    filter: Predicate,
    deleted: Vec<u64>,
    /// The columns asked for.
    columns: Vec<NestedField>,
    /// Where the file is cut.
    cuts: Vec<Index>,
    tiny: bool,
    batch_rows: usize,
}

fn question() -> impl Strategy<Value = Question> {
    chance::table(50)
        .prop_flat_map(|(schema, rows)| {
            let deleted = prop_oneof![
                2 => Just(Vec::new()),
                2 => prop::collection::vec(0..rows.len() as u64 + 3, 0..20),
                1 => (0..rows.len() as u64).prop_map(|from| (from..from + 64).collect()),
            ];
            let columns = prop::sample::subsequence(schema.fields().to_vec(), 0..=schema.fields().len());
            let filter = chance::predicate(&schema, &rows);
            let cuts = prop::collection::vec(any::<Index>(), 0..4);
            let layout = (any::<bool>(), select(vec![1, 7, 8192]));
            (Just(schema), Just(rows), filter, deleted, columns.prop_shuffle(), cuts, layout)
        })
        .prop_map(|(schema, rows, filter, deleted, columns, cuts, (tiny, batch_rows))| Question {
            schema,
            rows,
            filter,
            deleted,
            columns,
            cuts,
            tiny,
            batch_rows,
        })
}

impl Question {
    /// The columns asked for, with `_pos` and `_row_id` around them.
    fn asked(&self) -> Arc<Schema> {
        let mut fields = vec![NestedField::required(FieldId::POS.0, "_pos", PrimitiveType::Long)];
        fields.extend(self.columns.iter().cloned());
        fields.push(NestedField::optional(FieldId::ROW_ID.0, "_row_id", PrimitiveType::Long));
        Arc::new(Schema::new(fields).unwrap())
    }

    /// The answer, by going over all rows.
    fn answer(&self) -> Vec<Tuple> {
        let filter = self.filter.bind(&self.schema).unwrap();
        let at =
            |field: &NestedField| self.schema.fields().iter().position(|there| there.id == field.id).unwrap();
        let kept = self.rows.iter().zip(0_i64..).filter(|(row, position)| {
            !self.deleted.contains(&(*position as u64)) && chance::matches(&filter, &self.schema, row)
        });
        kept.map(|(row, position)| {
            let mut values = vec![Some(Value::Long(position))];
            values.extend(self.columns.iter().map(|field| row[at(field)].clone()));
            values.push(Some(Value::Long(FIRST_ROW_ID + position)));
            values
        })
        .collect()
    }

    fn request(&self, request: ReadRequest) -> ReadRequest {
        let positions = DeletionVector::from_positions(self.deleted.iter().copied()).unwrap();
        request
            .with_table_schema(Arc::clone(&self.schema))
            .with_filter(self.filter.bind(&self.schema).unwrap())
            .with_deletes(Arc::new(Deletes::builder().with_positions(positions).build()))
            .with_first_row_id(FIRST_ROW_ID)
            .with_batch_rows(self.batch_rows)
    }

    /// Ranges that cover a file.
    fn ranges(&self, file: &DataFile) -> Vec<std::ops::Range<u64>> {
        let size = file.file_size_in_bytes as u64;
        let mut ends: Vec<u64> = self.cuts.iter().map(|cut| cut.index(size as usize) as u64).collect();
        ends.extend([0, size]);
        ends.sort_unstable();
        ends.windows(2).map(|pair| pair[0]..pair[1]).collect()
    }

    async fn check(&self) {
        let (asked, answer) = (self.asked(), self.answer());
        for format in FORMATS {
            let sheet = sheet(&self.schema, format, self.tiny).await;
            let file = sheet.write(&self.rows).await;
            let read = async |with: &dyn Fn(ReadRequest) -> ReadRequest| {
                sheet.read_with(&file, &asked, |request| with(self.request(request))).await
            };
            let what = |how: &str| format!("{format}, {how}");
            assert_same(&read(&|request| request).await, &answer, &asked, &what("pushed down"));
            let early = read(&|request| request.with_late_materialization(false)).await;
            assert_same(&early, &answer, &asked, &what("without late materialization"));
            let unverified = read(&|request| request.with_verification(false)).await;
            assert_same(&unverified, &answer, &asked, &what("without verification"));
            let mut parts = Vec::new();
            for range in self.ranges(&file) {
                parts.extend(read(&|request| request.with_byte_range(range.clone())).await);
            }
            assert_same(&parts, &answer, &asked, &what("in splits"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn trap_16_filters_deletes_and_splits_leave_the_rows_that_a_loop_over_all_leaves(question in question()) {
        run(question.check());
    }
}
