//! Deletion vectors, read by their place in a Puffin file.

use datashard_spec::SpecError;
use datashard_spec::manifest::DataFile;
use datashard_spec::puffin::DeletionVector;

use crate::data_error::DataError;
use crate::file::InputFile;

/// Reads the deletion vector that a manifest entry names: one ranged read, without the footer of the file. Length, checksum and number
/// of positions are held against what was recorded.
pub(super) async fn read(
    input: &InputFile,
    entry: &DataFile,
    memory_limit_bytes: u64,
) -> Result<DeletionVector, DataError> {
    let place = || format!("deletion vector at byte {}", entry.content_offset.unwrap_or(-1));
    let corrupt = |reason: String| DataError::corrupt(input.location(), place(), reason);
    let number = |what: &str, value: Option<i64>| {
        let value = value.ok_or_else(|| corrupt(format!("the manifest does not tell its {what}")))?;
        u64::try_from(value).map_err(|_| corrupt(format!("its {what} is {value}")))
    };
    let start = number("offset", entry.content_offset)?;
    let length = number("length", entry.content_size_in_bytes)?;
    let positions = number("record count", Some(entry.record_count))?;
    let file_size = number("file size", Some(entry.file_size_in_bytes))?;
    let end = start.checked_add(length).filter(|end| *end <= file_size);
    let end = end.ok_or_else(|| {
        corrupt(format!(
            "its {length} bytes from {start} on lie outside of the {file_size} bytes of the file"
        ))
    })?;
    if length > memory_limit_bytes {
        return Err(DataError::TooLarge {
            file: input.location().to_owned(),
            place: place(),
            bytes: length,
            limit_bytes: memory_limit_bytes,
        });
    }
    let blob = input.read_range(start..end).await?;
    if u64::try_from(blob.len()).ok() != Some(length) {
        return Err(corrupt(format!("{} of its {length} bytes are there", blob.len())));
    }
    DeletionVector::deserialize(&blob, Some(positions)).map_err(|error| DataError::Spec {
        place: format!("`{}`, {}", input.location(), place()),
        source: Box::new(SpecError::from(error)),
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use datashard_spec::manifest::{FileContent, FileFormat};

    use super::*;

    fn entry(file: &[u8], offset: i64, length: i64, positions: i64) -> DataFile {
        DataFile::new("v.puffin", FileFormat::Puffin, positions, i64::try_from(file.len()).unwrap())
            .with_content(FileContent::PositionDeletes)
            .with_content_offset(offset)
            .with_content_size_in_bytes(length)
    }

    async fn check(file: Vec<u8>, entry: DataFile) -> Result<DeletionVector, String> {
        let input = InputFile::in_memory("v.puffin", Bytes::from(file));
        read(&input, &entry, 1 << 20).await.map_err(|error| {
            assert_eq!(error.kind(), datashard_spec::error::ErrorKind::InvalidData, "{error}");
            format!("{error}: {:?}", std::error::Error::source(&error).map(ToString::to_string))
        })
    }

    #[tokio::test]
    async fn one_blob_of_a_file_is_read_and_held_against_its_entry() {
        let vector = DeletionVector::from_positions([1, 3, 5]).unwrap();
        let blob = vector.serialize().unwrap();
        let mut file = b"PFA1 another blob".to_vec();
        let offset = i64::try_from(file.len()).unwrap();
        let length = i64::try_from(blob.len()).unwrap();
        file.extend_from_slice(&blob);
        file.extend_from_slice(b"the footer");

        assert_eq!(check(file.clone(), entry(&file, offset, length, 3)).await, Ok(vector));
        for (offset, length, positions, expected) in [
            (offset, length, 4, "4"),
            (offset, length, -1, "its record count is -1"),
            (offset, length - 1, 3, "declares 38 bytes of content, the blob holds 37"),
            (offset + 1, length, 3, "declares"),
            (offset, length + 11, 3, "lie outside"),
            (-1, length, 3, "its offset is -1"),
            (i64::MAX, i64::MAX, 3, "lie outside"),
        ] {
            let error = check(file.clone(), entry(&file, offset, length, positions)).await.unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        for byte in usize::try_from(offset).unwrap()..file.len() - 10 {
            let mut damaged = file.clone();
            damaged[byte] ^= 0x10;
            let result = check(damaged, entry(&file, offset, length, 3)).await;
            assert!(result.is_err(), "byte {byte} was changed and nobody noticed");
        }
        let mut nowhere = entry(&file, offset, length, 3);
        nowhere.content_offset = None;
        assert!(check(file, nowhere).await.unwrap_err().contains("does not tell its offset"));
    }
}
