//! Block codecs, with their state kept from block to block: resetting it costs little, setting it up a good part of
//! what a small block takes.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

#[cfg(feature = "zstd")]
use zstd::zstd_safe;

use crate::avro_error::AvroError;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Codec {
    /// Not at all.
    Null,
    /// Raw deflate: what every reader takes. The default.
    #[default]
    Deflate,
    /// Snappy with a checksum.
    Snappy,
    /// Zstandard. Plans faster and writes faster, but not every reader takes it.
    Zstandard,
}

impl Codec {
    /// The name in the header of a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
            Self::Zstandard => "zstandard",
        }
    }

    /// The codec of this name.
    ///
    /// # Errors
    /// `Unsupported` if this build does not have it.
    pub fn parse(name: &str) -> Result<Self, AvroError> {
        match name {
            "null" | "" => Ok(Self::Null),
            "deflate" => Ok(Self::Deflate),
            "snappy" => Ok(Self::Snappy),
            "zstandard" if cfg!(feature = "zstd") => Ok(Self::Zstandard),
            _ => Err(AvroError::Codec { codec: crate::error::excerpt(name) }),
        }
    }
}

/// Deflate never shrinks data further than this.
const DEFLATE_MAX_RATIO: usize = 1032;

/// Decompresses blocks into one buffer, which is used again for each.
pub struct Decompressor {
    codec: Codec,
    limit: usize,
    /// Initialized to its length, of which `filled` bytes are the current block.
    buffer: Vec<u8>,
    filled: usize,
    state: State,
}

enum State {
    None,
    Deflate(Box<Decompress>),
    Snappy(snap::raw::Decoder),
    #[cfg(feature = "zstd")]
    Zstd(Option<Box<zstd_safe::DCtx<'static>>>),
}

impl Decompressor {
    /// For blocks of this codec that have at most `limit` bytes after decompression.
    pub fn new(codec: Codec, limit: usize) -> Self {
        let state = match codec {
            Codec::Null => State::None,
            Codec::Deflate => State::Deflate(Box::new(Decompress::new(false))),
            Codec::Snappy => State::Snappy(snap::raw::Decoder::new()),
            #[cfg(feature = "zstd")]
            Codec::Zstandard => State::Zstd(None),
            #[cfg(not(feature = "zstd"))]
            Codec::Zstandard => State::None,
        };
        Self { codec, limit, buffer: Vec::new(), filled: 0, state }
    }

    /// The block decompressed last.
    pub fn block(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Bytes that the buffer takes.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Decompresses a block, whose number in its file is for the error. What [`block`](Self::block) answers afterwards is its content.
    ///
    /// # Errors
    /// `InvalidData` if the bytes are no such block, or have more bytes in them than allowed; `Unsupported` for the codec [`Null`](Codec::Null),
    /// whose blocks are what they are.
    pub fn decompress(&mut self, block: u64, input: &[u8]) -> Result<(), AvroError> {
        self.filled = 0;
        let broken = |reason: String| AvroError::Block { block, reason };
        let too_large = AvroError::BlockTooLarge { block, limit_bytes: self.limit };
        match &mut self.state {
            State::None => Err(AvroError::Codec { codec: self.codec.as_str().to_owned() }),
            State::Deflate(state) => {
                let limit = self.limit.min(input.len().saturating_mul(DEFLATE_MAX_RATIO).saturating_add(64));
                state.reset(false);
                grow(&mut self.buffer, input.len().saturating_mul(4).max(4096), limit);
                loop {
                    let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
                    let out = self.buffer.get_mut(self.filled..).unwrap_or_default();
                    let rest = input.get(read..).unwrap_or_default();
                    let status = state
                        .decompress(rest, out, FlushDecompress::Finish)
                        .map_err(|e| broken(format!("deflate: {e}")))?;
                    self.filled = usize::try_from(state.total_out()).unwrap_or(usize::MAX);
                    if status == Status::StreamEnd {
                        return Ok(());
                    }
                    if self.filled < self.buffer.len() {
                        return Err(broken("deflate: the data ends too early".to_owned()));
                    }
                    if self.filled >= limit {
                        return Err(too_large);
                    }
                    let double = self.buffer.len().saturating_mul(2);
                    grow(&mut self.buffer, double, limit);
                }
            }
            State::Snappy(state) => {
                let Some((data, crc)) = input.split_last_chunk::<4>() else {
                    return Err(broken("snappy: no room for the checksum".to_owned()));
                };
                let fail = |e: snap::Error| broken(format!("snappy: {e}"));
                let length = snap::raw::decompress_len(data).map_err(fail)?;
                // Each three bytes of a copy make at most 64.
                if length > self.limit || length > data.len().saturating_mul(64) {
                    return Err(too_large);
                }
                grow(&mut self.buffer, length, self.limit);
                let out = self.buffer.get_mut(..length).unwrap_or_default();
                let filled = state.decompress(data, out).map_err(fail)?;
                let found = crc32fast::hash(out.get(..filled).unwrap_or_default());
                if found != u32::from_be_bytes(*crc) {
                    return Err(broken(format!("snappy: checksum {found:08x} does not match")));
                }
                self.filled = filled;
                Ok(())
            }
            #[cfg(feature = "zstd")]
            State::Zstd(state) => {
                let state = match state {
                    Some(state) => state,
                    None => {
                        let new = zstd_safe::DCtx::try_create();
                        state.insert(Box::new(new.ok_or_else(|| broken("zstandard: no memory".to_owned()))?))
                    }
                };
                self.filled =
                    unpack_zstd(state, input, &mut self.buffer, self.limit).map_err(|e| match e {
                        ZstdFault::TooLarge => too_large,
                        ZstdFault::Broken(reason) => broken(format!("zstandard: {reason}")),
                    })?;
                Ok(())
            }
        }
    }
}

#[cfg(feature = "zstd")]
enum ZstdFault {
    TooLarge,
    Broken(&'static str),
}

/// Decompresses frames into the buffer and returns how many bytes they hold.
#[cfg(feature = "zstd")]
fn unpack_zstd(
    state: &mut zstd_safe::DCtx<'static>,
    input: &[u8],
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<usize, ZstdFault> {
    use zstd_safe::{DParameter, InBuffer, OutBuffer, ResetDirective};

    /// Bytes that a frame's block, which takes at least three, can hold.
    const MAX_BLOCK: usize = 128 << 10;

    let broken = |code| ZstdFault::Broken(zstd_safe::get_error_name(code));
    let first_frame = zstd_safe::find_frame_compressed_size(input).map_err(broken)?;
    let stated = zstd_safe::get_frame_content_size(input)
        .map_err(|_| ZstdFault::Broken("the frame header makes no sense"))?;
    if let Some(size) = stated.filter(|_| first_frame == input.len()) {
        let size = usize::try_from(size).ok().filter(|size| *size <= limit).ok_or(ZstdFault::TooLarge)?;
        // Nothing is allocated for a size that the input cannot have.
        if size > (input.len() / 3).saturating_add(1).saturating_mul(MAX_BLOCK) {
            return Err(ZstdFault::Broken("the frame states more than it can hold"));
        }
        grow(buffer, size, limit);
        return state.decompress(buffer.get_mut(..size).unwrap_or_default(), input).map_err(broken);
    }
    // Of unknown size, or several frames. The library allocates a window of the size that a frame asks for.
    state.reset(ResetDirective::SessionOnly).map_err(broken)?;
    let window_log = limit.max(1 << 10).ilog2().saturating_add(1).min(27);
    state.set_parameter(DParameter::WindowLogMax(window_log)).map_err(broken)?;
    grow(buffer, input.len().saturating_mul(4).max(1 << 16), limit);
    let mut source = InBuffer::around(input);
    let mut filled = 0;
    loop {
        let before = (source.pos(), filled);
        let mut out = OutBuffer::around_pos(buffer.as_mut_slice(), filled);
        let open = state.decompress_stream(&mut out, &mut source).map_err(broken)?;
        filled = out.pos();
        if source.pos() == input.len() && open == 0 {
            return Ok(filled);
        }
        if filled == buffer.len() {
            if buffer.len() < limit {
                let double = buffer.len().saturating_mul(2);
                grow(buffer, double, limit);
            } else if (source.pos(), filled) == before {
                return Err(ZstdFault::TooLarge);
            }
        } else if (source.pos(), filled) == before {
            return Err(ZstdFault::Broken("the data ends too early"));
        }
    }
}

/// Makes the buffer at least this long, but no longer than the limit.
fn grow(buffer: &mut Vec<u8>, wanted: usize, limit: usize) {
    let wanted = wanted.min(limit);
    if buffer.len() < wanted {
        buffer.resize(wanted, 0);
    }
}

/// Compresses blocks one after the other.
pub struct Compressor {
    codec: Codec,
    deflate: Option<Compress>,
    snappy: snap::raw::Encoder,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

impl Compressor {
    /// `level` is the codec's own; `None` is its default.
    ///
    /// # Errors
    /// `Unsupported` for a codec that this build does not have; `InvalidInput` for a level that the codec does not have.
    pub fn new(codec: Codec, level: Option<u32>) -> Result<Self, AvroError> {
        let deflate = (codec == Codec::Deflate).then(|| {
            Compress::new(level.map_or(Compression::default(), |l| Compression::new(l.min(9))), false)
        });
        #[cfg(feature = "zstd")]
        let zstd = match codec {
            Codec::Zstandard => {
                let level = level.and_then(|l| i32::try_from(l).ok()).unwrap_or(3);
                let new = zstd::bulk::Compressor::new(level);
                Some(
                    new.map_err(|e| AvroError::Encode { what: "a block".to_owned(), reason: e.to_string() })?,
                )
            }
            _ => None,
        };
        #[cfg(not(feature = "zstd"))]
        if codec == Codec::Zstandard {
            return Err(AvroError::Codec { codec: codec.as_str().to_owned() });
        }
        Ok(Self {
            codec,
            deflate,
            snappy: snap::raw::Encoder::new(),
            #[cfg(feature = "zstd")]
            zstd,
            buffer: Vec::new(),
        })
    }

    /// The block, compressed. It lies in a buffer that the next call uses again.
    ///
    /// # Errors
    /// `InvalidInput` if the codec fails, which it does for lack of memory at most.
    pub fn compress<'s>(&'s mut self, input: &'s [u8]) -> Result<&'s [u8], AvroError> {
        let fail = |reason: String| AvroError::Encode { what: "a block".to_owned(), reason };
        // No codec here makes incompressible data longer than this.
        let bound = input.len().saturating_add(input.len() >> 3).saturating_add(1024);
        match self.codec {
            Codec::Null => Ok(input),
            Codec::Deflate => {
                let Some(state) = &mut self.deflate else { return Err(fail("no compressor".to_owned())) };
                state.reset();
                if self.buffer.len() < bound {
                    self.buffer.resize(bound, 0);
                }
                let status = state
                    .compress(input, &mut self.buffer, FlushCompress::Finish)
                    .map_err(|e| fail(e.to_string()))?;
                if status != Status::StreamEnd {
                    return Err(fail("deflate made the block longer than it can".to_owned()));
                }
                let written = usize::try_from(state.total_out()).unwrap_or(0);
                Ok(self.buffer.get(..written).unwrap_or_default())
            }
            Codec::Snappy => {
                let bound = snap::raw::max_compress_len(input.len()).saturating_add(4);
                if self.buffer.len() < bound {
                    self.buffer.resize(bound, 0);
                }
                let data = self.snappy.compress(input, &mut self.buffer).map_err(|e| fail(e.to_string()))?;
                let end = data.saturating_add(4);
                if let Some(checksum) = self.buffer.get_mut(data..end) {
                    checksum.copy_from_slice(&crc32fast::hash(input).to_be_bytes());
                }
                Ok(self.buffer.get(..end).unwrap_or_default())
            }
            #[cfg(feature = "zstd")]
            Codec::Zstandard => {
                let Some(state) = &mut self.zstd else { return Err(fail("no compressor".to_owned())) };
                self.buffer.clear();
                self.buffer.reserve(bound);
                state.compress_to_buffer(input, &mut self.buffer).map_err(|e| fail(e.to_string()))?;
                Ok(&self.buffer)
            }
            #[cfg(not(feature = "zstd"))]
            Codec::Zstandard => Err(AvroError::Codec { codec: self.codec.as_str().to_owned() }),
        }
    }
}
