//! The examples of the format's specification, cut into blocks and read in steps of any length.

use bytes::Bytes;
use orc_rust::proto::PostScript;

use super::super::codec::Compression;
use super::super::stream::{Budget, ByteStream};
use super::{BooleanReader, ByteReader, Encoding, IntegerReader, varints_i128};

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

#[test]
fn numbers_that_would_lose_bits_are_refused() {
    let longest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    let read = |last: u8| {
        let mut bytes = vec![0xff];
        bytes.extend(longest);
        bytes[10] = last;
        let mut found = Vec::new();
        IntegerReader::unsigned(stream(&bytes), Encoding::V1).read(1, &mut found).map(|()| found)
    };
    assert_eq!(read(0x01).unwrap(), [-1]);
    assert!(read(0x02).is_err() && read(0x81).is_err());
    // One value of 64 bits, and a patch for it.
    let patched = [0xbe, 0x00, 0x00, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0, 1, 0b0100_0000];
    assert!(IntegerReader::unsigned(stream(&patched), Encoding::V2).read(1, &mut Vec::new()).is_err());
}

#[test]
fn decimals_come_whole_whatever_their_length_and_where_blocks_end() {
    let values = [0, -1, 63, -64, 1 << 62, -(1 << 62), i128::from(i64::MAX), 5, i128::MAX, i128::MIN, 7];
    let mut bytes = Vec::new();
    for value in values {
        let mut rest = ((value << 1) ^ (value >> 127)).cast_unsigned();
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap());
    }
    let mut found = Vec::new();
    varints_i128(&mut stream(&bytes), values.len(), &mut found).unwrap();
    assert_eq!(found, values);
    // In blocks of three bytes, stored as they are.
    let blocks: Vec<u8> = bytes
        .chunks(3)
        .flat_map(|block| {
            let header = u8::try_from(block.len() * 2 + 1).unwrap();
            [&[header, 0, 0], block].concat()
        })
        .collect();
    let postscript =
        PostScript { compression: Some(1), compression_block_size: Some(3), ..PostScript::default() };
    let compression = Compression::of(&postscript).unwrap();
    let cut = |bytes: &[u8]| ByteStream::new(Bytes::copy_from_slice(bytes), compression, Budget::new(0));
    let mut found = Vec::new();
    varints_i128(&mut cut(&blocks), values.len(), &mut found).unwrap();
    assert_eq!(found, values);
    assert!(varints_i128(&mut cut(&blocks), values.len() + 1, &mut found).is_err());
    // More than 128 bits.
    let long = [[0xff; 18].as_slice(), &[0x04]].concat();
    assert!(varints_i128(&mut stream(&long), 1, &mut found).is_err());
}
