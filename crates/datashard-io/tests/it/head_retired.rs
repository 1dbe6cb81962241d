//! The retire boundary: raised only, believed only if it is a number.

use datashard_io::TableStore;
use datashard_spec::error::ErrorKind;
use datashard_spec::id::MetadataVersion;

use crate::head_support::{Table, nothing};

async fn raise(store: &TableStore, to: u64) -> u64 {
    store.raise_retired(MetadataVersion(to)).await.unwrap().0
}

#[tokio::test]
async fn the_boundary_is_raised_and_never_lowered() {
    for table in [Table::on_bucket(nothing()), Table::in_folder(nothing())] {
        assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(0));
        assert_eq!(raise(&table.store, 5).await, 5);
        assert_eq!(raise(&table.store, 3).await, 5);
        assert_eq!(raise(&table.other_handle(), 100).await, 100);
        assert_eq!(raise(&table.store, 100).await, 100);
        assert_eq!(raise(&table.store, 20).await, 100);
        assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(100));
    }
}

#[tokio::test]
async fn on_a_bucket_it_is_one_file_and_a_raise_costs_two_requests() {
    let table = Table::on_bucket(nothing());
    table.store.check_capabilities().await.unwrap();
    assert_eq!(table.cost(raise(&table.store, 5)).await.1, [1, 0, 1, 0, 0]);
    // The first replacement is preceded by one on the hint that must be refused.
    assert_eq!(table.cost(raise(&table.store, 11)).await.1, [2, 0, 2, 0, 0]);
    assert_eq!(table.cost(raise(&table.store, 12)).await.1, [1, 0, 1, 0, 0]);
    assert_eq!(table.cost(table.store.retired()).await.1, [1, 0, 0, 0, 0]);
    assert_eq!(table.chain.names(), ["metadata/_datashard/retired"]);
    assert_eq!(table.chain.text("metadata/_datashard/retired").as_deref(), Some("12"));
}

#[tokio::test]
async fn in_a_folder_it_is_the_largest_name_and_lower_ones_stay_while_readers_may_need_them() {
    let table = Table::in_folder(nothing());
    for left in [3, 11, 4] {
        table.chain.put(&format!("metadata/_datashard/retired.d/{left}"), "");
    }
    let (retired, cost) = table.cost(table.store.retired()).await;
    assert_eq!((retired.unwrap(), cost), (MetadataVersion(11), [0, 0, 0, 1, 0]));
    table.store.check_capabilities().await.unwrap();
    assert_eq!(table.cost(raise(&table.store, 12)).await.1, [0, 1, 1, 1, 0]);
    assert_eq!(table.chain.names().len(), 4);
}

#[tokio::test]
async fn in_a_folder_foreign_names_fail_closed_but_for_hidden_ones() {
    let table = Table::in_folder(nothing());
    table.chain.put("metadata/_datashard/retired.d/.nfs0001", "");
    table.chain.put("metadata/_datashard/retired.d/7", "");
    assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(7));
    for name in ["007", "7~", "18446744073709551616"] {
        let table = Table::in_folder(1..=3);
        table.chain.put(&format!("metadata/_datashard/retired.d/{name}"), "");
        let error = table.store.retired().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_boundary_fails_closed() {
    for content in ["", "x", "7\n", "-1", "007", "18446744073709551616", &"9".repeat(100)] {
        let table = Table::on_bucket(1..=3);
        table.chain.retired(content);
        let error = table.store.retired().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{content:?}: {error}");
        assert!(table.store.raise_retired(MetadataVersion(2)).await.is_err());
        assert!(table.store.find_head().await.is_err());
        assert_eq!(table.chain.text("metadata/_datashard/retired").as_deref(), Some(content));
    }
}

#[tokio::test]
async fn a_raise_that_another_overtakes_starts_from_the_new_value() {
    let check = async |other: &'static str, expect: u64| {
        let table = Table::on_bucket(nothing());
        raise(&table.store, 5).await;
        let mut done = false;
        table.chain.before(move |chain, request| {
            if request.starts_with("PUT") && !std::mem::replace(&mut done, true) {
                chain.retired(other);
            }
        });
        assert_eq!(raise(&table.store, 10).await, expect);
        assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(expect));
    };
    check("7", 10).await;
    check("30", 30).await;
}

#[tokio::test]
async fn a_store_without_conditional_replacement_cannot_retire_but_all_else_works() {
    let table = Table::on_bucket(1..=9);
    table.chain.retired("2");
    table.chain.refuse_updates();
    let error = table.store.raise_retired(MetadataVersion(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("If-Match"), "{error}");
    assert_eq!(table.store.retired().await.unwrap(), MetadataVersion(2));
    assert_eq!(raise(&table.store, 2).await, 2);
    assert_eq!(table.store.find_head().await.unwrap().unwrap().version, MetadataVersion(9));
}
