//! Reads whose answer is wrong: short, long, broken, changed, or "not found".

use datashard_io::error::StoreError;
use datashard_io::request::RequestKind::{Get, Head};
use datashard_io::sim::{Effect, Fault};

use crate::faults_support::{World, at};

const FILE: &str = "data/f.parquet";

fn wrong_bodies() -> [Effect; 4] {
    [Effect::ShortBody, Effect::BrokenBody, Effect::WrongLength(-3), Effect::WrongLength(3)]
}

#[test]
fn b14_a_body_of_the_wrong_length_is_read_again_once() {
    for effect in wrong_bodies() {
        let world = World::new();
        world.hold(FILE, "0123456789");
        world.once(Get, effect.clone());
        assert_eq!(world.read(FILE).unwrap(), "0123456789", "{effect:?}");
        assert_eq!(world.counts(), [0, 2, 0, 0, 0], "{effect:?}");

        world.once(Get, effect.clone());
        let range = world.run(world.table.read_range(&at(FILE), 2..6)).unwrap();
        assert_eq!((range, world.counts()), ("2345".into(), [0, 4, 0, 0, 0]), "{effect:?}");
    }
}

#[test]
fn b14_a_body_of_the_wrong_length_twice_is_an_error_that_names_the_file() {
    for effect in [Effect::ShortBody, Effect::WrongLength(-3), Effect::WrongLength(3)] {
        let world = World::new();
        world.hold(FILE, "0123456789");
        world.always(Get, effect.clone());
        let error = world.read(FILE).unwrap_err();
        let StoreError::WrongLength { path, expected_bytes, found_bytes, .. } = &error else {
            panic!("{effect:?}: {error}")
        };
        assert_ne!(expected_bytes, found_bytes);
        assert_eq!((path.as_str(), world.counts()), (FILE, [0, 2, 0, 0, 0]), "{effect:?}");
    }
}

#[test]
fn b14_connections_that_always_break_are_an_error_within_the_deadline() {
    let world = World::new();
    world.hold(FILE, "0123456789");
    world.always(Get, Effect::BrokenBody);
    let error = world.read(FILE).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. } | StoreError::WrongLength { .. }), "{error}");
    assert!(error.to_string().contains(FILE), "{error}");
    assert!(world.simulation.now() <= crate::faults_support::seconds(61));
}

#[test]
fn b14_a_flipped_bit_has_the_right_length_and_is_left_to_checksums_of_the_format() {
    let world = World::new();
    world.hold(FILE, "0123456789");
    world.once(Get, Effect::FlippedBit);
    let changed = world.read(FILE).unwrap();
    let bits: u32 = changed.iter().zip(b"0123456789").map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!((changed.len(), bits, world.counts()), (10, 1, [0, 1, 0, 0, 0]));
}

#[test]
fn b15_a_missing_file_is_not_found_and_never_empty() {
    for is_there in [false, true] {
        let world = World::new();
        if is_there {
            world.hold(FILE, "rows");
            for kind in [Get, Head] {
                world.store.add_fault(Fault::on(kind, "*").always().doing(Effect::Missing));
            }
        }
        let not_found = |error: StoreError| {
            let StoreError::NotFound { path, .. } = &error else { panic!("{error}") };
            assert_eq!(path.as_str(), FILE);
        };
        not_found(world.read(FILE).unwrap_err());
        not_found(world.run(world.table.read_range(&at(FILE), 0..4)).unwrap_err());
        not_found(world.run(world.table.read_tail(&at(FILE), 4)).unwrap_err());
        not_found(world.run(world.table.info(&at(FILE))).unwrap_err());
        assert!(!world.run(world.table.exists(&at(FILE))).unwrap());
        assert_eq!(world.counts(), [0, 3, 2, 0, 0], "and nobody asks twice");
    }
}
