//! What is left out of a read would not have matched: pruning, late materialisation, deletes, against reading everything.

use std::sync::Arc;

use arrow::compute::filter_record_batch;
use datashard_spec::expr::Predicate;
use datashard_spec::puffin::DeletionVector;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use proptest::prelude::*;

use super::{ROWS, file_of, ids, read, rows, schema, small_parts, with_positions};
use crate::arrow::filter::BatchFilter;
use crate::arrow::testing::assert_same_rows;
use crate::delete::Deletes;
use crate::read::ReadRequest;

fn test() -> impl Strategy<Value = String> {
    let number = -10..ROWS + 10;
    let comparison = || prop::sample::select(vec!["<", "<=", ">", ">=", "=", "!="]);
    prop_oneof![
        (comparison(), number.clone()).prop_map(|(op, value)| format!("id {op} {value}")),
        (comparison(), -2..20).prop_map(|(op, value)| format!("small {op} {value}")),
        (comparison(), -45..65).prop_map(|(op, value)| format!("float {op} {value}")),
        (comparison(), -2..52).prop_map(|(op, value)| format!("text {op} 'city-{value:02}'")),
        (comparison(), -1_000..2_000)
            .prop_map(|(op, value)| format!("price {op} {}", f64::from(value) / 100.0)),
        (comparison(), -1..52).prop_map(|(op, value)| format!("sparse {op} {value}")),
        (number.clone(), number).prop_map(|(a, b)| format!("id in ({a}, {b})")),
        (0..20, 0..20).prop_map(|(a, b)| format!("small in ({a}, {b})")),
        (0..52, 0..52).prop_map(|(a, b)| format!("text in ('city-{a:02}', 'city-{b:02}')")),
        (0..52, 0..52).prop_map(|(a, b)| format!("text not in ('city-{a:02}', 'city-{b:02}')")),
        (0..6).prop_map(|ten| format!("text starts with 'city-{ten}'")),
        prop::sample::select(vec!["sparse", "small", "float", "text", "price", "at"]).prop_flat_map(
            |name| prop_oneof![Just(format!("{name} is null")), Just(format!("{name} is not null"))]
        ),
        prop::sample::select(vec!["float is nan", "float is not nan"]).prop_map(str::to_owned),
    ]
}

fn filter() -> impl Strategy<Value = String> {
    test().prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

fn layout() -> impl Strategy<Value = WriterProperties> {
    let statistics = prop::sample::select(vec![
        EnabledStatistics::Page,
        EnabledStatistics::Page,
        EnabledStatistics::Chunk,
        EnabledStatistics::None,
    ]);
    let version = prop::sample::select(vec![WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]);
    (statistics, version, any::<bool>(), any::<bool>(), 1_usize..200, 1_usize..40).prop_map(
        |(statistics, version, bloom, dictionary, group, page)| {
            small_parts()
                .set_max_row_group_row_count(Some(group))
                .set_data_page_row_count_limit(page)
                .set_write_batch_size(page)
                .set_statistics_enabled(statistics)
                .set_writer_version(version)
                .set_bloom_filter_enabled(bloom)
                .set_dictionary_enabled(dictionary)
                .set_statistics_truncate_length(Some(6))
                .set_column_index_truncate_length(Some(6))
                .build()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn trap_16_what_is_left_out_changes_neither_rows_nor_positions(
        filter in filter(),
        layout in layout(),
        late: bool,
        batch_rows in 1_usize..120,
        deleted in prop::option::of((0_u64..400, 1_u64..300)),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let all = rows();
        let bytes = file_of(&all, layout);
        let predicate: Predicate = filter.parse().unwrap();
        let Ok(bound) = predicate.bind(&schema()) else { panic!("{filter}") };
        let mut request = ReadRequest::new(with_positions())
            .with_filter(bound.clone())
            .with_batch_rows(batch_rows)
            .with_late_materialization(late);
        let mut mask = BatchFilter::new(&bound, &schema()).unwrap().matches(&all).unwrap();
        if let Some((start, count)) = deleted {
            let end = (start + count).min(400);
            let positions = DeletionVector::from_positions(start..end).unwrap();
            request = request.with_deletes(Arc::new(Deletes::builder().with_positions(positions).build()));
            mask = mask.iter().zip(0_u64..).map(|(one, at)| Some(one == Some(true) && !(start..end).contains(&at))).collect();
        }
        let expected = filter_record_batch(&all, &mask).unwrap();
        let found = runtime.block_on(read(&bytes, request));
        prop_assert_eq!(ids(&found), ids(&expected));
        let columns: Vec<usize> = (0..expected.num_columns()).collect();
        assert_same_rows(&expected, &found.project(&columns).unwrap());
    }
}

#[tokio::test]
async fn few_matching_rows_are_picked_from_row_groups_that_cannot_be_left_out() {
    // Every row group has all the numbers from 0 to 49, so neither statistics nor pages say anything.
    let all = rows();
    let bytes = file_of(&all, small_parts().set_data_page_row_count_limit(100).build());
    let filter = "sparse = 7".parse::<Predicate>().unwrap().bind(&schema()).unwrap();
    for late in [true, false] {
        let request =
            ReadRequest::new(with_positions()).with_filter(filter.clone()).with_late_materialization(late);
        assert_eq!(ids(&read(&bytes, request).await), [57, 157, 257, 357]);
    }
}
