//! Finding the newest version: what hints and boundaries do to it, what moves meanwhile, and what it costs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use datashard_io::head::{HeadAfter, HintState, Known};
use datashard_io::{Head, StoreError, TableStore};
use datashard_spec::error::ErrorKind;
use datashard_spec::id::MetadataVersion;

use crate::head_support::{Table, content, nothing};

/// Finds the newest version, which must be `newest` with its own content.
async fn find(table: &Table, newest: u64) -> Head {
    let head = table.store.find_head().await.unwrap().expect("a table");
    assert_eq!(head.version, MetadataVersion(newest));
    assert_eq!(head.metadata, content(newest));
    head
}

#[tokio::test]
async fn c01_a_hint_that_is_none_is_ignored_and_told_of() {
    let check = async |hint: &str, expect: fn(&HintState) -> bool| {
        let table = Table::on_bucket(1..=12);
        table.chain.hint(hint);
        let head = find(&table, 12).await;
        assert!(expect(&head.hint), "{hint:?}: {:?}", head.hint);
    };
    let malformed: fn(&HintState) -> bool = |state| matches!(state, HintState::Malformed { .. });
    for hint in ["", "garbage", "v7", "-7", "007", "0", "\n", "1000000000000000000000000000000", "7 8"] {
        check(hint, malformed).await;
    }
    check(&"7".repeat(1_000_000), malformed).await;
    check("7\n", |state| *state == HintState::Untidy(MetadataVersion(7))).await;
    check("7", |state| *state == HintState::Version(MetadataVersion(7))).await;
}

#[tokio::test]
async fn c01_a_hint_that_is_missing_or_cannot_be_read_is_ignored_and_told_of() {
    let table = Table::on_bucket(1..=12);
    assert_eq!(find(&table, 12).await.hint, HintState::Missing);
    table.chain.hint("12");
    table.chain.deny("metadata/version-hint.text");
    let hint = find(&table, 12).await.hint;
    assert!(matches!(&hint, HintState::Unreadable { reason } if reason.contains("refused")), "{hint:?}");
}

#[tokio::test]
async fn a_right_hint_costs_four_gets_and_a_head() {
    let table = Table::on_bucket(1..=1_000);
    table.chain.hint("1000");
    let (head, cost) = table.cost(find(&table, 1_000)).await;
    assert_eq!(cost, [4, 1, 0, 0, 0]);
    assert_eq!(head.retired, Some(MetadataVersion(0)));
    let log = table.chain.take_log();
    let hint = "GET metadata/version-hint.text";
    let boundary = "GET metadata/_datashard/retired";
    let (newest, next) = ("GET metadata/v1000.metadata.json", "HEAD metadata/v1001.metadata.json");
    assert_eq!(log, [hint, boundary, newest, next, boundary]);
}

#[tokio::test]
async fn c02_a_hint_that_lags_costs_rounds_of_heads() {
    // The content that the hint names is asked for in vain, and the newest one at the end.
    for (newest, heads) in [(1_001, 19), (1_100, 60), (101_000, 137)] {
        let table = Table::on_bucket(1..=newest);
        table.chain.hint("1000");
        let (_, cost) = table.cost(find(&table, newest)).await;
        assert_eq!(cost, [5, heads, 0, 0, 0], "newest {newest}");
    }
}

#[tokio::test]
async fn c03_a_hint_ahead_of_the_newest_falls_back_below_it() {
    for hint in ["1001", "1002", "2000", "101000", "1000000000000000000", "18446744073709551615"] {
        for first in [1, 900, 1_000] {
            let table = Table::on_bucket(first..=1_000);
            table.chain.hint(hint);
            table.chain.retired(&first.to_string());
            let (_, cost) = table.cost(find(&table, 1_000)).await;
            assert!(cost[0] <= 6 && cost[1] <= 220 && cost[3] == 0, "hint {hint}, first {first}: {cost:?}");
        }
    }
    let table = Table::on_bucket(1..=1_000);
    table.chain.hint("1001");
    assert_eq!(table.cost(find(&table, 1_000)).await.1, [5, 22, 0, 0, 0]);
}

#[tokio::test]
async fn c04_the_boundary_wins_over_a_hint_below_it() {
    let table = Table::on_bucket(900..=1_000);
    table.chain.hint("7");
    table.chain.retired("900");
    let head = find(&table, 1_000).await;
    assert_eq!(head.retired, Some(MetadataVersion(900)));
    assert!(table.chain.take_log().iter().all(|request| !request.contains("/v7.")));
}

#[tokio::test]
async fn c05_versions_below_the_boundary_are_never_returned() {
    let table = Table::on_bucket(900..=1_000);
    table.chain.hint("7");
    table.chain.retired("900");
    for zombie in [7, 8, 9, 899] {
        table.chain.put(&format!("metadata/v{zombie}.metadata.json"), "zombie");
    }
    find(&table, 1_000).await;
    // Nothing is left above the boundary: the table is damaged, and a zombie does not mend it.
    table.chain.set_versions(nothing());
    let error = table.store.find_head().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn c05_a_version_whose_successor_is_retired_during_the_search_is_not_the_newest() {
    let table = Table::on_bucket(1..=1_000);
    table.chain.hint("10");
    // The boundary was read as 0, version 10 is there, and then 11 looks as if it had never been.
    table.chain.before(|chain, request| {
        if request == "HEAD metadata/v11.metadata.json" {
            chain.hint("900");
            chain.retired("900");
            chain.set_versions(900..=1_000);
        }
    });
    find(&table, 1_000).await;
}

#[tokio::test]
async fn a_version_that_is_retired_before_it_is_read_is_looked_for_anew() {
    let table = Table::on_bucket(1..=50);
    table.chain.before(|chain, request| {
        if request == "GET metadata/v50.metadata.json" {
            chain.retired("60");
            chain.set_versions(60..=70);
        }
    });
    find(&table, 70).await;
}

#[tokio::test]
async fn c05_where_every_version_was_retired_during_the_search_it_is_begun_anew() {
    for hint in [None, Some("7")] {
        let table = Table::on_bucket(5..=50);
        table.chain.retired("5");
        if let Some(hint) = hint {
            table.chain.hint(hint);
        }
        table.chain.before(|chain, request| {
            if request.contains("metadata/v") {
                chain.retired("60");
                chain.set_versions(60..=70);
            }
        });
        find(&table, 70).await;
    }
}

#[tokio::test]
async fn versions_that_are_always_gone_when_read_end_the_search() {
    static READS: AtomicU32 = AtomicU32::new(0);
    let table = Table::on_bucket(1..=50);
    table.chain.before(|chain, request| {
        if request.contains("version-hint") {
            chain.set_versions(1..=50);
        } else if request.starts_with("GET metadata/v") {
            READS.fetch_add(1, Ordering::Relaxed);
            chain.set_versions(nothing());
        }
    });
    let error = table.store.find_head().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(READS.load(Ordering::Relaxed), 9);
}

#[tokio::test]
async fn versions_created_during_the_search_may_be_found_or_not() {
    let table = Table::on_bucket(1..=50);
    table.chain.hint("50");
    let mut newest = 50;
    table.chain.before(move |chain, request| {
        if request.starts_with("HEAD") && newest < 200 {
            newest += 3;
            chain.set_versions(1..=newest);
        }
    });
    let head = table.store.find_head().await.unwrap().unwrap();
    assert!((50..=200).contains(&head.version.0), "{}", head.version);
    assert_eq!(head.metadata, content(head.version.0));
}

#[tokio::test]
async fn no_table_is_told_only_if_nothing_says_that_there_is_one() {
    let table = Table::on_bucket(nothing());
    let (found, cost) = table.cost(table.store.find_head()).await;
    assert_eq!((found.unwrap(), cost), (None, [3, 2, 0, 0, 0]));
    for hint in ["7", "garbage", ""] {
        let table = Table::on_bucket(nothing());
        table.chain.hint(hint);
        let error = table.store.find_head().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "hint {hint:?}: {error}");
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
    let table = Table::on_bucket(nothing());
    table.chain.retired("7");
    let error = table.store.find_head().await.unwrap_err();
    assert!(error.to_string().contains("metadata/v7.metadata.json"), "{error}");
    let table = Table::on_bucket(nothing());
    table.chain.deny("metadata/version-hint.text");
    let error = table.store.find_head().await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_table_created_while_none_is_found_is_none_or_found() {
    let table = Table::on_bucket(nothing());
    table.chain.before(|chain, request| {
        if request == "HEAD metadata/v2.metadata.json" {
            chain.set_versions(1..=1);
        }
    });
    assert_eq!(table.store.find_head().await.unwrap(), None);
    find(&table, 1).await;
}

#[tokio::test]
async fn h04_a_lost_hint_with_100_000_versions_costs_rounds_of_heads_and_no_listing() {
    let table = Table::on_bucket(1..=100_000);
    let (_, cost) = table.cost(find(&table, 100_000)).await;
    assert_eq!(cost, [4, 138, 0, 0, 0]);
    let table = Table::on_bucket(90_000..=100_000);
    table.chain.retired("90000");
    let (_, cost) = table.cost(find(&table, 100_000)).await;
    assert_eq!(cost, [4, 104, 0, 0, 0]);
}

#[tokio::test]
async fn a_folder_is_searched_by_the_same_requests_but_for_the_boundary() {
    let table = Table::in_folder(1..=1_000);
    table.chain.hint("1000");
    let (_, cost) = table.cost(find(&table, 1_000)).await;
    assert_eq!(cost, [2, 1, 0, 2, 0]);
    table.chain.put("metadata/_datashard/retired.d/990", "");
    table.chain.hint("20");
    table.chain.set_versions(990..=1_000);
    assert_eq!(find(&table, 1_000).await.retired, Some(MetadataVersion(990)));
}

async fn after(table: &Table, known: Known) -> HeadAfter {
    table.store.find_head_after(known).await.unwrap()
}

fn newer(after: HeadAfter) -> Head {
    match after {
        HeadAfter::Newer(head) => head,
        HeadAfter::Same(known) => panic!("{known:?} is not the newest"),
    }
}

#[tokio::test]
async fn a_warm_handle_costs_one_get_if_nothing_is_new_and_a_head_more_for_one_version() {
    let table = Table::on_bucket(1..=1_000);
    let known = find(&table, 1_000).await.known();
    let (found, cost) = table.cost(after(&table, known)).await;
    assert!(matches!(found, HeadAfter::Same(known) if known.version() == MetadataVersion(1_000)));
    assert_eq!(cost, [1, 0, 0, 0, 0]);

    table.chain.set_versions(1..=1_001);
    let (found, cost) = table.cost(after(&table, known)).await;
    let head = newer(found);
    assert_eq!((head.version, &head.metadata), (MetadataVersion(1_001), &content(1_001)));
    assert_eq!((cost, &head.hint), ([1, 1, 0, 0, 0], &HintState::NotRead));

    table.chain.set_versions(1..=101_001);
    let (found, cost) = table.cost(after(&table, head.known())).await;
    assert_eq!(newer(found).version, MetadataVersion(101_001));
    assert_eq!(cost[0], 2);
    assert!(cost[1] < 140 && cost[3] == 0, "{cost:?}");
}

#[tokio::test]
async fn c11_a_handle_older_than_a_minute_reads_the_boundary_too() {
    let table = Table::on_bucket(1..=1_000);
    let known = find(&table, 1_000).await.known();
    table.clock.advance(Duration::from_secs(59));
    assert_eq!(table.cost(after(&table, known)).await.1, [1, 0, 0, 0, 0]);
    table.clock.advance(Duration::from_secs(1));
    let (found, cost) = table.cost(after(&table, known)).await;
    assert_eq!(cost, [2, 0, 0, 0, 0]);
    // What was confirmed is young again.
    let HeadAfter::Same(known) = found else { panic!("{found:?}") };
    assert_eq!(table.cost(after(&table, known)).await.1, [1, 0, 0, 0, 0]);
    let stranger = Known::of_unknown_age(MetadataVersion(1_000));
    assert_eq!(table.cost(after(&table, stranger)).await.1, [2, 0, 0, 0, 0]);
}

#[tokio::test]
async fn c11_a_handle_that_wakes_after_hours_does_not_serve_what_is_retired() {
    let table = Table::on_bucket(1..=1_000);
    let known = find(&table, 1_000).await.known();
    table.clock.advance(Duration::from_secs(4 * 3_600));
    table.chain.set_versions(5_000..=6_000);
    table.chain.retired("5000");
    table.chain.hint("5990");
    // The successor is gone, so a look at it alone would say that nothing is new.
    assert_eq!(newer(after(&table, known).await).version, MetadataVersion(6_000));
    // Another who slept has made the successor anew.
    table.chain.put("metadata/v1001.metadata.json", "zombie");
    assert_eq!(newer(after(&table, known).await).metadata, content(6_000));
}

#[tokio::test]
async fn c11_a_request_that_takes_hours_counts_as_age() {
    let table = Table::on_bucket(1..=1_000);
    let known = find(&table, 1_000).await.known();
    let clock = table.clock.clone();
    table.chain.before(move |chain, request| {
        if request.contains("/v1001.") {
            clock.advance(Duration::from_secs(3_600));
            chain.set_versions(5_000..=6_000);
            chain.retired("5000");
        }
    });
    assert_eq!(newer(after(&table, known).await).version, MetadataVersion(6_000));
}

#[tokio::test]
async fn c11_a_table_that_is_gone_is_not_found() {
    let table = Table::on_bucket(1..=1_000);
    let known = find(&table, 1_000).await.known();
    table.clock.advance(Duration::from_secs(3_600));
    table.chain.set_versions(nothing());
    table.chain.retired("5000");
    let error = table.store.find_head_after(known).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn a_refused_probe_is_an_error_and_not_an_absent_version() {
    let table = Table::on_bucket(1..=1_000);
    table.chain.hint("1000");
    table.chain.deny("metadata/v1001.metadata.json");
    let error = table.store.find_head().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

#[tokio::test]
async fn a_version_is_read_by_number() {
    let table = Table::on_bucket(1..=10);
    assert_eq!(table.store.read_version(MetadataVersion(7)).await.unwrap(), content(7));
    let error = table.store.read_version(MetadataVersion(11)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn futures_can_be_sent_between_threads() {
    fn sent<T: Send>(_: impl FnOnce(TableStore) -> T) {}
    sent(|store| async move { store.find_head().await });
    sent(|store| async move { store.find_head_after(Known::of_unknown_age(MetadataVersion(1))).await });
    sent(|store| async move { store.advance_hint(MetadataVersion(1)).await });
    sent(|store| async move { store.raise_retired(MetadataVersion(1)).await });
    sent(|store| async move { store.check_layout(MetadataVersion(1)).await });
}
