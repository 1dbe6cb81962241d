//! Deep verification: all bytes of a file against what was recorded when it was written.

use datashard_spec::id::FieldId;
use datashard_spec::manifest::{AvroValue, DataFile};
use sha2::{Digest, Sha256};

use crate::data_error::DataError;
use crate::file::InputFile;

/// The optional field of a manifest's data file that holds the SHA-256 of its bytes in lower-case hexadecimal digits.
const SHA256_ID: FieldId = FieldId(9001);
/// Bytes read at a time.
const PIECE_BYTES: u64 = 4 * 1024 * 1024;

/// What a file was held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// Its length and the SHA-256 of all its bytes.
    LengthAndHash,
    /// Its length only: its writer recorded no SHA-256.
    LengthOnly,
}

/// Holds a file against its manifest entry: its length in bytes, and the SHA-256 of its bytes if the entry has one. Reads all of the
/// file, a few MiB at a time, if it has.
///
/// # Errors
/// `InvalidData` naming what differs; as [`InputFile::read_ranges`].
///
/// # Cancel safety
/// Nothing is left behind.
///
/// # Examples
/// ```
/// use datashard_io::read::{Verified, verify_file};
/// use datashard_io::{Bytes, InputFile};
/// use datashard_spec::manifest::{DataFile, FileFormat};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let input = InputFile::in_memory("memory:0.parquet", Bytes::from_static(b"PAR1"));
/// let entry = DataFile::new("memory:0.parquet", FileFormat::Parquet, 0, 4);
/// assert_eq!(verify_file(&input, &entry).await?, Verified::LengthOnly);
/// # Ok(()) }
/// ```
pub async fn verify_file(input: &InputFile, file: &DataFile) -> Result<Verified, DataError> {
    // The end of the file tells its true size; the size that comes with the input may be the manifest's own.
    let (_, size) = input.read_tail(1).await?;
    if i64::try_from(size).ok() != Some(file.file_size_in_bytes) {
        let (expected, found) = (file.file_size_in_bytes.to_string(), size.to_string());
        return Err(mismatch(input, "length in bytes", expected, found));
    }
    let Some(recorded) = file.extras.by_id(SHA256_ID).and_then(AvroValue::as_str) else {
        return Ok(Verified::LengthOnly);
    };
    let mut hash = Sha256::new();
    let mut at = 0_u64;
    while at < size {
        let end = at.saturating_add(PIECE_BYTES).min(size);
        let piece = input.read_range(at..end).await?;
        if u64::try_from(piece.len()).ok() != end.checked_sub(at) {
            let reason = format!("bytes {at} to {end} came short: the file was changed while it was read");
            return Err(DataError::corrupt(input.location(), "whole file", reason));
        }
        hash.update(&piece);
        at = end;
    }
    let found = hex(&hash.finalize());
    if !found.eq_ignore_ascii_case(recorded) {
        return Err(mismatch(input, "SHA-256", recorded.to_owned(), found));
    }
    Ok(Verified::LengthAndHash)
}

fn mismatch(input: &InputFile, what: &'static str, expected: String, found: String) -> DataError {
    DataError::Mismatch {
        file: input.location().to_owned(),
        place: "whole file".to_owned(),
        what,
        expected,
        found,
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use datashard_spec::manifest::{ExtraField, ExtraLocation, FileFormat};

    fn entry(size: i64, sha256: Option<&str>) -> DataFile {
        let mut file = DataFile::new("f", FileFormat::Parquet, 1, size);
        if let Some(text) = sha256 {
            let field = ExtraField::optional_string(ExtraLocation::DataFile, SHA256_ID, "datashard_sha256");
            file.extras.set(&field, AvroValue::String(text.to_owned()));
        }
        file
    }

    async fn check(bytes: &'static [u8], entry: DataFile) -> Result<Verified, String> {
        let input = InputFile::in_memory("f", Bytes::from_static(bytes));
        verify_file(&input, &entry).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn length_and_hash_are_held_against_the_bytes() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(check(b"abc", entry(3, Some(abc))).await, Ok(Verified::LengthAndHash));
        assert_eq!(check(b"abc", entry(3, None)).await, Ok(Verified::LengthOnly));
        let empty = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert_eq!(check(b"", entry(0, Some(empty))).await, Ok(Verified::LengthAndHash));
        assert_eq!(
            check(b"abc", entry(4, None)).await.unwrap_err(),
            "`f`, whole file: the length in bytes is 3, but 4 was recorded; the file was damaged or replaced"
        );
        let error = check(b"abd", entry(3, Some(abc))).await.unwrap_err();
        assert!(error.contains("the SHA-256 is a52d159f"), "{error}");
    }

    #[tokio::test]
    async fn the_size_that_comes_with_the_input_is_not_trusted() {
        let big: &'static [u8] = vec![7; 9 * 1024 * 1024].leak();
        let input = InputFile::in_memory("f", Bytes::from_static(big)).with_size_bytes(1);
        let sha = hex(&Sha256::digest(big));
        let entry = entry(9 * 1024 * 1024, Some(&sha));
        assert_eq!(verify_file(&input, &entry).await.unwrap(), Verified::LengthAndHash);
    }
}
