//! Appends: what they say they did, is there; once.

use datashard::spec::ErrorKind;
use datashard::{Error, Table};

use crate::support::{Event, by_kind, event, place, plain, rows};

#[tokio::test]
async fn appended_rows_are_read_back_from_memory_and_from_a_folder() {
    let (_dir, folder) = place();
    for location in [folder.as_str(), "memory://lake/round-trip"] {
        let table = Table::create(location, by_kind()).await.unwrap();
        let done = table.append().records([event(1, "a"), event(2, "b"), event(3, "a")]).await.unwrap();
        assert_eq!((done.row_count, done.file_count, done.version.0, done.duplicate), (3, 2, 2, false));
        let mut found = rows(&table).await;
        found.sort();
        assert_eq!(found, [event(1, "a"), event(2, "b"), event(3, "a")], "{location}");
        assert_eq!(table.scan().count().await.unwrap(), 3);
    }
}

#[tokio::test]
async fn creation_is_exclusive_and_open_or_create_is_not() {
    let (_dir, location) = place();
    let none = Table::open(&location).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
    let makers = (0..4).map(|_| Table::open_or_create(&location, plain()));
    let tables = futures_util::future::try_join_all(makers).await.unwrap();
    tables[0].append().records([event(1, "a")]).await.unwrap();
    assert_eq!(rows(&tables[3]).await, [event(1, "a")]);
    let again = Table::create(&location, plain()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn a_key_is_applied_once() {
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    let append = table.append().with_idempotency("loader", 7);
    let first = append.clone().records([event(1, "a")]).await.unwrap();
    let other = Table::open(&location).await.unwrap();
    let again = other.append().with_idempotency("loader", 7).records([event(1, "a")]).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!((again.row_count, again.snapshot_id), (0, first.snapshot_id));
    assert_eq!(rows(&table).await, [event(1, "a")]);
}

#[tokio::test]
async fn nothing_appended_commits_nothing() {
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    let done = table.append().records(Vec::<Event>::new()).await.unwrap();
    assert_eq!((done.version.0, done.snapshot_id, done.file_count), (1, None, 0));
    assert_eq!(table.refresh().await.unwrap().version.0, 1);
}

#[tokio::test]
async fn records_that_do_not_fit_are_refused_and_nothing_is_appended() {
    #[derive(serde::Serialize)]
    struct Other {
        id: i64,
        unknown: i64,
    }
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    let error = table.append().records([Other { id: 1, unknown: 2 }]).await.unwrap_err();
    assert!(matches!(error, Error::Data(_)) && error.kind() == ErrorKind::InvalidInput, "{error}");
    assert_eq!(table.refresh().await.unwrap().version.0, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_twelve_writers_are_there_once_each() {
    const WRITERS: i64 = 12;
    const APPENDS: i64 = 5;
    let (_dir, location) = place();
    let table = Table::create(&location, plain()).await.unwrap();
    let writers = (0..WRITERS).map(|writer| {
        let location = location.clone();
        tokio::spawn(async move {
            let table = Table::open(&location).await.unwrap();
            for number in 0..APPENDS {
                table.append().records([event(writer * APPENDS + number, "a")]).await.unwrap();
            }
        })
    });
    futures_util::future::try_join_all(writers).await.unwrap();
    let mut ids: Vec<i64> = rows(&table).await.into_iter().map(|event| event.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..WRITERS * APPENDS).collect::<Vec<_>>());
}
