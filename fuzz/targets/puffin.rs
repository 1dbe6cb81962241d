//! Whole Puffin files: as they come, and with the input as footer payload, as LZ4 and Zstandard blobs.

#![no_main]

use datashard_fuzz::fits;
use datashard_spec::id::{SequenceNumber, SnapshotId};
use datashard_spec::puffin::{BlobMetadata, Codec, Footer, FooterTail, PuffinReader, PuffinWriter};
use libfuzzer_sys::fuzz_target;

const MAX_CONTENT_BYTES: u64 = 1 << 20;

fn check(file: &[u8]) {
    let length = file.len() as u64;
    let Ok(reader) = PuffinReader::new(file) else { return };
    let footer = reader.footer();
    let tail = &file[file.len() - footer.size as usize..];
    assert_eq!(
        Footer::parse_tail(tail, length),
        Ok(FooterTail::Parsed(footer.clone())),
        "the tail is enough"
    );
    let shorter = FooterTail::NeedMore { tail_length: footer.size };
    assert_eq!(Footer::parse_tail(&tail[1..], length), Ok(shorter));

    let mut rewritten = PuffinWriter::new();
    for (key, value) in footer.properties.iter() {
        rewritten = rewritten.with_property(key, value);
    }
    for (index, blob) in footer.blobs.iter().enumerate() {
        assert!(blob.range.offset >= 4 && blob.range.end() <= length - footer.size);
        let (_, stored) = reader.stored_blob(index).expect("a blob of the footer is in the file");
        let _ = reader.deletion_vector(index);
        if let Ok(content) = reader.blob(index, MAX_CONTENT_BYTES) {
            assert!(content.len() as u64 <= MAX_CONTENT_BYTES);
            rewritten.add_blob(blob.clone(), &content).expect("what was decompressed compresses");
        } else {
            let mut uncompressed = blob.clone();
            uncompressed.codec = None;
            rewritten.add_blob(uncompressed, stored).expect("bytes are written as they are");
        }
    }
    let rewritten = rewritten.finish().expect("a footer that was read is written");
    let again = PuffinReader::new(&rewritten.bytes).expect("what was written is read");
    assert_eq!(again.footer(), &rewritten.footer);
    for (index, (old, new)) in footer.blobs.iter().zip(&again.footer().blobs).enumerate() {
        assert_eq!(
            (&old.blob_type, &old.fields, &old.properties),
            (&new.blob_type, &new.fields, &new.properties)
        );
        assert_eq!(old.unknown, new.unknown);
        if let Ok(content) = reader.blob(index, MAX_CONTENT_BYTES) {
            assert_eq!(again.blob(index, MAX_CONTENT_BYTES).as_ref(), Ok(&content));
        }
    }
}

/// A file whose footer is `payload`.
fn with_payload(payload: &[u8], flags: u32) -> Vec<u8> {
    let size = i32::try_from(payload.len()).unwrap_or(0).to_le_bytes();
    [b"PFA1--blob--PFA1", payload, &size, &flags.to_le_bytes(), b"PFA1"].concat()
}

fuzz_target!(|input: &[u8]| {
    if !fits(input) {
        return;
    }
    check(input);
    check(&with_payload(input, 0));
    check(&with_payload(input, 1));
    for codec in [Codec::Lz4, Codec::Zstd] {
        let mut blob = BlobMetadata::new("x", Vec::new(), SnapshotId(1), SequenceNumber(1)).with_codec(codec);
        blob.range.length = input.len() as u64;
        if let Ok(content) = blob.content(input, MAX_CONTENT_BYTES) {
            assert!(content.len() as u64 <= MAX_CONTENT_BYTES);
        }
    }
});
