//! The examples of the format's specification, cut into blocks and read in steps of any length.

use bytes::Bytes;

use super::super::codec::Compression;
use super::super::stream::{Budget, ByteStream};
use super::{BooleanReader, ByteReader, Encoding, IntegerReader};

fn stream(bytes: &[u8]) -> ByteStream {
    ByteStream::new(Bytes::copy_from_slice(bytes), Compression::NONE, Budget::new(0))
}

fn check(encoding: Encoding, signed: bool, bytes: &[u8], values: &[i64]) {
    let reader = || match signed {
        true => IntegerReader::signed(stream(bytes), encoding),
        false => IntegerReader::unsigned(stream(bytes), encoding),
    };
    for step in [1, 3, values.len()] {
        let (mut reader, mut found) = (reader(), Vec::new());
        for part in values.chunks(step) {
            reader.read(part.len(), &mut found).unwrap();
        }
        assert_eq!(found, values, "in steps of {step}");
        assert!(reader.read(1, &mut found).is_err(), "there is more");
    }
    for (skipped, value) in values.iter().enumerate() {
        let (mut reader, mut found) = (reader(), Vec::new());
        reader.skip(skipped).unwrap();
        reader.read(1, &mut found).unwrap();
        assert_eq!(found, [*value]);
    }
    for end in 0..bytes.len() {
        let mut reader = IntegerReader::signed(stream(&bytes[..end]), encoding);
        assert!(reader.read(values.len(), &mut Vec::new()).is_err(), "{end} bytes are enough");
    }
}

#[test]
fn runs_of_the_second_version_give_the_values_of_the_specification() {
    let check = |bytes: &[u8], values: &[i64]| check(Encoding::V2, false, bytes, values);
    check(&[0x0a, 0x27, 0x10], &[10_000; 5]);
    check(&[0x5e, 0x03, 0x5c, 0xa1, 0xab, 0x1e, 0xde, 0xad, 0xbe, 0xef], &[23_713, 43_806, 57_005, 48_879]);
    check(&[0xc6, 0x09, 0x02, 0x02, 0x22, 0x42, 0x42, 0x46], &[2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
    let patched = [
        0x8e, 0x13, 0x2b, 0x21, 0x07, 0xd0, 0x1e, 0x00, 0x14, 0x70, 0x28, 0x32, 0x3c, 0x46, 0x50, 0x5a, 0x64,
        0x6e, 0x78, 0x82, 0x8c, 0x96, 0xa0, 0xaa, 0xb4, 0xbe, 0xfc, 0xe8,
    ];
    let mut values: Vec<i64> = (0..20).map(|i| 1990 + 10 * i).collect();
    values[..4].copy_from_slice(&[2030, 2000, 2020, 1_000_000]);
    values[4..].iter_mut().enumerate().for_each(|(i, value)| *value = 2040 + 10 * i64::try_from(i).unwrap());
    check(&patched, &values);
}

#[test]
fn runs_of_the_first_version_give_the_values_of_the_specification() {
    check(Encoding::V1, false, &[0x61, 0x00, 0x07], &[7; 100]);
    check(Encoding::V1, false, &[0x61, 0xff, 0x64], &(1..=100).rev().collect::<Vec<_>>());
    check(Encoding::V1, false, &[0xfb, 0x02, 0x03, 0x06, 0x07, 0x0b], &[2, 3, 6, 7, 11]);
}

#[test]
fn signed_values_may_be_negative_and_as_far_apart_as_they_go() {
    check(Encoding::V1, true, &[0xfd, 0x01, 0x02, 0x03], &[-1, 1, -2]);
    check(Encoding::V2, true, &[0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[i64::MIN; 3]);
    check(Encoding::V2, true, &[0x38, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], &[i64::MAX; 3]);
    // Steps of -3 from 5, then of -1, -2.
    check(Encoding::V2, true, &[0b1100_0010, 0x03, 0x0a, 0x05, 0b0110_0000], &[5, 2, 1, -1]);
}

#[test]
fn bytes_and_booleans_give_the_values_of_the_specification() {
    let mut reader = ByteReader::new(stream(&[0x61, 0x00, 0xfe, 0x44, 0x45]));
    reader.skip(99).unwrap();
    assert_eq!(reader.read(3).unwrap(), [0, 0x44, 0x45]);
    assert!(reader.read(1).is_err());

    let bits = |reader: &mut BooleanReader, count| reader.read(count).unwrap().iter().collect::<Vec<_>>();
    let mut reader = BooleanReader::new(stream(&[0xff, 0x80]));
    assert_eq!(bits(&mut reader, 8), [true, false, false, false, false, false, false, false]);
    // Three bytes of ones, one of zeros, one of both.
    let bytes = [0x00, 0xff, 0xfe, 0x00, 0xa5];
    let mut whole = BooleanReader::new(stream(&bytes));
    let all = bits(&mut whole, 40);
    assert_eq!(all.iter().filter(|bit| **bit).count(), 28);
    for skipped in 0..40 {
        let mut reader = BooleanReader::new(stream(&bytes));
        let set = reader.skip(skipped).unwrap();
        assert_eq!(set, all[..skipped].iter().filter(|bit| **bit).count());
        for step in 1..(40 - skipped) {
            let mut reader = BooleanReader::new(stream(&bytes));
            reader.skip(skipped).unwrap();
            assert_eq!(bits(&mut reader, step), all[skipped..skipped + step]);
            assert_eq!(bits(&mut reader, 40 - skipped - step), all[skipped + step..]);
        }
    }
    assert!(whole.read(1).is_err());
}
