//! Equality deletes of any rows over any columns, written and applied, against a loop over all rows and keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use datashard_io::InputFile;
use datashard_io::context::Context;
use datashard_io::delete::{DeleteFile, DeleteLoader, Deletes, EqualityDeleteWriter};
use datashard_io::write::WriteOptions;
use datashard_spec::id::{DataSequenceNumber, FieldId};
use datashard_spec::manifest::applies::LiveFile;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{PrimitiveType, Schema};
use datashard_spec::sort_order::SortOrder;
use datashard_spec::value::{Tuple, Value};
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::chance;
use crate::sheet::{FORMATS, Sheet, TINY, assert_same, run};

/// The columns that may identify a row: primitive, no floats, no shapes.
fn comparable(schema: &Schema) -> Vec<FieldId> {
    use PrimitiveType as P;
    let columns = chance::testable(schema).into_iter();
    let comparable = columns.filter(|column| {
        !matches!(column.primitive, P::Float | P::Double | P::Geometry(_) | P::Geography(..))
    });
    comparable.map(|column| column.id).collect()
}

#[derive(Debug)]
struct Question {
    schema: Arc<Schema>,
    rows: Vec<Tuple>,
    ids: Vec<FieldId>,
    /// Rows that are deleted by what they hold in the columns.
    keys: Vec<Tuple>,
}

fn question() -> impl Strategy<Value = Question> {
    chance::table(24)
        .prop_filter("no column to compare", |(schema, _)| !comparable(schema).is_empty())
        .prop_flat_map(|(schema, rows)| {
            let all = comparable(&schema);
            let ids = subsequence(all.clone(), 1..=all.len().min(3));
            let known = subsequence(rows.clone(), 0..=rows.len().min(6));
            let others = chance::rows_of(&schema, 3);
            (Just(schema), Just(rows), ids, known, others)
        })
        .prop_map(|(schema, rows, ids, known, others)| Question {
            schema,
            rows,
            ids,
            keys: known.into_iter().chain(others).collect(),
        })
}

impl Question {
    fn key(&self, row: &Tuple) -> Vec<Option<Value>> {
        let values = chance::by_id(&self.schema, row);
        self.ids.iter().map(|id| values.get(id).cloned()).collect()
    }

    async fn write_deletes(&self, sheet: &Sheet, format: &str) -> Vec<DataFile> {
        let set = BTreeMap::from([("write.format.default".to_owned(), format.to_owned())]);
        let (order, properties) = (SortOrder::unsorted(), TableProperties::new(&set));
        let (options, _) =
            WriteOptions::from_properties(&self.schema, &order, properties, FileContent::EqualityDeletes)
                .unwrap();
        let mut writer = EqualityDeleteWriter::new(
            &sheet.store,
            &self.schema,
            &sheet.spec,
            Some(&self.ids),
            &options,
            FormatVersion::V3,
            &Context::system(),
        )
        .unwrap();
        writer.write(&sheet.batch(&self.keys)).await.unwrap();
        writer.finish().await.unwrap().files
    }

    /// The deletes of a data file of this sequence number; those at hand have number 5.
    async fn load(&self, sheet: &Sheet, data: &DataFile, number: i64, deletes: &[DataFile]) -> Arc<Deletes> {
        let spec = Arc::new(sheet.spec.clone());
        let deletes: Vec<DeleteFile> = deletes
            .iter()
            .map(|file| DeleteFile::new(file.clone(), DataSequenceNumber(5), Arc::clone(&spec)))
            .collect();
        let store = sheet.store.clone();
        let loader = DeleteLoader::new(deletes, [Arc::clone(&self.schema)], move |location| {
            let path = store.location().relative(location).unwrap();
            Ok(InputFile::new(store.clone(), path, location))
        });
        let live = LiveFile { file: data, sequence_number: DataSequenceNumber(number), spec: &spec };
        Arc::new(loader.load(live).await.unwrap())
    }

    async fn check(&self) {
        let keys: Vec<_> = self.keys.iter().map(|row| self.key(row)).collect();
        let left: Vec<Tuple> =
            self.rows.iter().filter(|row| !keys.contains(&self.key(row))).cloned().collect();
        // Only the columns that are not compared are asked for, where there are any.
        let others: Vec<_> =
            self.schema.fields().iter().filter(|field| !self.ids.contains(&field.id)).cloned().collect();
        let others = Arc::new(Schema::new(others).unwrap());
        let at = |id: FieldId| self.schema.fields().iter().position(|field| field.id == id).unwrap();
        let narrow = |row: &Tuple| others.fields().iter().map(|field| row[at(field.id)].clone()).collect();
        let narrow: Vec<Tuple> = left.iter().map(narrow).collect();

        for (format, delete_format) in FORMATS.into_iter().zip(FORMATS.into_iter().rev()) {
            let sheet = Sheet::new(&self.schema, format, &TINY).await;
            let file = sheet.write(&self.rows).await;
            let deletes = self.write_deletes(&sheet, delete_format).await;
            let older = self.load(&sheet, &file, 4, &deletes).await;
            let read = async |schema: &Arc<Schema>, deletes: &Arc<Deletes>| {
                sheet.read_with(&file, schema, |request| request.with_deletes(Arc::clone(deletes))).await
            };
            assert_same(&read(&self.schema, &older).await, &left, &self.schema, format);
            assert_same(&read(&others, &older).await, &narrow, &others, format);
            // Rows of the same commit are spared.
            let same = self.load(&sheet, &file, 5, &deletes).await;
            assert_same(&read(&self.schema, &same).await, &self.rows, &self.schema, format);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn trap_15_equality_deletes_hit_equal_older_rows_and_no_others(question in question()) {
        run(question.check());
    }
}
