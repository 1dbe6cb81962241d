//! Listings that are stale, partial, out of order or cut off, and deletions of many files that fail in part.

use datashard_io::error::StoreError;
use datashard_io::request::RequestKind::{Delete, List};
use datashard_io::sim::{Answer, Effect, Fault, Loss, Profile};
use futures_util::StreamExt;

use crate::faults_support::{World, at, seconds};

/// A table with `count` files in pages of 10.
fn world(count: usize) -> World {
    let world = World::with(1, Profile::s3().with_page_size(10));
    for number in 0..count {
        world.hold(&format!("data/{number:03}"), "x");
    }
    world
}

/// Names that a listing gives before it ends, and the error that it ends with.
fn list(world: &World) -> (Vec<String>, Option<StoreError>) {
    world.run(async {
        let mut files = world.table.list(Some(&at("data")), None);
        let mut names = Vec::new();
        while let Some(file) = files.next().await {
            match file {
                Ok(file) => names.push(file.path.to_string()),
                Err(error) => return (names, Some(error)),
            }
        }
        (names, None)
    })
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("data/{number:03}")).collect()
}

#[test]
fn b16_a_page_that_fails_is_asked_for_again_and_every_name_comes_once() {
    let troubles = [
        Effect::Answer(Answer::internal_error()),
        Effect::Answer(Answer::slow_down().with_retry_after(seconds(2))),
        Effect::LoseAnswer(Loss::Reset),
        Effect::LoseAnswer(Loss::Silence),
        Effect::NoConnection,
    ];
    for effect in troubles {
        let world = world(95);
        world.store.add_fault(Fault::on(List, "table/data/").skip(6).doing(effect.clone()));
        let (found, error) = list(&world);
        assert!(error.is_none(), "{effect:?}: {error:?}");
        assert_eq!(found, names(95), "{effect:?}");
        assert_eq!(world.counts(), [0, 0, 0, 11, 0], "{effect:?}: ten pages, one of them twice");
    }
}

#[test]
fn b16_a_page_that_always_fails_ends_the_listing_with_an_error_and_never_as_if_that_were_all() {
    let world = world(95);
    let broken = Fault::on(List, "table/data/").skip(6).always();
    world.store.add_fault(broken.doing(Effect::Answer(Answer::internal_error())));
    let (found, error) = list(&world);
    assert_eq!(found, names(60));
    let error = error.expect("an error after page 6");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(world.simulation.now() < seconds(62));
}

#[test]
fn b16_names_out_of_order_are_an_error() {
    let world = world(30);
    world.store.add_fault(Fault::on(List, "*").skip(1).doing(Effect::ShuffledPage));
    let (found, error) = list(&world);
    let error = error.expect("the order is wrong");
    assert!(matches!(error, StoreError::BadListing { .. }) && !error.is_retryable(), "{error}");
    assert!(found.is_sorted() && found.len() >= 10);
}

#[test]
fn b16_names_that_come_twice_are_given_once() {
    let world = world(30);
    world.always(List, Effect::RepeatedNames);
    let (found, error) = list(&world);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, names(30));
}

#[test]
fn b16_a_partial_page_looks_like_a_whole_one_so_nothing_may_follow_from_absence() {
    let world = world(30);
    world.store.add_fault(Fault::on(List, "*").doing(Effect::PartialPage));
    let (found, error) = list(&world);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found.len(), 25);
    let left_out = names(30).into_iter().find(|name| !found.contains(name)).unwrap();
    assert_eq!(world.read(&left_out).unwrap(), "x", "a read tells");
}

#[test]
fn b16_a_stale_listing_is_stale_and_reads_are_not() {
    let world = world(5);
    world.store.freeze_lists();
    world.put("data/new", "y").unwrap();
    world.run(world.table.delete(&at("data/000"))).unwrap();
    assert_eq!(list(&world).0, names(5));
    assert_eq!(world.read("data/new").unwrap(), "y");
    assert!(matches!(world.read("data/000"), Err(StoreError::NotFound { .. })));
    world.store.thaw_lists();
    assert_eq!(list(&world).0, ["data/001", "data/002", "data/003", "data/004", "data/new"]);
}

#[test]
fn b17_files_that_a_bulk_deletion_left_are_tried_again() {
    let world = world(10);
    world.once(Delete, Effect::DeleteHalf);
    let report = world.run(world.table.delete_all(names(10).iter().map(|name| at(name))));
    assert!(report.is_complete() && report.deleted_count == 10, "{report:?}");
    assert_eq!(world.counts(), [0, 0, 0, 0, 2], "the second for what was left");
    assert!(world.store.keys().is_empty());
}

#[test]
fn b17_files_that_cannot_be_deleted_are_reported_and_go_the_next_time() {
    let world = world(9);
    world.always(Delete, Effect::DeleteHalf);
    // Each try leaves every other of those that are left, the first among them.
    let report = world.run(world.table.delete_all(names(9).iter().map(|name| at(name))));
    assert!(!report.is_complete() && !report.gave_up, "{report:?}");
    let failed: Vec<String> = report.failed.iter().map(|(path, _)| path.to_string()).collect();
    assert_eq!((report.deleted_count, failed), (8, vec!["data/000".to_owned()]));
    assert!(world.simulation.now() < seconds(62));

    world.store.clear_faults();
    let report = world.run(world.table.delete_all(names(9).iter().map(|name| at(name))));
    assert!(report.is_complete() && report.deleted_count == 9, "what is gone already is no failure");
}

#[test]
fn b17_a_bulk_deletion_whose_answer_is_lost_is_sent_again() {
    for profile in [Profile::s3(), Profile::gcs()] {
        let world = World::with(1, profile);
        for name in names(10) {
            world.hold(&name, "x");
        }
        world.store.add_fault(Fault::on(Delete, "*").times(2).doing(Effect::LoseAnswer(Loss::Closed)));
        let report = world.run(world.table.delete_all(names(10).iter().map(|name| at(name))));
        assert!(report.is_complete() && report.deleted_count == 10, "{report:?}");
        assert!(world.store.keys().is_empty());
    }
}
