//! Listings: order, pages, and stores that answer badly.

use datashard_spec::error::ErrorKind;
use futures_util::TryStreamExt;
use proptest::prelude::*;

use super::*;
use crate::error::StoreError;

async fn names(
    store: &TableStore,
    folder: Option<&str>,
    after: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let (folder, after) = (folder.map(path), after.map(path));
    store.list(folder.as_ref(), after.as_ref()).map_ok(|file| file.path.to_string()).try_collect().await
}

async fn with_files(files: &[&str]) -> (TableStore, Arc<Scripted>) {
    let (store, script) = bucket();
    for file in files {
        store.put(&path(file), some_bytes(file.len())).await.unwrap();
    }
    (store, script)
}

async fn with_count(count: usize) -> (TableStore, Arc<Scripted>, Vec<String>) {
    let (store, script) = bucket();
    let names: Vec<_> = (0..count).map(|i| format!("data/{i:06}")).collect();
    for name in &names {
        script.memory.put_opts(&key(name), "x".into(), PutOptions::default()).await.unwrap();
    }
    (store, script, names)
}

fn key(name: &str) -> Path {
    Path::parse(format!("t/{name}")).unwrap()
}

/// Keys of one byte each, below the table.
fn keys(names: &[&str]) -> Vec<(String, u64)> {
    names.iter().map(|name| (format!("t/{name}"), 1)).collect()
}

#[tokio::test]
async fn names_are_sorted_by_their_bytes_and_lie_strictly_below_the_folder() {
    let (store, script) =
        with_files(&["data/b", "data", "data2/x", "data-1", "data/a/z", "data/a.txt", "meta/ü", "z"]).await;
    let elsewhere = Path::parse("t2/data/x").unwrap();
    script.memory.put_opts(&elsewhere, "x".into(), PutOptions::default()).await.unwrap();
    let all = names(&store, None, None).await.unwrap();
    assert_eq!(all, ["data", "data-1", "data/a.txt", "data/a/z", "data/b", "data2/x", "meta/ü", "z"]);
    assert_eq!(names(&store, Some("data"), None).await.unwrap(), ["data/a.txt", "data/a/z", "data/b"]);
    assert_eq!(names(&store, Some("dat"), None).await.unwrap(), [""; 0]);
    assert_eq!(names(&store, Some("nowhere"), None).await.unwrap(), [""; 0]);
    let infos: Vec<_> = store.list(Some(&path("meta")), None).try_collect().await.unwrap();
    assert_eq!(infos[0].size_bytes, 7);
    assert_eq!(infos[0], store.info(&infos[0].path).await.unwrap());
}

#[tokio::test]
async fn listing_begins_after_any_name() {
    let (store, _) = with_files(&["a/1", "a/3", "b"]).await;
    for (after, expected) in
        [("a/1", vec!["a/3", "b"]), ("a/2", vec!["a/3", "b"]), ("a/3", vec!["b"]), ("b", vec![])]
    {
        assert_eq!(names(&store, None, Some(after)).await.unwrap(), expected);
    }
    assert_eq!(names(&store, Some("a"), Some("a/1")).await.unwrap(), ["a/3"]);
    assert_eq!(names(&store, Some("a"), Some("0")).await.unwrap(), ["a/1", "a/3"]);
    assert_eq!(names(&store, Some("a"), Some("b")).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn table_in_the_root_of_a_bucket_is_listed() {
    let memory = Arc::new(InMemory::new());
    let location = Location::parse("memory://lake").unwrap();
    let store = TableStore::from_object_store(memory, "", location, Context::system()).unwrap();
    store.put(&path("data/f"), some_bytes(1)).await.unwrap();
    assert_eq!(names(&store, None, None).await.unwrap(), ["data/f"]);
    assert_eq!(names(&store, Some("data"), None).await.unwrap(), ["data/f"]);
}

#[tokio::test]
async fn each_page_of_a_thousand_names_is_one_request() {
    let (store, script, expected) = with_count(2_500).await;
    assert_eq!(names(&store, None, None).await.unwrap(), expected);
    assert_eq!(store.counts().list, 3);
    assert_eq!(names(&store, None, Some("data/001499")).await.unwrap(), expected[1_500..]);
    assert_eq!((store.counts().list, script.times(List).len()), (4, 2));
}

#[tokio::test]
async fn first_names_cost_one_request() {
    let (store, _, expected) = with_count(2_500).await;
    let page = async |after: Option<&str>, limit| {
        let page = store.list_page(None, after.map(path).as_ref(), limit).await.unwrap();
        page.into_iter().map(|file| file.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 10).await, expected[..10]);
    assert_eq!(page(Some("data/000009"), 10).await, expected[10..20]);
    assert_eq!(page(None, usize::MAX).await, expected[..1_000]);
    assert_eq!(page(Some("data/002494"), 10).await, expected[2_495..]);
    assert_eq!(store.counts().list, 4);
    assert_eq!(page(None, 0).await, [""; 0]);
    assert_eq!(store.counts().list, 4);
}

#[tokio::test]
async fn b16_page_that_fails_is_asked_for_again_from_the_last_name() {
    let (store, script, expected) = with_count(10_000).await;
    script.next(List, Act::BreakAfter(6_500));
    script.next(List, Act::Refuse(status(503)));
    script.next(List, Act::Hang);
    script.next(List, Act::BreakAfter(0));
    assert_eq!(names(&store, None, None).await.unwrap(), expected);
    assert_eq!(script.times(List).len(), 5);
}

#[tokio::test]
async fn b16_listing_that_fails_for_good_ends_with_the_error() {
    let (store, script, _) = with_count(100).await;
    script.next(List, Act::BreakAfter(50));
    for _ in 0..100 {
        script.next(List, Act::Refuse(status(500)));
    }
    let mut files = store.list(None, None);
    let mut given = 0;
    let error = loop {
        match files.next().await.unwrap() {
            Ok(_) => given += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((given, error.kind()), (50, ErrorKind::Unavailable));
    assert!(files.next().await.is_none());
    assert!((10..30).contains(&store.counts().list), "{:?}", store.counts());
}

#[tokio::test]
async fn b16_names_listed_twice_are_given_once() {
    let (store, script) = bucket();
    script.next(List, Act::Keys(keys(&["a", "a", "b", "b", "b"]), None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn b16_names_out_of_order_end_the_listing() {
    for bad in [["a", "c", "b"], ["b", "c", "a"]] {
        let (store, script) = bucket();
        script.next(List, Act::Keys(keys(&bad), None));
        let error = names(&store, None, None).await.unwrap_err();
        assert!(matches!(error, StoreError::BadListing { .. }), "{error:?}");
        assert_eq!((error.kind(), store.counts().list), (ErrorKind::InvalidData, 1));
        assert!(error.to_string().contains("t/c"), "{error}");
    }
}

#[tokio::test]
async fn b16_listing_folder_by_folder_is_whole_and_one_that_starts_over_is_still_found_out() {
    let (store, script) = bucket();
    let by_folders = ["a/x", "a/y", "a-b/x", "a.c", "b"];
    script.next(List, Act::Keys(keys(&by_folders), None));
    assert_eq!(names(&store, None, None).await.unwrap(), by_folders);
    script.next(List, Act::Keys(keys(&["a/x", "a-b/x", "a/x", "a-b/x"]), None));
    assert!(matches!(names(&store, None, None).await.unwrap_err(), StoreError::BadListing { .. }));
    // A page that fails goes on in the order that was seen.
    script.next(List, Act::Keys(keys(&["a/x", "a-b/x"]), Some(said(status(503)))));
    script.next(List, Act::Keys(keys(&["a-b/y", "a.c"]), None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["a/x", "a-b/x", "a-b/y", "a.c"]);
    // Before that order was seen, a name may be new or old: rather an error than a hole.
    script.next(List, Act::Keys(keys(&["a/x"]), Some(said(status(503)))));
    script.next(List, Act::Keys(keys(&["a-b/x"]), None));
    assert!(matches!(names(&store, None, None).await.unwrap_err(), StoreError::BadListing { .. }));
}

#[tokio::test]
async fn b16_listing_that_starts_over_ends_with_an_error() {
    let (store, script) = bucket();
    script.next(List, Act::Keys(keys(&["a", "b", "c", "a", "b", "c"]), None));
    assert!(matches!(names(&store, None, None).await.unwrap_err(), StoreError::BadListing { .. }));
}

#[tokio::test]
async fn b16_store_that_does_not_begin_where_asked_gives_no_name_twice() {
    let (store, script) = bucket();
    let broken = Some(said(status(503)));
    script.next(List, Act::Keys(keys(&["a", "b", "c"]), broken));
    script.next(List, Act::Keys(keys(&["a", "b", "c", "d"]), None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["a", "b", "c", "d"]);
    script.next(List, Act::Keys(keys(&["a", "b", "c"]), None));
    assert_eq!(names(&store, None, Some("b")).await.unwrap(), ["c"]);
}

#[tokio::test]
async fn b16_names_elsewhere_are_left_out() {
    let (store, script) = bucket();
    let listed = ["s/x", "t", "t/a", "t/data", "t/data/f", "t/data2/f", "t2/x"];
    let all = || listed.iter().map(|key| ((*key).to_owned(), 1)).collect();
    script.next(List, Act::Keys(all(), None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["a", "data", "data/f", "data2/f"]);
    script.next(List, Act::Keys(all(), None));
    assert_eq!(names(&store, Some("data"), None).await.unwrap(), ["data/f"]);
}

#[tokio::test]
async fn e08_names_that_no_table_uses_are_left_out() {
    let (store, script) = bucket();
    let long = "x".repeat(256);
    script.next(List, Act::Keys(keys(&["a", "back\\slash", "c\u{85}", &long, "z"]), None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["a", "z"]);
}

#[tokio::test]
async fn e08_key_that_is_no_name_at_all_is_an_error_that_tells_it() {
    let (store, script) = bucket();
    let error = Path::parse("t/data//f").unwrap_err().into();
    script.next(List, Act::Keys(keys(&["a"]), Some(error)));
    let error = names(&store, None, None).await.unwrap_err();
    assert!(matches!(error, StoreError::BadListing { .. }), "{error:?}");
    assert!(error.to_string().contains("t/data//f"), "{error}");
    assert_eq!(store.counts().list, 1);
}

#[tokio::test]
async fn e08_empty_objects_in_place_of_folders_are_left_out() {
    let (store, script) = bucket();
    // Keys in the store: data-1, data/, data/f, metadata-1, metadata/.
    let mut listed = keys(&["data-1", "data", "data/f", "metadata-1", "metadata"]);
    listed[1].1 = 0;
    listed[4].1 = 0;
    script.next(List, Act::Keys(listed, None));
    assert_eq!(names(&store, None, None).await.unwrap(), ["data-1", "data/f", "metadata-1"]);
    script.next(List, Act::Keys(vec![("t/data".to_owned(), 0), ("t/data/f".to_owned(), 1)], None));
    assert_eq!(names(&store, Some("data"), None).await.unwrap(), ["data/f"]);
}

#[tokio::test]
async fn b10_listing_that_is_refused_is_not_asked_for_again() {
    for (answer, kind) in [
        (status(403), ErrorKind::PermissionDenied),
        (status(404), ErrorKind::NotFound),
        (coded(404, "NoSuchBucket"), ErrorKind::NotFound),
    ] {
        let (store, script) = bucket();
        script.next(List, Act::Refuse(answer));
        assert_eq!(names(&store, None, None).await.unwrap_err().kind(), kind);
        assert_eq!(store.counts().list, 1);
    }
}

#[tokio::test]
async fn folder_that_is_not_there_has_no_files() {
    let (store, script) = table_at("/lake/t");
    for name in ["", "t/data"] {
        let missing = Error::NotFound { path: name.to_owned(), source: "no such folder".into() };
        script.next(List, Act::Keys(Vec::new(), Some(missing)));
        assert_eq!(names(&store, None, None).await.unwrap(), [""; 0]);
    }
}

#[tokio::test]
async fn listing_that_nobody_reads_costs_nothing() {
    let (store, _, _) = with_count(3).await;
    drop(store.list(None, None));
    assert_eq!(store.counts().list, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often and wherever a listing breaks off, each name is given once, in order.
    #[test]
    fn b16_breaks_anywhere_lose_and_double_nothing(
        files in prop::collection::btree_set("[a-c]{1,2}(/[a-c.-]{1,2}x){0,2}", 0..30),
        breaks in prop::collection::vec(0_usize..12, 0..8),
        folder in prop::option::of("[a-c]{1,2}"),
        after in prop::option::of("[a-c]{1,2}"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let files: Vec<_> = files.iter().map(String::as_str).collect();
            let (store, script) = with_files(&files).await;
            for count in &breaks {
                script.next(List, Act::BreakAfter(*count));
            }
            let found = names(&store, folder.as_deref(), after.as_deref()).await.unwrap();
            let below = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
            let expected: Vec<_> = files
                .iter()
                .filter(|file| file.starts_with(&below) && after.as_deref().is_none_or(|after| **file > after))
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, expected);
        });
    }

    /// Whatever a store lists, there is no panic, and what is given is in order.
    #[test]
    fn b16_no_listing_panics(listed in prop::collection::vec(("t?/?[ab\\\\\u{85}/]{0,4}", 0_u64..2), 0..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, script) = bucket();
            let listed = listed.into_iter().filter(|(key, _)| Path::parse(key).is_ok()).collect();
            script.next(List, Act::Keys(listed, None));
            let found: Vec<_> = store.list(None, None).take_while(|f| std::future::ready(f.is_ok())).collect().await;
            let found: Vec<_> = found.into_iter().map(|file| file.unwrap().path).collect();
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?}");
        });
    }
}
