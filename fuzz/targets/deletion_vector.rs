//! Blobs of deletion vectors: as they come, and with the frame repaired so that the fuzzer gets past length and checksum.

#![no_main]

use datashard_fuzz::{first, fits, round_trip};
use datashard_spec::puffin::DeletionVector;
use libfuzzer_sys::fuzz_target;

fn check(blob: &[u8]) {
    let Ok(vector) = DeletionVector::deserialize(blob, None) else { return };
    round_trip(&vector, DeletionVector::serialize, |blob| {
        DeletionVector::deserialize(blob, Some(vector.len()))
    });

    assert_eq!(vector.is_empty(), vector.len() == 0);
    assert_eq!(vector.min(), vector.iter().next());
    assert!(vector.max().is_none_or(|max| vector.contains(max) && max <= DeletionVector::MAX_POSITION));
    assert!(DeletionVector::deserialize(blob, Some(vector.len() + 1)).is_err());
    let mut previous = None;
    let mut rebuilt = DeletionVector::new();
    for position in first(&vector) {
        assert!(previous < Some(position), "positions ascend");
        assert!(vector.contains(position));
        assert_eq!(rebuilt.insert(position), Ok(true));
        previous = Some(position);
    }
    if rebuilt.len() == vector.len() {
        assert_eq!(rebuilt, vector, "equality is that of sets, however the parts are stored");
    }
    let mut union = rebuilt;
    union.union(&vector);
    assert_eq!(union, vector);
}

fuzz_target!(|input: &[u8]| {
    if !fits(input) {
        return;
    }
    check(input);
    // The input as count and bitmaps, framed.
    let content = [&[0xd1, 0xd3, 0x39, 0x64], input].concat();
    let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
    check(&[&length[..], &content, &crc32fast::hash(&content).to_be_bytes()].concat());
});
