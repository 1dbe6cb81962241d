//! Block codecs, with their state kept from block to block: resetting it costs little, setting it up a good part of
//! what a small block takes.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

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
pub(super) struct Decompressor {
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
    Zstd(Option<Box<zstd::bulk::Decompressor<'static>>>),
}

impl Decompressor {
    pub(super) fn new(codec: Codec, limit: usize) -> Self {
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
    pub(super) fn block(&self) -> &[u8] {
        self.buffer.get(..self.filled).unwrap_or_default()
    }

    /// Bytes that the buffer takes.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    pub(super) fn decompress(&mut self, block: u64, input: &[u8]) -> Result<(), AvroError> {
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
                let fail = |e: std::io::Error| broken(format!("zstandard: {e}"));
                let state = match state {
                    Some(state) => state,
                    None => state.insert(Box::new(zstd::bulk::Decompressor::new().map_err(fail)?)),
                };
                let size = zstd::zstd_safe::get_frame_content_size(input).ok().flatten();
                let size = size.and_then(|size| usize::try_from(size).ok());
                if size.is_some_and(|size| size > self.limit) {
                    return Err(too_large);
                }
                // A stated size may lie: what is allocated for it at once is held against the input.
                let plausible = input.len().saturating_mul(64).max(1 << 16);
                grow(&mut self.buffer, size.unwrap_or(plausible).min(plausible), self.limit);
                loop {
                    match state.decompress_to_buffer(input, self.buffer.as_mut_slice()) {
                        Ok(filled) => {
                            self.filled = filled;
                            return Ok(());
                        }
                        // The library says by text only that the buffer is too small.
                        Err(e) if e.to_string().contains("too small") => {
                            if self.buffer.len() >= self.limit {
                                return Err(too_large);
                            }
                            let more = self.buffer.len().saturating_mul(4);
                            grow(&mut self.buffer, more, self.limit);
                        }
                        Err(e) => return Err(fail(e)),
                    }
                }
            }
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
pub(super) struct Compressor {
    codec: Codec,
    deflate: Option<Compress>,
    snappy: snap::raw::Encoder,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

impl Compressor {
    /// `level` is the codec's own; `None` is its default.
    pub(super) fn new(codec: Codec, level: Option<u32>) -> Result<Self, AvroError> {
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

    pub(super) fn compress<'s>(&'s mut self, input: &'s [u8]) -> Result<&'s [u8], AvroError> {
        let fail = |reason: String| AvroError::Encode { what: "a block".to_owned(), reason };
        // No codec here makes incompressible data longer than this.
        let bound = input.len().saturating_add(input.len() >> 3).saturating_add(1024);
        match self.codec {
            Codec::Null => return Ok(input),
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
                return Ok(self.buffer.get(..written).unwrap_or_default());
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
                return Ok(self.buffer.get(..end).unwrap_or_default());
            }
            Codec::Zstandard => {
                #[cfg(feature = "zstd")]
                {
                    let Some(state) = &mut self.zstd else { return Err(fail("no compressor".to_owned())) };
                    self.buffer.clear();
                    self.buffer.reserve(bound);
                    state.compress_to_buffer(input, &mut self.buffer).map_err(|e| fail(e.to_string()))?;
                }
                #[cfg(not(feature = "zstd"))]
                return Err(AvroError::Codec { codec: self.codec.as_str().to_owned() });
            }
        }
        Ok(&self.buffer)
    }
}
