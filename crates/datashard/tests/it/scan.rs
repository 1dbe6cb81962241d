//! Scans: of the right snapshot, the right rows, in an order that is always the same, from no more files than needed.

use datashard::Table;
use datashard::spec::ErrorKind;
use datashard::spec::id::SnapshotId;

use crate::support::{Event, by_kind, event, place, plain, rows};

#[tokio::test]
async fn older_snapshots_are_read_by_id_by_time_and_after_a_rollback() {
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    let first = table.append().records([event(1, "a")]).await.unwrap().snapshot_id.unwrap();
    table.append().records([event(2, "b")]).await.unwrap();
    let of_first: Vec<Event> = table.scan().snapshot(first).rows().await.unwrap();
    assert_eq!(of_first, [event(1, "a")]);
    let snapshots = table.snapshots().await.unwrap();
    assert_eq!(snapshots.len(), 2);
    let at = snapshots[1].timestamp_ms;
    assert_eq!(table.snapshot_at(at).await.unwrap().id, snapshots[1].id);
    assert_eq!(table.scan().as_of(at).count().await.unwrap(), 2);
    let early = table.scan().as_of(1).count().await.unwrap_err();
    let unknown = table.scan().snapshot(SnapshotId(1)).count().await.unwrap_err();
    let no_ref = table.scan().reference("audit").count().await.unwrap_err();
    for error in [early, unknown, no_ref] {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    table.rollback_to(first).await.unwrap();
    assert_eq!(rows(&table).await, [event(1, "a")]);
    assert_eq!(table.current_snapshot().await.unwrap().unwrap().id, first);
}

#[tokio::test]
async fn order_and_limits_do_not_depend_on_concurrency_or_batch_size() {
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    for start in [0_i64, 10, 20] {
        table.append().records((start..start + 10).map(|id| event(id, "a"))).await.unwrap();
    }
    let expected = rows(&table).await;
    assert_eq!(expected.len(), 30);
    for (concurrency, batch_rows) in [(1, 1), (2, 7), (16, 8_192)] {
        let scan = table.scan().concurrency(concurrency).batch_rows(batch_rows);
        assert_eq!(scan.rows::<Event>().await.unwrap(), expected);
        assert_eq!(scan.limit(13).rows::<Event>().await.unwrap(), expected[..13]);
    }
    assert_eq!(table.scan().limit(0).count().await.unwrap(), 0);
}

#[tokio::test]
async fn filters_spare_files_by_partition_and_by_bounds() {
    let (_dir, location) = place();
    let table = Table::create(&location, by_kind()).await.unwrap();
    table.append().records([event(1, "a"), event(2, "b"), event(3, "c")]).await.unwrap();
    table.append().records([event(100, "a")]).await.unwrap();
    let of = |text: &str| table.scan().filter_text(text).unwrap();
    assert_eq!(of("kind = 'a'").plan().await.unwrap().tasks().len(), 2);
    assert_eq!(of("kind = 'a' and id > 50").plan().await.unwrap().tasks().len(), 1);
    assert_eq!(of("kind = 'a' and id > 50").rows::<Event>().await.unwrap(), [event(100, "a")]);

    // Partitions alone answer the first: hint of a newer version, manifest list, manifests. The second opens the file of id 100.
    let before = table.store().counts();
    assert_eq!(of("kind = 'a'").count().await.unwrap(), 2);
    let metadata_only = table.store().counts().since(&before);
    let before = table.store().counts();
    assert_eq!(of("id > 50").count().await.unwrap(), 1);
    let one_file = table.store().counts().since(&before);
    assert!(metadata_only.get < one_file.get, "{metadata_only:?} {one_file:?}");
}

#[tokio::test]
async fn selected_columns_are_read_whatever_is_filtered() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Kind {
        kind: String,
    }
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    table.append().records([event(1, "a"), event(2, "b")]).await.unwrap();
    let scan = table.scan().select(["kind"]).filter_text("id = 2").unwrap();
    assert_eq!(scan.rows::<Kind>().await.unwrap(), [Kind { kind: "b".into() }]);
    let ignoring = table.scan().case_sensitive(false).select(["KIND"]).filter_text("ID = 2").unwrap();
    assert_eq!(ignoring.rows::<Kind>().await.unwrap(), [Kind { kind: "b".into() }]);
    let error = table.scan().select(["color"]).count().await.unwrap_err();
    assert_eq!(error.to_string(), "there is no column `color` in the schema that is read; it has id, kind");
    assert_eq!(table.scan().filter_text("id >").unwrap_err().kind(), ErrorKind::InvalidInput);
}
