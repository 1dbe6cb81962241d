//! What holds for every path and every caller.

use proptest::prelude::*;

use super::*;
use crate::error::StoreError;

/// Every call on one path; the answers must fit each other.
async fn use_all(store: &TableStore, path: &TablePath) -> Result<(), StoreError> {
    store.put(path, some_bytes(5)).await?;
    assert_eq!(store.read(path, 5).await?, some_bytes(5));
    assert_eq!(store.read_tail(path, 2).await?.bytes, some_bytes(5).slice(3..));
    assert!(!store.create(path, some_bytes(1)).await?.is_yes());
    let listed: Vec<_> = store.list(None, None).map(|file| file.unwrap().path).collect().await;
    assert_eq!(listed, std::slice::from_ref(path));
    assert!(store.list_page(Some(path), None, 9).await?.is_empty());
    assert!(store.list_page(None, Some(path), 9).await?.is_empty());
    let mut upload = store.upload(path)?;
    upload.write(some_bytes(7)).await?;
    assert_eq!(upload.finish().await?.size_bytes, store.info(path).await?.size_bytes);
    assert!(store.delete_all([path.clone()]).await.is_complete());
    assert!(!store.exists(path).await?);
    store.delete(path).await
}

#[test]
fn calls_may_move_between_threads() {
    fn sent<T: Send>(_: T) {}
    let (store, _) = bucket();
    let file = path("f");
    sent(store.read(&file, 1));
    sent(store.read_ranges(&file, &[]));
    sent(store.read_tail(&file, 1));
    sent(store.list(None, None));
    sent(store.list_page(None, None, 1));
    sent(store.delete_all(vec![file.clone()]));
    sent(store.store_time_ms());
    let mut upload = store.upload(&file).unwrap();
    sent(upload.write(Bytes::new()));
    sent(upload.finish());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn f07_every_path_that_is_taken_names_one_file_and_none_panics(
        name in prop_oneof![
            any::<String>(),
            "[a-z.%/#~ \\\\+ü\u{0}\u{7f}]{0,12}",
            ("[a-zé/]{1,4}", 1_usize..500).prop_map(|(part, times)| part.repeat(times)),
        ],
    ) {
        let Ok(file) = TablePath::parse(&name) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (store, script) = bucket();
            match use_all(&store, &file).await {
                Ok(()) => {}
                // With the table's own place before it, it may have become too long for a key.
                Err(StoreError::Path(_)) => assert!(name.len() > 890, "{name:?}"),
                Err(error) => panic!("{error}"),
            }
            assert_eq!(script.memory.list(None).count().await, 0);
        });
    }
}
