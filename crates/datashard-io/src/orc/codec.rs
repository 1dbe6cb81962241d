//! Compression of ORC: streams and messages are cut into blocks, each of which unpacks to at most a known size.

use bytes::Bytes;
use orc_rust::proto::{CompressionKind, PostScript};

use super::fault::Fault;

/// Most bytes a block may have: the header of a block counts no further.
const MAX_BLOCK_BYTES: u64 = 1 << 23;
/// Size of blocks where the file does not say.
const DEFAULT_BLOCK_BYTES: u64 = 256 * 1024;
/// Bytes of the header of a block.
const HEADER_BYTES: usize = 3;

/// How the blocks of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Compression {
    codec: Codec,
    /// Most bytes that a block unpacks to.
    block_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    None,
    Zlib,
    Snappy,
    Lz4,
    Zstd,
}

/// A block of a stream as it lies in the file.
#[derive(Debug)]
pub(super) enum Block {
    /// Bytes as they are.
    Original(Bytes),
    /// Bytes to unpack.
    Packed(Bytes),
}

impl Compression {
    /// No compression, hence no blocks.
    pub(super) const NONE: Self = Self { codec: Codec::None, block_bytes: 0 };

    /// What the postscript says.
    pub(super) fn of(postscript: &PostScript) -> Result<Self, Fault> {
        let kind = postscript.compression.unwrap_or(0);
        let codec = match CompressionKind::try_from(kind) {
            Ok(CompressionKind::None) => return Ok(Self::NONE),
            Ok(CompressionKind::Zlib) => Codec::Zlib,
            Ok(CompressionKind::Snappy) => Codec::Snappy,
            Ok(CompressionKind::Lz4) => Codec::Lz4,
            Ok(CompressionKind::Zstd) => Codec::Zstd,
            Ok(CompressionKind::Lzo) => return Err(Fault::Unsupported("LZO compression".to_owned())),
            Err(_) => return Err(Fault::Unsupported(format!("compression kind {kind}"))),
        };
        let block_bytes = postscript.compression_block_size.unwrap_or(DEFAULT_BLOCK_BYTES);
        if block_bytes == 0 || block_bytes > MAX_BLOCK_BYTES {
            let reason = format!("compression blocks of {block_bytes} bytes, {MAX_BLOCK_BYTES} at most");
            return Err(Fault::Damaged(reason));
        }
        let block_bytes = usize::try_from(block_bytes).map_err(|_| Fault::damaged("block size"))?;
        Ok(Self { codec, block_bytes })
    }

    /// Cuts the next block off; `None` at the end.
    pub(super) fn next_block(&self, rest: &mut Bytes) -> Result<Option<Block>, Fault> {
        if rest.is_empty() {
            return Ok(None);
        }
        if self.codec == Codec::None {
            return Ok(Some(Block::Original(std::mem::take(rest))));
        }
        let &[a, b, c] = rest
            .get(..HEADER_BYTES)
            .and_then(|header| <&[u8; HEADER_BYTES]>::try_from(header).ok())
            .ok_or_else(|| Fault::damaged("a block's header is cut off"))?;
        let header = u32::from_le_bytes([a, b, c, 0]);
        let length = usize::try_from(header >> 1).map_err(|_| Fault::damaged("block length"))?;
        let end = length.saturating_add(HEADER_BYTES);
        if end > rest.len() {
            let left = rest.len().saturating_sub(HEADER_BYTES);
            return Err(Fault::Damaged(format!("a block of {length} bytes where {left} are left")));
        }
        let block = rest.split_to(end).slice(HEADER_BYTES..);
        if header & 1 == 0 {
            return Ok(Some(Block::Packed(block)));
        }
        if length > self.block_bytes {
            return Err(self.beyond(length));
        }
        Ok(Some(Block::Original(block)))
    }

    /// Unpacks a block into `out`, whose content is replaced.
    pub(super) fn unpack(&self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        out.clear();
        match self.codec {
            Codec::None => out.extend_from_slice(packed),
            Codec::Zlib => {
                out.reserve_exact(self.block_bytes);
                let mut inflate = flate2::Decompress::new(false);
                let status = inflate
                    .decompress_vec(packed, out, flate2::FlushDecompress::Finish)
                    .map_err(|error| Fault::Damaged(format!("zlib: {error}")))?;
                if status != flate2::Status::StreamEnd {
                    return Err(Fault::damaged(
                        "zlib: a block is cut off or longer than blocks of this file",
                    ));
                }
            }
            Codec::Snappy => {
                let length = snap::raw::decompress_len(packed)
                    .map_err(|error| Fault::Damaged(format!("snappy: {error}")))?;
                if length > self.block_bytes {
                    return Err(self.beyond(length));
                }
                out.resize(length, 0);
                snap::raw::Decoder::new()
                    .decompress(packed, out)
                    .map_err(|error| Fault::Damaged(format!("snappy: {error}")))?;
            }
            Codec::Lz4 => {
                // Fresh zeros are not touched where nothing is unpacked to.
                *out = vec![0; self.block_bytes];
                let length = lz4_flex::block::decompress_into(packed, out)
                    .map_err(|error| Fault::Damaged(format!("lz4: {error}")))?;
                out.truncate(length);
            }
            Codec::Zstd => {
                out.reserve_exact(self.block_bytes);
                zstd::bulk::Decompressor::new()
                    .and_then(|mut decoder| decoder.decompress_to_buffer(packed, out))
                    .map_err(|error| Fault::Damaged(format!("zstd: {error}")))?;
            }
        }
        if self.codec != Codec::None && out.len() > self.block_bytes {
            return Err(self.beyond(out.len()));
        }
        if out.len() < out.capacity() / 2 {
            out.shrink_to_fit();
        }
        Ok(())
    }

    /// All of a message: footers, indexes.
    pub(super) fn unpack_all(&self, bytes: Bytes, limit_bytes: u64) -> Result<Bytes, Fault> {
        let mut rest = bytes;
        let (mut all, mut block) = (Vec::new(), Vec::new());
        while let Some(next) = self.next_block(&mut rest)? {
            let plain = match &next {
                Block::Original(plain) if rest.is_empty() && all.is_empty() => return Ok(plain.clone()),
                Block::Original(plain) => plain.as_ref(),
                Block::Packed(packed) => {
                    self.unpack(packed, &mut block)?;
                    block.as_slice()
                }
            };
            let bytes = u64::try_from(all.len().saturating_add(plain.len())).unwrap_or(u64::MAX);
            if bytes > limit_bytes {
                return Err(Fault::TooLarge { bytes, limit_bytes });
            }
            all.extend_from_slice(plain);
        }
        Ok(all.into())
    }

    fn beyond(&self, length: usize) -> Fault {
        Fault::Damaged(format!("a block of {length} bytes where blocks have {} at most", self.block_bytes))
    }
}
