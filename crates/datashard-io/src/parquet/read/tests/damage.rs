//! Bytes that are not what was written, and files that claim what is not so.

use std::collections::BTreeMap;

use bytes::Bytes;
use datashard_spec::error::ErrorKind;
use parquet::file::metadata::KeyValue;

use super::{file_of, input, rows, schema, small_parts, try_read};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::parquet::checksum;
use crate::parquet::testing::{fresh_store, properties, write_file};
use crate::path::TablePath;
use crate::read::ReadRequest;

async fn error(bytes: impl Into<Bytes>) -> DataError {
    try_read(input(&bytes.into()), ReadRequest::new(schema())).await.unwrap_err()
}

#[tokio::test]
async fn flipped_bits_all_over_the_columns_are_found_by_their_checksums() {
    let codec = properties(&[("write.parquet.compression-codec", "uncompressed")]);
    let bytes = tokio::task::spawn_blocking(move || write_file(&schema(), &[rows()], &codec).unwrap().0);
    let bytes = bytes.await.unwrap();
    let footer = footer_start(&bytes);
    // The data ends before the page index, which is no part of a column.
    for at in (4..footer / 2).step_by(23) {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << (at % 8);
        let error = error(damaged).await;
        let DataError::Mismatch { place, what, .. } = &error else { panic!("byte {at}: {error}") };
        assert!(place.starts_with("row group 0, column "), "{place}");
        assert_eq!(*what, "CRC32C");
    }
}

fn footer_start(bytes: &Bytes) -> usize {
    let end = bytes.len() - 8;
    end - u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize
}

#[tokio::test]
async fn checksums_are_not_looked_at_without_verification() {
    let wrong = checksum::encode(&[1; 28]);
    let bytes = file_of(&rows(), with_checksums(&wrong));
    let request = ReadRequest::new(schema());
    let found = try_read(input(&bytes), request.clone().with_verification(false)).await.unwrap();
    assert_eq!(found.num_rows(), rows().num_rows());
    assert!(matches!(
        try_read(input(&bytes), request).await,
        Err(DataError::Mismatch { what: "CRC32C", .. })
    ));
}

fn with_checksums(text: &str) -> parquet::file::properties::WriterProperties {
    let pair = KeyValue::new(checksum::KEY.to_owned(), text.to_owned());
    let ours = small_parts().set_created_by(checksum::CREATED_BY.to_owned());
    ours.set_key_value_metadata(Some(vec![pair])).build()
}

/// As pyarrow does when it reads a file of ours and writes its rows again.
#[tokio::test]
async fn checksums_that_another_writer_carried_along_are_not_the_files_own() {
    for text in [checksum::encode(&[1; 28]), checksum::encode(&[1; 3]), "1:zz".to_owned()] {
        let pair = KeyValue::new(checksum::KEY.to_owned(), text);
        let properties = small_parts().set_created_by("parquet-cpp-arrow version 26.0.1".to_owned());
        let bytes = file_of(&rows(), properties.set_key_value_metadata(Some(vec![pair])).build());
        let found = try_read(input(&bytes), ReadRequest::new(schema())).await.unwrap();
        assert_eq!(found.num_rows(), rows().num_rows());
    }
}

#[tokio::test]
async fn a_damaged_text_of_checksums_is_an_error_and_one_of_another_version_is_none() {
    for text in ["1:zz", "1:00000000", "1:"] {
        let error = error(file_of(&rows(), with_checksums(text))).await;
        assert!(
            matches!(&error, DataError::Corrupt { place, .. } if place.contains(checksum::KEY)),
            "{error}"
        );
    }
    let bytes = file_of(&rows(), with_checksums("2:anything"));
    try_read(input(&bytes), ReadRequest::new(schema())).await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_length_than_recorded_is_told() {
    let bytes = file_of(&rows(), small_parts().build());
    let store = fresh_store().await;
    let path = TablePath::parse("data/0.parquet").unwrap();
    store.put(&path, bytes.clone()).await.unwrap();
    let file = || {
        let input = InputFile::new(store.clone(), path.clone(), "memory://tables/t/data/0.parquet");
        input.with_size_bytes(bytes.len() as u64 + 1)
    };
    let request = ReadRequest::new(schema());
    let error = try_read(file(), request.clone()).await.unwrap_err();
    assert!(matches!(&error, DataError::Mismatch { what: "length in bytes", .. }), "{error}");
    try_read(file(), request.with_verification(false)).await.unwrap();
}

#[tokio::test]
async fn footers_that_are_none_are_told_apart() {
    let bytes = file_of(&rows(), small_parts().build());
    let with_end = |end: &[u8]| [&bytes[..bytes.len() - end.len()], end].concat();
    let encrypted = error(with_end(b"PARE")).await;
    assert_eq!(encrypted.kind(), ErrorKind::Unsupported, "{encrypted}");
    for (bytes, text) in [
        (Vec::new(), "0 bytes are too few"),
        (b"PAR1".to_vec(), "4 bytes are too few"),
        (with_end(b"PAR2"), "does not end as Parquet files do"),
        (with_end(&[0xFF, 0xFF, 0xFF, 0x7F, b'P', b'A', b'R', b'1']), "it claims 2147483647 bytes"),
        (with_end(&[9, 0, 0, 0, b'P', b'A', b'R', b'1']), "footer: "),
    ] {
        let error = error(bytes).await;
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_was_cut_or_grew_is_refused() {
    let codec: BTreeMap<String, String> = BTreeMap::new();
    let bytes = tokio::task::spawn_blocking(move || write_file(&schema(), &[rows()], &codec).unwrap().0);
    let bytes = bytes.await.unwrap();
    for length in (0..bytes.len()).step_by(61) {
        assert_eq!(error(bytes.slice(..length)).await.kind(), ErrorKind::InvalidData, "{length}");
    }
    // Bytes in front move everything.
    assert_eq!(error([&b"PAR1"[..], &bytes].concat()).await.kind(), ErrorKind::InvalidData);
}
