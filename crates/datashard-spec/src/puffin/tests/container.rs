//! Puffin files: what is written is read, and lies are found.

use proptest::prelude::*;

use crate::ErrorKind;
use crate::id::{FieldId, SequenceNumber, SnapshotId};
use crate::json::JsonError;
use crate::puffin::{
    BlobMetadata, BlobRange, Codec, DeletionVector, Footer, FooterTail, PuffinError, PuffinFile,
    PuffinReader, PuffinWriter, check_head,
};

fn two_vectors() -> PuffinFile {
    let mut writer = PuffinWriter::new().with_property(Footer::CREATED_BY, "datashard");
    let (a, b) =
        (DeletionVector::from_positions([0, 5]).unwrap(), DeletionVector::from_positions([1]).unwrap());
    assert_eq!(writer.add_deletion_vector("a.parquet", &a).unwrap(), BlobRange { offset: 4, length: 44 });
    assert_eq!(writer.add_deletion_vector("b.parquet", &b).unwrap(), BlobRange { offset: 48, length: 42 });
    writer.finish().unwrap()
}

fn sketch(codec: Codec) -> BlobMetadata {
    BlobMetadata::new(BlobMetadata::THETA_V1, vec![FieldId(1)], SnapshotId(9), SequenceNumber(1))
        .with_property(BlobMetadata::NDV, "9")
        .with_codec(codec)
}

/// A file with one blob place, whose footer is `payload`.
fn with_payload(payload: &[u8], flags: u32) -> Vec<u8> {
    let size = i32::try_from(payload.len()).unwrap().to_le_bytes();
    [b"PFA1--blob--PFA1", payload, &size, &flags.to_le_bytes(), b"PFA1"].concat()
}

fn error_of(file: &[u8]) -> PuffinError {
    PuffinReader::new(file).unwrap_err()
}

#[test]
fn footer_is_written_as_java_writes_it() {
    let file = two_vectors();
    let payload = concat!(
        r#"{"blobs":[{"type":"deletion-vector-v1","fields":[2147483645],"snapshot-id":-1,"sequence-number":-1,"#,
        r#""offset":4,"length":44,"properties":{"referenced-data-file":"a.parquet","cardinality":"2"}},"#,
        r#"{"type":"deletion-vector-v1","fields":[2147483645],"snapshot-id":-1,"sequence-number":-1,"#,
        r#""offset":48,"length":42,"properties":{"referenced-data-file":"b.parquet","cardinality":"1"}}],"#,
        r#""properties":{"created-by":"datashard"}}"#,
    );
    let size = i32::try_from(payload.len()).unwrap().to_le_bytes();
    let footer = [b"PFA1", payload.as_bytes(), &size, &[0; 4], b"PFA1"].concat();
    assert_eq!(file.bytes[90..], footer);
    assert_eq!(file.footer.size, footer.len() as u64);
    assert_eq!(PuffinReader::new(&file.bytes).unwrap().footer(), &file.footer);
}

#[test]
fn trap_20_a_shared_file_is_in_use_while_any_of_its_vectors_is() {
    let file = two_vectors();
    let ranges: Vec<_> = file.footer.blob_ranges().collect();
    let in_use = |live: &[BlobRange]| file.footer.blobs_in_use(live).count();
    assert_eq!(in_use(&ranges), 2);
    assert_eq!(in_use(&ranges[..1]), 1);
    assert_eq!(in_use(&ranges[1..]), 1, "the first vector is obsolete, the file is not");
    assert_eq!(in_use(&[]), 0);
    let reader = PuffinReader::new(&file.bytes).unwrap();
    assert_eq!(reader.deletion_vector(1).unwrap().iter().collect::<Vec<_>>(), [1]);
}

#[test]
fn tail_says_how_many_bytes_are_needed() {
    let file = two_vectors();
    let (bytes, length) = (&file.bytes, file.bytes.len());
    let parse = |tail: usize| Footer::parse_tail(&bytes[length - tail..], length as u64);
    for tail in 0..12 {
        assert_eq!(parse(tail), Ok(FooterTail::NeedMore { tail_length: 12 }));
    }
    let footer = usize::try_from(file.footer.size).unwrap();
    for tail in 12..footer {
        assert_eq!(parse(tail), Ok(FooterTail::NeedMore { tail_length: file.footer.size }));
    }
    for tail in footer..=length {
        assert_eq!(parse(tail), Ok(FooterTail::Parsed(file.footer.clone())));
    }
    let longer = Footer::parse_tail(bytes, length as u64 - 1).unwrap_err();
    assert_eq!(longer.kind(), ErrorKind::InvalidInput);
    assert_eq!(check_head(&bytes[..4]), Ok(()));
    assert!(check_head(b"PFA2").is_err() && check_head(b"PFA").is_err());
}

#[test]
fn codecs_round_trip_within_the_limit() {
    let content = b"sketch".repeat(1000);
    let codecs: &[Codec] = if cfg!(feature = "zstd") { &[Codec::Lz4, Codec::Zstd] } else { &[Codec::Lz4] };
    for codec in codecs {
        let mut writer = PuffinWriter::new();
        let range = writer.add_blob(sketch(codec.clone()), &content).unwrap();
        writer.add_blob(sketch(codec.clone()), b"").unwrap();
        assert!(range.length < 1000, "{codec}");
        let file = writer.finish().unwrap();
        let reader = PuffinReader::new(&file.bytes).unwrap();
        assert_eq!(reader.blob(0, 6000).unwrap(), content, "{codec}");
        assert_eq!(reader.blob(1, 0).unwrap(), &b""[..], "{codec}");
        let error = PuffinError::TooLarge { what: "decompressed content", bytes: 6000, limit: 5999 };
        assert_eq!(reader.blob(0, 5999), Err(error), "{codec}");

        let (blob, stored) = reader.stored_blob(0).unwrap();
        for cut in 0..stored.len() {
            assert!(codec.decompress(&stored[..cut], 6000).is_err(), "{codec} cut at {cut}");
            assert!(blob.content(&stored[..cut], 6000).is_err());
        }
        let trailing = [stored, b"x"].concat();
        assert!(matches!(
            codec.decompress(&trailing, 6000),
            Err(PuffinError::TrailingBytes { count: 1, .. })
        ));
        for bit in 0..stored.len() * 8 {
            let mut broken = stored.to_vec();
            broken[bit / 8] ^= 1 << (bit % 8);
            // Blocks may have no checksum: another content may come out, but no more than declared.
            if let Ok(other) = codec.decompress(&broken, 10_000) {
                assert!(other.len() <= 10_000);
            }
        }
    }
}

#[test]
fn frames_without_content_size_are_refused() {
    let lz4 = hex_lz4_without_size();
    assert!(matches!(Codec::Lz4.decompress(&lz4, 100), Err(PuffinError::Compression { codec: "lz4", .. })));
    assert!(matches!(Codec::Lz4.decompress(b"PFA1", 100), Err(PuffinError::Magic { at: "LZ4 frame", .. })));
    let bomb = Codec::Lz4.compress(&vec![0; 1 << 20]).unwrap();
    assert!(matches!(
        Codec::Lz4.decompress(&bomb, 1 << 19),
        Err(PuffinError::TooLarge { bytes: 0x10_0000, .. })
    ));
}

fn hex_lz4_without_size() -> Vec<u8> {
    // Magic, version 1 with independent blocks, 64 KiB blocks, header checksum, end mark.
    super::hex("04224d18 60 40 82 00000000")
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_frames_that_lie_are_refused() {
    let streamed = zstd::encode_all(&b"content"[..], 3).unwrap();
    let found = Codec::Zstd.decompress(&streamed, 100);
    assert!(matches!(found, Err(PuffinError::Compression { codec: "zstd", .. })), "{found:?}");
    assert!(Codec::Zstd.decompress(b"", 100).is_err());
    // Declares an eternity, in a frame of a few bytes.
    let lie = super::hex("28b52ffd e0 ffffffffffffff7f 010000");
    assert!(matches!(Codec::Zstd.decompress(&lie, 1 << 30), Err(PuffinError::TooLarge { .. })));
    assert!(matches!(Codec::Zstd.decompress(&lie, u64::MAX), Err(PuffinError::Compression { .. })));
}

#[test]
fn unknown_codecs_are_kept_and_not_decoded() {
    let file = with_payload(
        br#"{"blobs":[{"type":"x","fields":[],"snapshot-id":1,"sequence-number":2,"offset":4,"length":8,
            "compression-codec":"brotli"}]}"#,
        0,
    );
    let reader = PuffinReader::new(&file).unwrap();
    assert_eq!(reader.footer().blobs[0].codec, Some(Codec::Other("brotli".to_owned())));
    assert_eq!(reader.stored_blob(0).unwrap().1, b"--blob--");
    let error = reader.blob(0, 100).unwrap_err();
    assert_eq!(error, PuffinError::Codec { codec: "brotli".to_owned() });
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(matches!(reader.deletion_vector(0), Err(PuffinError::NotADeletionVector { .. })));
    assert_eq!(reader.blob(1, 100).unwrap_err(), PuffinError::NoSuchBlob { blob: 1, count: 1 });
}

#[test]
fn unknown_keys_and_properties_survive_a_rewrite() {
    let payload = concat!(
        r#"{"blobs":[{"type":"x","fields":[1,-2],"snapshot-id":1,"sequence-number":2,"offset":4,"length":0,"#,
        r#""properties":{"b":"1","a":"\u0000é"},"new":{"k" : [1]}}],"properties":{"z":"1","y":""},"later":1.50}"#,
    );
    let reader_file = with_payload(payload.as_bytes(), 0);
    let footer = PuffinReader::new(&reader_file).unwrap().footer().clone();
    assert_eq!(footer.unknown.get("later"), Some("1.50"));
    assert_eq!(footer.blobs[0].properties.get("a"), Some("\0é"));
    assert_eq!(footer.payload(), payload);
}

#[test]
fn compressed_footer_is_read() {
    let plain = br#"{"blobs":[],"properties":{"created-by":"someone"}}"#;
    let file = with_payload(&Codec::Lz4.compress(plain).unwrap(), 1);
    let reader = PuffinReader::new(&file).unwrap();
    assert_eq!(reader.footer().properties.get("created-by"), Some("someone"));
    assert!(matches!(error_of(&with_payload(plain, 1)), PuffinError::Magic { at: "LZ4 frame", .. }));
    // A header that declares more than any footer has.
    let bomb = super::hex("04224d18 68 40 ffffffffffffff00 00 00000000");
    assert!(matches!(error_of(&with_payload(&bomb, 1)), PuffinError::TooLarge { .. }));
}

#[test]
fn each_lie_is_named() {
    let good = with_payload(br#"{"blobs":[]}"#, 0);
    let mut head = good.clone();
    head[0] = b'Q';
    assert!(matches!(error_of(&head), PuffinError::Magic { at: "head of the file", .. }));
    let mut start = good.clone();
    start[12] = b'Q';
    assert!(matches!(error_of(&start), PuffinError::Magic { at: "start of the footer", .. }));
    let mut end = good.clone();
    *end.last_mut().unwrap() = b'2';
    assert!(matches!(error_of(&end), PuffinError::Magic { at: "end of the file", .. }));
    let flags = with_payload(br#"{"blobs":[]}"#, 2);
    assert_eq!(error_of(&flags), PuffinError::Flags { found: 2 });
    assert_eq!(error_of(&flags).kind(), ErrorKind::Unsupported);
    let size_at = good.len() - 12;
    for size in [-1, i32::MIN, i32::MAX, 21] {
        let mut lie = good.clone();
        lie[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        let expected = PuffinError::FooterSize { payload_size: size, file_length: good.len() as u64 };
        assert_eq!(error_of(&lie), expected);
    }

    let blob = |offset: i64, length: i64| {
        let json = format!(
            r#"{{"blobs":[{{"type":"x","fields":[],"snapshot-id":1,"sequence-number":1,"offset":{offset},"length":{length}}}]}}"#
        );
        PuffinReader::new(&with_payload(json.as_bytes(), 0)).map(|_| ())
    };
    assert_eq!(blob(4, 8), Ok(()));
    assert_eq!(blob(12, 0), Ok(()));
    for (offset, length) in [(4, 9), (3, 1), (0, 4), (-1, 5), (4, -1), (13, 0), (i64::MAX, i64::MAX)] {
        assert_eq!(blob(offset, length), Err(PuffinError::BlobRange { blob: 0, offset, length, end: 12 }));
    }

    let json = |payload: &[u8]| error_of(&with_payload(payload, 0));
    assert_eq!(json(b"{\xff}"), PuffinError::Utf8 { valid_up_to: 1 });
    assert!(matches!(json(b"{"), PuffinError::Json(JsonError::Syntax { .. })));
    assert!(matches!(json(br#"{"blobs":[],"blobs":[]}"#), PuffinError::Json(JsonError::Duplicate { .. })));
    assert!(matches!(
        json(br#"{"blobs":[],"properties":{"a":"1","a":"2"}}"#),
        PuffinError::Json(JsonError::Duplicate { .. })
    ));
    let missing = json(br#"{"blobs":[{"type":"x","fields":[],"offset":4,"length":1}]}"#);
    assert_eq!(missing.to_string(), r#"footer: $.blobs[0]: required key "snapshot-id" is missing"#);
    let deep = [br#"{"blobs":"#, "[".repeat(1_000_000).as_bytes()].concat();
    assert!(matches!(json(&deep), PuffinError::Json(_)));
}

#[test]
fn every_truncation_is_refused_and_no_flipped_bit_panics() {
    let file = two_vectors();
    for length in 0..file.bytes.len() {
        assert!(PuffinReader::new(&file.bytes[..length]).is_err(), "{length}");
    }
    for bit in 0..file.bytes.len() * 8 {
        let mut broken = file.bytes.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        if let Ok(reader) = PuffinReader::new(&broken) {
            for blob in 0..reader.footer().blobs.len() {
                let _ = reader.deletion_vector(blob);
            }
        }
    }
}

#[test]
fn cardinality_property_is_held_against_the_vector() {
    let vector = DeletionVector::from_positions([1, 2]).unwrap();
    let mut writer = PuffinWriter::new();
    let blob = vector.serialize().unwrap();
    writer.add_blob(BlobMetadata::deletion_vector("a", 3), &blob).unwrap();
    let text = BlobMetadata::deletion_vector("a", 2).with_property(BlobMetadata::CARDINALITY, "two");
    writer.add_blob(text, &blob).unwrap();
    let file = writer.finish().unwrap();
    let reader = PuffinReader::new(&file.bytes).unwrap();
    assert_eq!(reader.deletion_vector(0), Err(PuffinError::Cardinality { expected: 3, found: 2 }));
    assert!(matches!(reader.deletion_vector(1), Err(PuffinError::Property { key: "cardinality", .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn files_round_trip(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..5),
        key in ".{0,8}", value in ".{0,8}", lz4 in any::<bool>(),
    ) {
        let mut writer = PuffinWriter::new().with_property(key.clone(), value.clone());
        for content in &contents {
            let mut blob = BlobMetadata::new(value.clone(), vec![FieldId(3)], SnapshotId(1), SequenceNumber(2))
                .with_property(key.clone(), value.clone());
            blob.codec = lz4.then_some(Codec::Lz4);
            writer.add_blob(blob, content).unwrap();
        }
        let file = writer.finish().unwrap();
        let reader = PuffinReader::new(&file.bytes).unwrap();
        prop_assert_eq!(reader.footer(), &file.footer);
        prop_assert_eq!(file.footer.properties.get(&key), Some(value.as_str()));
        for (index, content) in contents.iter().enumerate() {
            prop_assert_eq!(&*reader.blob(index, 100).unwrap(), content.as_slice());
        }
    }
}
