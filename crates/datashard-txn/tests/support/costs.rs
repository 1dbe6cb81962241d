//! What commits cost, in requests: the same on every store, so each store calls these.

use std::sync::Arc;

use datashard_io::TableStore;
use datashard_io::request::RequestCounts;
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitOptions, Committer};

use super::audit::audit;
use super::kept::Kept;
use super::rows::{row, table};

/// Requests by kind: PUT, GET, HEAD, LIST, DELETE.
pub(crate) type Cost = [u64; 5];

/// A small append on a warm handle.
pub(crate) const SMALL_APPEND: Cost = [4, 1, 1, 0, 0];

/// What was asked of a store since `before`.
pub(crate) fn cost(store: &TableStore, before: &RequestCounts) -> Cost {
    let since = store.counts().since(before);
    [since.put, since.get, since.head, since.list, since.delete]
}

/// Options that put background work off, and what they put it into.
pub(crate) fn kept() -> (CommitOptions, Kept) {
    let kept = Kept::default();
    (CommitOptions::default().with_background(Arc::new(kept.clone())), kept)
}

/// A warm handle appends: data, manifest, manifest list and metadata are written, and it is asked once whether there is something newer,
/// and once whether the table is still there.
/// The hint is moved after the answer.
pub(crate) async fn small_appends(store: TableStore) {
    let (options, kept) = kept();
    let (committer, created) = Committer::create(store, table(), options).await.expect("a table");
    assert_eq!(created.attempts, 1);
    kept.forget();
    for number in 0..6 {
        let before = committer.store().counts();
        let committed = committer.append(row(&committer, &number.to_string(), "0")).await.expect("an append");
        // That the table is still there is asked of its manifest list, and of the version as long as there is none.
        let expected = if number == 0 { [4, 2, 0, 0, 0] } else { SMALL_APPEND };
        assert_eq!(cost(committer.store(), &before), expected, "append {number}");
        assert_eq!((committed.attempts, committed.duplicate), (1, false));
        assert_eq!(kept.count(), 1, "the hint, and nothing to remove");
        kept.forget();
    }
    let audited = audit(committer.store()).await.expect("a sound table");
    assert_eq!(audited.each_once().len(), 6);
}

/// An operation whose key the handle knows to be applied costs nothing, and moves no hint.
pub(crate) async fn duplicates(store: TableStore) {
    let (options, kept) = kept();
    let (committer, _) = Committer::create(store, table(), options).await.expect("a table");
    let key = || Some(AppKey::new("loader", 7));
    let first = committer.commit(row(&committer, "once", "0"), key()).await.expect("an append");
    kept.forget();
    let before = committer.store().counts();
    let second = committer.commit(row(&committer, "once", "1"), key()).await.expect("an answer");
    assert_eq!(cost(committer.store(), &before), [0; 5]);
    assert!(second.duplicate && second.snapshot_id == first.snapshot_id, "{second:?}");
    assert_eq!((second.attempts, kept.count()), (0, 0));
    assert_eq!(audit(committer.store()).await.expect("a sound table").each_once().len(), 1);
}

/// Another handle, `theirs`, commits first, and that is noticed in the first round: the data file and its manifest are written once, all
/// else is built anew. Beside the five PUTs there are six questions: whether the table is there, what is newer, whether there is yet another, what its manifest list
/// says, and in the second round whether somebody was faster again.
pub(crate) async fn stale_handles(ours: TableStore, theirs: TableStore) {
    let (options, kept) = kept();
    let (ours, _) = Committer::create(ours, table(), options.clone()).await.expect("a table");
    ours.append(row(&ours, "before", "0")).await.expect("an append");
    let theirs = Committer::open(theirs, options).await.expect("the table");
    theirs.append(row(&theirs, "theirs", "0")).await.expect("an append");
    kept.forget();

    let before = ours.store().counts();
    let committed = ours.append(row(&ours, "ours", "0")).await.expect("an append");
    assert_eq!(cost(ours.store(), &before), [5, 3, 2, 0, 0]);
    assert_eq!(committed.attempts, 1, "the older base was never sent");
    assert_eq!(kept.count(), 2, "the hint, and the manifest list that nobody needs");
    kept.run().await;
    assert_eq!(audit(ours.store()).await.expect("a sound table").each_once().len(), 3);
}
