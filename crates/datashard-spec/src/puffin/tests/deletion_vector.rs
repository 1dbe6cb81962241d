//! Deletion vectors as sets and as blobs.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::hex;
use crate::ErrorKind;
use crate::puffin::{DeletionVector, PuffinError};

/// Positions {1, 3, 5}.
const VECTOR: &str = "00000026 d1d33964 0100000000000000 00000000 3a300000 01000000 0000 0200 10000000 0100 0300 0500 \
                      5a9e5d39";

/// Frames a vector (count and bitmaps) with a right length and checksum.
fn frame(vector: &[u8]) -> Vec<u8> {
    let content = [&hex("d1d33964"), vector].concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], &content, &crc32fast::hash(&content).to_be_bytes()].concat()
}

fn check(positions: &[u64], blob: &[u8]) {
    let vector = DeletionVector::from_positions(positions.iter().copied()).unwrap();
    assert_eq!(vector.serialize().unwrap(), blob, "{positions:?}");
    let read = DeletionVector::deserialize(blob, Some(positions.len() as u64)).unwrap();
    assert_eq!(read, vector);
    assert_eq!(read.iter().collect::<Vec<_>>(), positions);
}

#[test]
fn blobs_of_java_are_read_and_written_back_identically() {
    check(&[1, 3, 5], &hex(VECTOR));
    let java = [
        (
            &[0, 5][..],
            "00000024d1d33964010000000000000000000000 3a3000000100000000000100100000000000050086d2574a",
        ),
        (&[1], "00000022d1d33964010000000000000000000000 3a30000001000000000000001000000001 00eebd85f4"),
        (
            &[0, 5, 6, 9],
            "00000028d1d33964010000000000000000000000 3a300000010000000000030010000000 0000 0500 0600 0900 1e0cfec0",
        ),
        (
            &[0, 1, 5, 6, 9],
            "0000002ad1d33964010000000000000000000000 3a300000010000000000040010000000 0000 0100 0500 0600 0900 a6a02b98",
        ),
        (
            &[0, 1, 2, 5, 6, 9],
            "0000002cd1d33964010000000000000000000000 3a300000010000000000050010000000 0000 0100 0200 0500 0600 0900 be5f2b44",
        ),
    ];
    for (positions, blob) in java {
        check(positions, &hex(blob));
    }
}

#[test]
fn trap_21_length_and_checksum_are_big_endian_and_content_is_little_endian() {
    let blob = DeletionVector::from_positions([1, 3, 5]).unwrap().serialize().unwrap();
    let (content, crc) = blob[4..].split_at(blob.len() - 8);
    assert_eq!(blob[..4], u32::try_from(content.len()).unwrap().to_be_bytes());
    assert_eq!(crc, crc32fast::hash(content).to_be_bytes());
    assert_eq!(content[4..12], 1_u64.to_le_bytes());
    assert_eq!(content[16..20], 0x303a_u32.to_le_bytes());

    let mut swapped = blob.clone();
    swapped[..4].reverse();
    let error = DeletionVector::deserialize(&swapped, None).unwrap_err();
    assert_eq!(error, PuffinError::VectorLength { declared: 0x2600_0000, found: 0x26 });
    let mut swapped = blob;
    let crc_at = swapped.len() - 4;
    swapped[crc_at..].reverse();
    assert!(matches!(DeletionVector::deserialize(&swapped, None), Err(PuffinError::Checksum { .. })));
}

#[test]
fn long_runs_are_written_as_runs() {
    let mut vector = DeletionVector::new();
    assert_eq!(vector.insert_range(100..=1_000_000).unwrap(), 999_901);
    assert_eq!(vector.insert_range(0..=200).unwrap(), 100);
    assert_eq!((vector.len(), vector.min(), vector.max()), (1_000_001, Some(0), Some(1_000_000)));
    let blob = vector.serialize().unwrap();
    assert!(blob.len() < 300, "{}", blob.len());
    assert_eq!(DeletionVector::deserialize(&blob, Some(1_000_001)).unwrap(), vector);
}

#[test]
fn all_container_kinds_and_high_keys_round_trip() {
    let mut vector = DeletionVector::from_positions((0..20_000).map(|n| n * 7)).unwrap();
    vector.insert_range(3 << 32..=(3 << 32) + 70_000).unwrap();
    vector.insert(DeletionVector::MAX_POSITION).unwrap();
    vector.union(&DeletionVector::from_positions([1, 1 << 40]).unwrap());
    let read = DeletionVector::deserialize(&vector.serialize().unwrap(), Some(vector.len())).unwrap();
    assert_eq!(read, vector);
    assert!(read.iter().eq(vector.iter()));
    assert_eq!(read.max(), Some(DeletionVector::MAX_POSITION));
    let mut positions = read.iter();
    positions.advance_to((3 << 32) + 70_000);
    assert_eq!(positions.collect::<Vec<_>>(), [(3 << 32) + 70_000, 1 << 40, DeletionVector::MAX_POSITION]);
}

#[test]
fn empty_bitmaps_between_keys_are_read() {
    let bitmap_of_7 = hex("3a300000 01000000 0000 0000 10000000 0700");
    let empty = hex("3a300000 00000000");
    let mut vector = 3_u64.to_le_bytes().to_vec();
    for (key, bitmap) in [(0_u32, &bitmap_of_7), (1, &empty), (2, &bitmap_of_7)] {
        vector.extend(key.to_le_bytes());
        vector.extend(bitmap);
    }
    let read = DeletionVector::deserialize(&frame(&vector), Some(2)).unwrap();
    assert_eq!(read, DeletionVector::from_positions([7, (2 << 32) + 7]).unwrap());
    assert!(DeletionVector::deserialize(&frame(&[0; 8]), Some(0)).unwrap().is_empty());
    let only_empty = [&1_u64.to_le_bytes()[..], &[0; 4], &empty].concat();
    assert_eq!(DeletionVector::deserialize(&frame(&only_empty), None).unwrap(), DeletionVector::new());
}

#[test]
fn positions_and_ranges_beyond_the_limits_are_refused() {
    let mut vector = DeletionVector::new();
    let limit = DeletionVector::MAX_POSITION;
    let position = PuffinError::Position { position: limit + 1, limit };
    assert_eq!(vector.insert(limit + 1), Err(position.clone()));
    assert_eq!(vector.insert_range(5..=limit + 1), Err(position.clone()));
    assert_eq!(position.kind(), ErrorKind::InvalidInput);
    let longest = DeletionVector::MAX_RANGE_LENGTH;
    let range = PuffinError::RangeLength { positions: longest + 1, limit: longest };
    assert_eq!(vector.insert_range(0..=longest), Err(range));
    #[expect(clippy::reversed_empty_ranges, reason = "the empty range is the case")]
    let empty = 2..=1;
    assert_eq!(vector.insert_range(empty), Ok(0));
    assert!(vector.is_empty());
}

#[test]
fn each_lie_is_named() {
    let one = hex("0100000000000000");
    let array = hex("00000000 3a300000 01000000 0000 0200 10000000 0100 0300 0500");
    let bitmap = |bitmap, reason: &str| PuffinError::Bitmap { bitmap, reason: reason.to_owned() };
    let cases: &[(&str, Vec<u8>, PuffinError)] = &[
        (
            "count",
            [hex("ffffffffffffffff"), array.clone()].concat(),
            PuffinError::BitmapCount { declared: u64::MAX, limit: 2 },
        ),
        (
            "count one too high",
            [hex("0200000000000000"), array.clone()].concat(),
            PuffinError::Truncated { what: "deletion vector", needed: 4, found: 0 },
        ),
        (
            "trailing",
            [&one[..], &array, &[0]].concat(),
            PuffinError::TrailingBytes { what: "deletion vector", count: 1 },
        ),
        (
            "sign bit",
            [&one[..], &hex("00000080"), &array[4..]].concat(),
            PuffinError::BitmapKey { bitmap: 0, key: 1 << 31, previous: None },
        ),
        (
            "same key twice",
            [&hex("0200000000000000")[..], &array, &array].concat(),
            PuffinError::BitmapKey { bitmap: 1, key: 0, previous: Some(0) },
        ),
        (
            "cookie",
            [&one[..], &hex("00000000 39300000 00000000")].concat(),
            bitmap(0, "unknown cookie 0x3039"),
        ),
        (
            "containers",
            [&one[..], &hex("00000000 3a300000 01000100")].concat(),
            bitmap(0, "65537 containers"),
        ),
        (
            "offset",
            [&one[..], &hex("00000000 3a300000 01000000 0000 0000 11000000 0100")].concat(),
            bitmap(0, "container 0 is at 16, not at 17"),
        ),
        (
            "run cardinality",
            [&one[..], &hex("00000000 3b300000 01 0000 0800 0100 0000 0900")].concat(),
            bitmap(0, "run container 0 holds 10, not 9"),
        ),
        (
            "array shorter than its cardinality",
            [&one[..], &hex("00000000 3a300000 01000000 0000 0f00 10000000 0100")].concat(),
            PuffinError::Truncated { what: "deletion vector", needed: 32, found: 2 },
        ),
    ];
    for (name, vector, expected) in cases {
        let found = DeletionVector::deserialize(&frame(vector), None).unwrap_err();
        assert_eq!(&found, expected, "{name}");
        assert_eq!(found.kind(), ErrorKind::InvalidData, "{name}");
    }
    let broken_values = [
        ("array not ascending", "3a300000 01000000 0000 0200 10000000 0100 0500 0300"),
        ("array with a value twice", "3a300000 01000000 0000 0100 10000000 0100 0100"),
        ("container keys not ascending", "3a300000 02000000 0100 0000 0000 0000 18000000 1a000000 0100 0100"),
        ("no runs", "3b300000 01 0000 0000 0000"),
        ("runs overlap", "3b300000 01 0000 0300 0200 0000 0100 0100 0100"),
        ("run beyond the end", "3b300000 01 0000 0100 0100 ffff 0100"),
    ];
    for (name, bytes) in broken_values {
        let vector = [&one[..], &[0; 4], &hex(bytes)].concat();
        let found = DeletionVector::deserialize(&frame(&vector), None).unwrap_err();
        assert!(matches!(found, PuffinError::Bitmap { bitmap: 0, .. }), "{name}: {found}");
    }
    let mut bits = hex("01000000 00000000 00000000 3a300000 01000000 0000 0010 10000000");
    bits.extend([0xff; 8192]); // 65536 values, of which the header says 4097
    let found = DeletionVector::deserialize(&frame(&bits), None).unwrap_err();
    assert!(matches!(found, PuffinError::Bitmap { bitmap: 0, .. }), "{found}");
}

#[test]
fn cardinality_is_held_against_the_manifest() {
    let blob = hex(VECTOR);
    let error = DeletionVector::deserialize(&blob, Some(4)).unwrap_err();
    assert_eq!(error, PuffinError::Cardinality { expected: 4, found: 3 });
}

#[test]
fn every_truncation_and_every_flipped_bit_is_refused() {
    let blob = hex(VECTOR);
    for length in 0..blob.len() {
        assert!(DeletionVector::deserialize(&blob[..length], None).is_err(), "{length}");
    }
    for bit in 0..blob.len() * 8 {
        let mut broken = blob.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        assert!(DeletionVector::deserialize(&broken, None).is_err(), "bit {bit}");
    }
}

#[test]
fn flipped_bits_under_a_right_checksum_never_panic_and_round_trip_if_accepted() {
    let mut vector = DeletionVector::from_positions((0..40).map(|n| n * 3)).unwrap();
    vector.insert_range(65_536..=70_000).unwrap();
    vector.insert(1 << 33).unwrap();
    let blob = vector.serialize().unwrap();
    let content = &blob[8..blob.len() - 4];
    let mut accepted = 0;
    for bit in 0..content.len() * 8 {
        let mut broken = content.to_vec();
        broken[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = DeletionVector::deserialize(&frame(&broken), None) {
            accepted += 1;
            assert_eq!(
                DeletionVector::deserialize(&other.serialize().unwrap(), Some(other.len())).unwrap(),
                other
            );
        }
    }
    // A flipped value bit that keeps the order is another valid vector.
    assert!(accepted > 0);
}

fn positions() -> impl Strategy<Value = Vec<u64>> {
    let dense = 0_u64..200;
    let container_edge = 65_500_u64..65_600;
    let key_edge = (1_u64 << 32) - 50..(1 << 32) + 50;
    let any = 0..=DeletionVector::MAX_POSITION;
    prop::collection::vec(prop_oneof![dense, container_edge, key_edge, any], 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn behaves_like_a_set(a in positions(), b in positions(), from in 0_u64..70_000, len in 0_u64..9000) {
        let mut set: BTreeSet<u64> = a.iter().copied().collect();
        let mut vector = DeletionVector::new();
        let mut seen = BTreeSet::new();
        for position in &a {
            prop_assert_eq!(vector.insert(*position).unwrap(), seen.insert(*position));
        }
        vector.union(&DeletionVector::from_positions(b.iter().copied()).unwrap());
        set.extend(&b);
        let before = set.len();
        set.extend(from..=from + len);
        prop_assert_eq!(vector.insert_range(from..=from + len).unwrap(), (set.len() - before) as u64);

        prop_assert_eq!(vector.len(), set.len() as u64);
        prop_assert_eq!((vector.min(), vector.max()), (set.first().copied(), set.last().copied()));
        prop_assert!(vector.iter().eq(set.iter().copied()));
        for probe in a.iter().chain(&b).flat_map(|p| [*p, p.saturating_add(1), p.saturating_sub(1)]) {
            prop_assert_eq!(vector.contains(probe), set.contains(&probe));
        }
        let blob = vector.serialize().unwrap();
        let read = DeletionVector::deserialize(&blob, Some(set.len() as u64)).unwrap();
        prop_assert_eq!(&read, &vector);
        prop_assert!(read.iter().eq(set.iter().copied()));
        prop_assert_eq!(read.serialize().unwrap(), blob);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = DeletionVector::deserialize(&bytes, None);
        let _ = DeletionVector::deserialize(&frame(&bytes), None);
    }
}
