//! The object container: header with metadata and sync marker, then blocks of entries.

use std::collections::BTreeMap;

use super::codec::{Codec, Compressor, Decompressor};
use super::varint::{Cursor, put_bytes, put_length, put_long};
use crate::avro_error::{AvroError, AvroFault};
use crate::error::excerpt;
use crate::id::FieldId;

const MAGIC: &[u8; 4] = b"Obj\x01";

/// The header of a container, and where its blocks start.
pub(super) struct Header<'a> {
    metadata: BTreeMap<&'a str, &'a [u8]>,
    sync: [u8; 16],
    pub(super) codec: Codec,
    blocks: Cursor<'a>,
}

impl<'a> Header<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, AvroError> {
        let broken = |e: AvroFault| AvroError::NotAvro { reason: format!("header: {e}") };
        let mut cursor = Cursor::new(bytes);
        if cursor.array::<4>().map_err(broken)? != *MAGIC {
            return Err(AvroError::NotAvro { reason: "it does not start with \"Obj\" and 1".to_owned() });
        }
        let mut metadata = BTreeMap::new();
        loop {
            let (count, end) = cursor.run().map_err(broken)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let key = cursor.text().map_err(broken)?;
                if metadata.insert(key, cursor.bytes().map_err(broken)?).is_some() {
                    // Readers differ on which one counts.
                    let reason = format!("the header has the key {:?} twice", excerpt(key));
                    return Err(AvroError::NotAvro { reason });
                }
            }
            cursor.end_run(end).map_err(broken)?;
        }
        let sync = cursor.array().map_err(broken)?;
        let mut header = Self { metadata, sync, codec: Codec::Null, blocks: cursor };
        if let Some(name) = header.value("avro.codec") {
            header.codec = Codec::parse(&String::from_utf8_lossy(name))?;
        }
        Ok(header)
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a [u8]> {
        self.metadata.get(key).copied()
    }

    pub(super) fn schema_json(&self) -> Result<&'a str, AvroError> {
        let bytes = self
            .value("avro.schema")
            .ok_or_else(|| AvroError::NotAvro { reason: "the header has no avro.schema".to_owned() })?;
        std::str::from_utf8(bytes)
            .map_err(|_| AvroError::NotAvro { reason: "avro.schema is not UTF-8".to_owned() })
    }
}

/// Walks the blocks of a container, one in memory at a time.
pub(super) struct Blocks<'a> {
    pub(super) source: Source<'a>,
    pub(super) position: Position,
}

/// The bytes of the current block, and those of the file after it.
pub(super) struct Source<'a> {
    sync: [u8; 16],
    rest: Cursor<'a>,
    decompressor: Decompressor,
    /// The block as it is in the file, for the codec null.
    stored: Option<&'a [u8]>,
}

/// Where reading stands. Apart from the bytes, so that it can move while an entry borrows them.
#[derive(Default)]
pub(super) struct Position {
    /// Number of the next block.
    next_block: u64,
    /// Entries of the current block that are not read yet.
    left: usize,
    /// Where the next entry starts in its block.
    pub(super) at: usize,
    /// Number of the next entry in the file.
    entry: u64,
    /// Set by an error: nothing is read after it.
    stopped: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(header: &Header<'a>, limit: usize) -> Self {
        let source = Source {
            sync: header.sync,
            rest: header.blocks,
            decompressor: Decompressor::new(header.codec, limit),
            stored: (header.codec == Codec::Null).then_some(&[]),
        };
        Self { source, position: Position::default() }
    }

    /// Makes sure that an entry is at hand. `false` at the end of the file.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool, AvroError> {
        while self.position.left == 0 {
            match self.load() {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(e) => {
                    self.position.stopped = true;
                    return Err(e);
                }
            }
        }
        Ok(true)
    }

    fn load(&mut self) -> Result<bool, AvroError> {
        if self.position.stopped {
            return Ok(false);
        }
        let leftover = self.source.block().len().saturating_sub(self.position.at);
        if leftover != 0 {
            return Err(self.position.fault(None, AvroFault::Leftover { left: leftover }));
        }
        if self.source.rest.left() == 0 {
            return Ok(false);
        }
        let block = self.position.next_block;
        let broken = |e: AvroFault| AvroError::Block { block, reason: e.to_string() };
        let count = self.source.load(block)?;
        self.position.next_block = block.saturating_add(1);
        self.position.at = 0;
        let length = self.source.block().len();
        // Every entry of a manifest or list takes several bytes.
        self.position.left = usize::try_from(count)
            .ok()
            .filter(|count| *count <= length)
            .ok_or_else(|| broken(AvroFault::Length { found: count, left: length }))?;
        Ok(true)
    }
}

impl Source<'_> {
    /// Reads the next block and returns how many entries it claims to hold.
    fn load(&mut self, block: u64) -> Result<i64, AvroError> {
        let broken = |e: AvroFault| AvroError::Block { block, reason: e.to_string() };
        let count = self.rest.long().map_err(broken)?;
        let data = self.rest.bytes().map_err(broken)?;
        if self.rest.array::<16>().map_err(broken)? != self.sync {
            let reason = "the sync marker after it is not the file's".to_owned();
            return Err(AvroError::Block { block, reason });
        }
        match &mut self.stored {
            Some(stored) => *stored = data,
            None => self.decompressor.decompress(block, data)?,
        }
        Ok(count)
    }

    #[inline]
    pub(super) fn block(&self) -> &[u8] {
        match self.stored {
            Some(stored) => stored,
            None => self.decompressor.block(),
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.decompressor.capacity()
    }
}

impl Position {
    /// Notes that the current entry was read, and where it ended in its block.
    #[inline]
    pub(super) fn consumed(&mut self, end: usize) {
        self.at = end;
        self.left = self.left.saturating_sub(1);
        self.entry = self.entry.saturating_add(1);
    }

    /// An error in the current entry.
    pub(super) fn fault(&mut self, field: Option<FieldId>, fault: AvroFault) -> AvroError {
        self.left = 0;
        self.stopped = true;
        AvroError::Entry { block: self.next_block.saturating_sub(1), entry: self.entry, field, fault }
    }
}

/// Writes a container. Entries are appended to [`entries`](Self::entries), each followed by [`end_entry`](Self::end_entry).
pub(super) struct ContainerWriter {
    out: Vec<u8>,
    pub(super) entries: Vec<u8>,
    count: usize,
    target_block_bytes: usize,
    metadata: Vec<(String, Vec<u8>)>,
    codec: Codec,
    level: Option<u32>,
    sync: Option<[u8; 16]>,
    started: Option<(Compressor, [u8; 16])>,
}

/// Files whose entries take less are not compressed: it would save little, and the reader needs no decompressor. The
/// header, which holds the schemas and is never compressed, is longer than this.
const TINY_BYTES: usize = 4096;

impl ContainerWriter {
    pub(super) fn new(
        metadata: Vec<(String, Vec<u8>)>,
        codec: Codec,
        level: Option<u32>,
        target_block_bytes: usize,
        sync: Option<[u8; 16]>,
    ) -> Self {
        Self {
            out: Vec::new(),
            entries: Vec::new(),
            count: 0,
            target_block_bytes,
            metadata,
            codec,
            level,
            sync,
            started: None,
        }
    }

    pub(super) fn end_entry(&mut self) -> Result<(), AvroError> {
        self.count = self.count.saturating_add(1);
        if self.entries.len() >= self.target_block_bytes {
            self.flush(self.codec)?;
        }
        Ok(())
    }

    fn flush(&mut self, codec: Codec) -> Result<(), AvroError> {
        let (mut compressor, sync) = match self.started.take() {
            Some(started) => started,
            None => self.start(codec)?,
        };
        if self.count > 0 {
            put_length(&mut self.out, self.count);
            put_bytes(&mut self.out, compressor.compress(&self.entries)?);
            self.out.extend_from_slice(&sync);
            self.entries.clear();
            self.count = 0;
        }
        self.started = Some((compressor, sync));
        Ok(())
    }

    fn start(&mut self, codec: Codec) -> Result<(Compressor, [u8; 16]), AvroError> {
        self.out.extend_from_slice(MAGIC);
        put_length(&mut self.out, self.metadata.len().saturating_add(1));
        for (key, value) in &self.metadata {
            put_bytes(&mut self.out, key.as_bytes());
            put_bytes(&mut self.out, value);
        }
        put_bytes(&mut self.out, b"avro.codec");
        put_bytes(&mut self.out, codec.as_str().as_bytes());
        put_long(&mut self.out, 0);
        let sync = self.sync.unwrap_or_else(|| sync_of(&self.out, &self.entries));
        self.out.extend_from_slice(&sync);
        Ok((Compressor::new(codec, self.level)?, sync))
    }

    /// Bytes written so far, not counting the block in the making.
    pub(super) fn length(&self) -> usize {
        self.out.len()
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, AvroError> {
        let tiny = self.started.is_none() && self.entries.len() < TINY_BYTES;
        let codec = if tiny && self.codec == Codec::Deflate { Codec::Null } else { self.codec };
        self.flush(codec)?;
        Ok(self.out)
    }
}

/// A sync marker from what is written: two independent 64-bit FNV-1a hashes of the header and the first block. This
/// crate has no source of randomness, and equal input gives equal files.
fn sync_of(header: &[u8], entries: &[u8]) -> [u8; 16] {
    let hash = |seed: u64| {
        header
            .iter()
            .chain(entries)
            .fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
    };
    let [low, high] = [hash(0xcbf2_9ce4_8422_2325), hash(0x9e37_79b9_7f4a_7c15)];
    ((u128::from(high) << 64) | u128::from(low)).to_le_bytes()
}
