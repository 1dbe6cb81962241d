//! Compression of blobs and footers: one frame that declares the size of its content.
//!
//! The declared size is held against the caller's limit before anything is allocated, and must be what comes out.

use std::fmt;
use std::io::{Read, Write};

use super::PuffinError;
use super::cursor::{Cursor, length};

/// Compression codec of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codec {
    /// `lz4`: one LZ4 frame with content size.
    Lz4,
    /// `zstd`: one Zstandard frame with content size. Needs feature `zstd`.
    Zstd,
    /// A codec that this version of the crate does not know. The blob's metadata can be kept, the blob cannot be read.
    Other(String),
}

impl Codec {
    /// Its name in the footer.
    pub fn name(&self) -> &str {
        match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Other(name) => name,
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "lz4" => Self::Lz4,
            "zstd" => Self::Zstd,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Decompresses one frame of at most `limit` bytes of content.
    pub(super) fn decompress(&self, frame: &[u8], limit: u64) -> Result<Vec<u8>, PuffinError> {
        match self {
            Self::Lz4 => decompress_lz4(frame, limit),
            Self::Zstd => zstandard::decompress(frame, limit),
            Self::Other(name) => Err(PuffinError::Codec { codec: name.clone() }),
        }
    }

    pub(super) fn compress(&self, content: &[u8]) -> Result<Vec<u8>, PuffinError> {
        match self {
            Self::Lz4 => compress_lz4(content),
            Self::Zstd => zstandard::compress(content),
            Self::Other(name) => Err(PuffinError::Codec { codec: name.clone() }),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn failed(codec: &'static str, reason: impl fmt::Display) -> PuffinError {
    PuffinError::Compression { codec, reason: reason.to_string() }
}

fn check_limit(content: u64, limit: u64) -> Result<(), PuffinError> {
    if content > limit {
        return Err(PuffinError::TooLarge { what: "decompressed content", bytes: content, limit });
    }
    Ok(())
}

const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const LZ4_FLAG_DICTIONARY: u16 = 0x01;
const LZ4_FLAG_CONTENT_CHECKSUM: u16 = 0x04;
const LZ4_FLAG_CONTENT_SIZE: u16 = 0x08;
const LZ4_FLAG_BLOCK_CHECKSUMS: u16 = 0x10;
/// High bit of a block's size: the block is stored as it is.
const LZ4_STORED: u32 = 1 << 31;

/// Walks over the one frame that `frame` must be, and returns the content size that it declares.
///
/// The library takes an end of input between two blocks for the end of the frame, and does not tell what follows it.
fn lz4_content_size(frame: &[u8]) -> Result<u64, PuffinError> {
    let mut rest = Cursor::new(frame, "LZ4 frame");
    rest.magic(LZ4_MAGIC, "LZ4 frame")?;
    let flags = rest.u16_le()?;
    let checksum_length = |flag| if flags & flag == 0 { 0 } else { 4 };
    if flags & LZ4_FLAG_CONTENT_SIZE == 0 {
        return Err(failed("lz4", "the frame does not declare its content size"));
    }
    let declared = rest.u64_le()?;
    if flags & LZ4_FLAG_DICTIONARY != 0 {
        return Err(failed("lz4", "the frame needs a dictionary"));
    }
    let _header_checksum = rest.take(1)?;
    loop {
        let block = rest.u32_le()?;
        if block == 0 {
            break;
        }
        let block_length = usize::try_from(block & !LZ4_STORED).map_err(|e| failed("lz4", e))?;
        rest.take(block_length)?;
        rest.take(checksum_length(LZ4_FLAG_BLOCK_CHECKSUMS))?;
    }
    rest.take(checksum_length(LZ4_FLAG_CONTENT_CHECKSUM))?;
    rest.finish()?;
    Ok(declared)
}

fn decompress_lz4(frame: &[u8], limit: u64) -> Result<Vec<u8>, PuffinError> {
    let declared = lz4_content_size(frame)?;
    check_limit(declared, limit)?;
    let mut content = Vec::new();
    // The byte beyond makes the decoder read on to the end mark and its checksum.
    lz4_flex::frame::FrameDecoder::new(frame)
        .take(declared.saturating_add(1))
        .read_to_end(&mut content)
        .map_err(|e| failed("lz4", e))?;
    if length(&content) != declared {
        return Err(failed("lz4", format_args!("declares {declared} bytes, holds another number")));
    }
    Ok(content)
}

fn compress_lz4(content: &[u8]) -> Result<Vec<u8>, PuffinError> {
    let info = lz4_flex::frame::FrameInfo::new().content_size(Some(length(content)));
    let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(content).map_err(|e| failed("lz4", e))?;
    encoder.finish().map_err(|e| failed("lz4", e))
}

#[cfg(feature = "zstd")]
mod zstandard {
    use super::{PuffinError, check_limit, failed, length};
    use zstd::zstd_safe;

    pub(super) fn decompress(frame: &[u8], limit: u64) -> Result<Vec<u8>, PuffinError> {
        let declared = zstd_safe::get_frame_content_size(frame)
            .map_err(|_| failed("zstd", "not a frame"))?
            .ok_or_else(|| failed("zstd", "the frame does not declare its content size"))?;
        check_limit(declared, limit)?;
        let frame_length = zstd_safe::find_frame_compressed_size(frame)
            .map_err(|code| failed("zstd", zstd_safe::get_error_name(code)))?;
        if let Some(trailing) = frame.len().checked_sub(frame_length).filter(|n| *n > 0) {
            let count = u64::try_from(trailing).unwrap_or(u64::MAX);
            return Err(PuffinError::TrailingBytes { what: "Zstandard frame", count });
        }
        let mut content = Vec::new();
        usize::try_from(declared)
            .ok()
            .and_then(|capacity| content.try_reserve_exact(capacity).ok())
            .ok_or_else(|| failed("zstd", format_args!("no memory for {declared} bytes")))?;
        let mut decompressor = zstd::bulk::Decompressor::new().map_err(|e| failed("zstd", e))?;
        decompressor.decompress_to_buffer(frame, &mut content).map_err(|e| failed("zstd", e))?;
        if length(&content) != declared {
            return Err(failed("zstd", format_args!("declares {declared} bytes, holds {}", content.len())));
        }
        Ok(content)
    }

    pub(super) fn compress(content: &[u8]) -> Result<Vec<u8>, PuffinError> {
        zstd::bulk::compress(content, zstd::DEFAULT_COMPRESSION_LEVEL).map_err(|e| failed("zstd", e))
    }
}

#[cfg(not(feature = "zstd"))]
mod zstandard {
    use super::PuffinError;

    pub(super) fn decompress(_frame: &[u8], _limit: u64) -> Result<Vec<u8>, PuffinError> {
        Err(PuffinError::Codec { codec: "zstd".to_owned() })
    }

    pub(super) fn compress(_content: &[u8]) -> Result<Vec<u8>, PuffinError> {
        Err(PuffinError::Codec { codec: "zstd".to_owned() })
    }
}
