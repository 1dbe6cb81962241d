//! Compressed documents.

use super::MetadataError;
#[cfg(feature = "gzip")]
use super::TableMetadata;

/// Whether these bytes start as RFC 1952 says. No JSON does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Decompresses at most `max_bytes`; a document that holds more is refused before more memory is taken.
#[cfg(feature = "gzip")]
pub(super) fn decompress(bytes: &[u8], max_bytes: u64) -> Result<Vec<u8>, MetadataError> {
    use std::io::Read as _;

    let mut json = Vec::new();
    let one_more = max_bytes.saturating_add(1);
    flate2::read::MultiGzDecoder::new(bytes)
        .take(one_more)
        .read_to_end(&mut json)
        .map_err(|e| MetadataError::Gzip { reason: e.to_string() })?;
    if u64::try_from(json.len()).is_ok_and(|bytes| bytes <= max_bytes) {
        return Ok(json);
    }
    Err(MetadataError::TooLarge { limit_bytes: max_bytes })
}

#[cfg(not(feature = "gzip"))]
pub(super) fn decompress(_bytes: &[u8], _max_bytes: u64) -> Result<Vec<u8>, MetadataError> {
    Err(MetadataError::GzipUnsupported)
}

#[cfg(feature = "gzip")]
impl TableMetadata {
    /// The document, gzip-compressed. Readers tell by the file name, see
    /// [`MetadataFileName`](super::MetadataFileName).
    ///
    /// # Errors
    /// None that depends on the table; `InvalidData` if the compressor fails.
    pub fn to_gzip(&self) -> Result<Vec<u8>, MetadataError> {
        use std::io::Write as _;

        let fail = |e: std::io::Error| MetadataError::Gzip { reason: e.to_string() };
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(self.to_json().as_bytes()).map_err(fail)?;
        encoder.finish().map_err(fail)
    }
}

#[cfg(all(test, feature = "gzip"))]
mod tests {
    use super::*;
    use crate::SpecError;
    use crate::metadata::tests::v2;

    #[test]
    fn compressed_documents_are_told_by_their_first_bytes_and_bounded() {
        let table = v2();
        let bytes = table.to_gzip().unwrap();
        assert_eq!(TableMetadata::from_bytes(&bytes).unwrap(), table);
        let size = u64::try_from(table.to_json().len()).unwrap();
        assert_eq!(TableMetadata::from_bytes_up_to(&bytes, size).unwrap(), table);
        for bytes in [bytes.clone(), table.to_json().into_bytes()] {
            let error = TableMetadata::from_bytes_up_to(&bytes, size.checked_sub(1).unwrap()).unwrap_err();
            assert!(matches!(error, SpecError::Metadata(MetadataError::TooLarge { .. })), "{error}");
        }
        for end in 0..bytes.len() {
            assert!(TableMetadata::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
