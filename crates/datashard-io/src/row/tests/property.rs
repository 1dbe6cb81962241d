//! Any rows out of a batch and in again, by each of the ways.

use datashard_spec::schema::{Schema, Type};
use proptest::prelude::*;

use super::super::{RowBuilder, deserialize, to_json, values};
use crate::arrow::testing::{assert_same_rows, schema_and_batch};

fn has_variant(schema: &Schema) -> bool {
    schema.all_fields().any(|field| *field.field_type == Type::Variant)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn values_and_json_make_the_same_rows_again((schema, batch) in schema_and_batch(4)) {
        // Values know no variants.
        prop_assume!(!has_variant(&schema));
        let mut typed = RowBuilder::new(&schema).unwrap();
        for row in values(&batch, &schema).unwrap() {
            typed.push_values(row.unwrap()).unwrap();
        }
        let typed = typed.finish().unwrap();
        prop_assert_eq!(typed.schema(), batch.schema());
        assert_same_rows(&typed, &batch);

        let mut json = RowBuilder::new(&schema).unwrap();
        for row in to_json(&batch, &schema).unwrap() {
            json.push_json(&row.unwrap()).unwrap();
        }
        assert_same_rows(&json.finish().unwrap(), &batch);

        // What asks for nothing can be given every row.
        let any = deserialize::<serde::de::IgnoredAny>(&batch, &schema).unwrap();
        prop_assert_eq!(any.filter(Result::is_ok).count(), batch.num_rows());
    }
}
