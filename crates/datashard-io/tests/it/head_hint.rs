//! Moving the hint: forward, on a condition, not too often, and never to the harm of a commit.

use std::time::Duration;

use datashard_io::head::HintAdvance;
use datashard_spec::id::MetadataVersion;

use crate::head_support::{Table, nothing};

const HINT: &str = "metadata/version-hint.text";

async fn advance(table: &Table, version: u64) -> HintAdvance {
    table.clock.advance(Duration::from_secs(1));
    table.store.advance_hint(MetadataVersion(version)).await
}

fn told(table: &Table) -> Option<String> {
    table.chain.text(HINT)
}

fn is_written(outcome: &HintAdvance, version: u64) -> bool {
    matches!(outcome, HintAdvance::Written(told) if told.0 == version)
}

#[tokio::test]
async fn c02_a_hint_that_lags_is_moved_however_far() {
    for hint in [None, Some("999"), Some("900"), Some("1")] {
        let table = Table::on_bucket(nothing());
        if let Some(hint) = hint {
            table.chain.hint(hint);
        }
        let (outcome, cost) = table.cost(advance(&table, 100_001)).await;
        assert!(is_written(&outcome, 100_001), "{outcome:?}");
        assert_eq!(cost, [1, 0, 1, 0, 0]);
        assert_eq!(told(&table).as_deref(), Some("100001"));
    }
}

#[tokio::test]
async fn c01_a_hint_that_is_none_is_mended() {
    for hint in ["", "v7", "7\n", "-7", "99999999999999999999999999", &"9".repeat(1_000)] {
        let table = Table::on_bucket(nothing());
        table.chain.hint(hint);
        let outcome = advance(&table, 7).await;
        assert!(is_written(&outcome, 7), "{hint:?}: {outcome:?}");
        assert_eq!(told(&table).as_deref(), Some("7"));
    }
}

#[tokio::test]
async fn c06_the_hint_does_not_move_back() {
    for table in [Table::on_bucket(nothing()), Table::in_folder(nothing())] {
        assert!(is_written(&advance(&table, 9).await, 9));
        for version in [9, 8, 1] {
            let (outcome, cost) = table.cost(advance(&table, version)).await;
            assert!(matches!(outcome, HintAdvance::Already(MetadataVersion(9))), "{outcome:?}");
            assert_eq!(cost, [1, 0, 0, 0, 0]);
        }
        assert_eq!(told(&table).as_deref(), Some("9"));
        table.chain.hint("12\n");
        assert!(is_written(&advance(&table, 10).await, 12));
        assert_eq!(told(&table).as_deref(), Some("12"));
    }
}

#[tokio::test]
async fn c06_a_slow_writer_is_refused_by_the_condition() {
    let check = async |other: &'static str, expect: u64| {
        for before in [None, Some("5")] {
            let table = Table::on_bucket(nothing());
            if let Some(before) = before {
                table.chain.hint(before);
            }
            let mut done = false;
            table.chain.before(move |chain, request| {
                if request.starts_with("PUT") && !std::mem::replace(&mut done, true) {
                    chain.hint(other);
                }
            });
            let outcome = advance(&table, 10).await;
            match &outcome {
                HintAdvance::Written(told) | HintAdvance::Already(told) => assert_eq!(told.0, expect),
                other => panic!("{other:?}"),
            }
            assert_eq!(told(&table), Some(expect.to_string()));
        }
    };
    check("20", 20).await;
    check("7", 10).await;
}

#[tokio::test]
async fn c06_a_hint_that_is_removed_before_it_is_replaced_is_created() {
    let table = Table::on_bucket(nothing());
    table.chain.hint("5");
    let mut done = false;
    table.chain.before(move |chain, request| {
        if request.starts_with("PUT") && !std::mem::replace(&mut done, true) {
            chain.remove(HINT);
        }
    });
    let (outcome, cost) = table.cost(advance(&table, 10)).await;
    assert!(is_written(&outcome, 10), "{outcome:?}");
    assert_eq!((cost, told(&table).as_deref()), ([2, 0, 2, 0, 0], Some("10")));
}

#[tokio::test]
async fn c06_who_is_overtaken_again_and_again_gives_up() {
    let table = Table::on_bucket(nothing());
    let mut other = 0;
    table.chain.before(move |chain, request| {
        if request.starts_with("PUT") {
            other += 1;
            chain.hint(&other.to_string());
        }
    });
    let outcome = advance(&table, 1_000).await;
    assert!(matches!(outcome, HintAdvance::Overtaken), "{outcome:?}");
}

#[tokio::test]
async fn c06_without_conditions_a_lower_hint_is_overwritten_and_no_other() {
    let table = Table::on_bucket(nothing());
    table.chain.hint("5");
    table.chain.refuse_updates();
    assert!(is_written(&advance(&table, 6).await, 6));
    assert!(matches!(advance(&table, 4).await, HintAdvance::Already(MetadataVersion(6))));
    assert_eq!(told(&table).as_deref(), Some("6"));
}

#[tokio::test]
async fn c07_on_a_bucket_the_hint_is_written_once_a_second_and_the_newest_at_the_end() {
    let table = Table::on_bucket(nothing());
    table.clock.advance(Duration::from_secs(100));
    for version in 1..=100 {
        let outcome = table.store.advance_hint(MetadataVersion(version)).await;
        // A commit every 90 ms.
        table.clock.advance(Duration::from_millis(90));
        assert!(matches!(outcome, HintAdvance::Written(_) | HintAdvance::Deferred), "{outcome:?}");
    }
    let puts = table.chain.take_log().into_iter().filter(|request| request.starts_with("PUT")).count();
    // Due after 12 commits, that is 1,080 ms.
    assert_eq!(puts, 9);
    assert_eq!(told(&table).as_deref(), Some("97"));
    let outcome = table.store.flush_hint().await.unwrap();
    assert!(is_written(&outcome, 100), "{outcome:?}");
    assert!(table.store.flush_hint().await.is_none());
    assert_eq!(told(&table).as_deref(), Some("100"));
}

#[tokio::test]
async fn c07_clones_and_other_retries_share_the_throttle() {
    let table = Table::on_bucket(nothing());
    assert!(is_written(&table.store.advance_hint(MetadataVersion(1)).await, 1));
    let clone = table.store.clone().with_retry(datashard_io::store::RetryPolicy::none());
    assert!(matches!(clone.advance_hint(MetadataVersion(2)).await, HintAdvance::Deferred));
    assert!(is_written(&table.store.flush_hint().await.unwrap(), 2));
}

#[tokio::test]
async fn c07_in_a_folder_every_version_is_written() {
    let table = Table::in_folder(nothing());
    for version in 1..=50 {
        assert!(is_written(&table.store.advance_hint(MetadataVersion(version)).await, version));
    }
    assert!(table.store.flush_hint().await.is_none());
}

#[tokio::test]
async fn c07_what_fails_is_told_and_tried_again_later() {
    let table = Table::on_bucket(nothing());
    table.chain.deny(HINT);
    let (outcome, cost) = table.cost(advance(&table, 3)).await;
    assert!(matches!(outcome, HintAdvance::Failed(_)), "{outcome:?}");
    assert_eq!(cost, [1, 0, 0, 0, 0]);
    assert!(matches!(table.store.flush_hint().await, Some(HintAdvance::Failed(_))));
}

#[tokio::test]
async fn c08_the_hint_holds_digits_and_no_newline() {
    let table = Table::on_bucket(nothing());
    for version in [1, 10, 100_000, u64::MAX] {
        assert!(is_written(&advance(&table, version).await, version));
        assert_eq!(told(&table), Some(version.to_string()));
    }
}
