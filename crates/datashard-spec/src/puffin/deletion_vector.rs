//! The positions of deleted rows of one data file, as a set and as a blob.
//!
//! A blob frames its content big-endian, the content itself is little-endian:
//!
//! ```text
//! blob   = length:u32be magic vector crc32:u32be           length and CRC are those of magic and vector
//! vector = count:u64le (key:u32le bitmap)*count            keys ascend; a bitmap holds the lower halves
//! ```

use std::fmt;
use std::ops::RangeInclusive;

use roaring::{RoaringBitmap, RoaringTreemap};

use super::PuffinError;
use super::cursor::{Cursor, length};
use super::portable::split_bitmap;

const MAGIC: [u8; 4] = [0xd1, 0xd3, 0x39, 0x64];
/// Length, magic, count and CRC.
const MIN_BLOB_LENGTH: u64 = 20;
/// Key and empty bitmap.
const MIN_BITMAP_LENGTH: u64 = 12;

/// The set of positions of deleted rows of one data file.
///
/// Positions count rows of the file from 0. Memory and blob are compressed: a run of rows costs a few bytes.
///
/// # Spec
/// "Deletion Vectors"; "Puffin", "`deletion-vector-v1` blob type".
///
/// # Examples
/// ```
/// use datashard_spec::puffin::DeletionVector;
///
/// let mut deleted = DeletionVector::from_positions([5, 1])?;
/// deleted.insert(3)?;
/// deleted.union(&DeletionVector::from_positions([3, 9])?);
/// assert!(deleted.contains(9));
/// assert_eq!(deleted.iter().collect::<Vec<_>>(), [1, 3, 5, 9]);
///
/// let blob = deleted.serialize()?;
/// assert_eq!(DeletionVector::deserialize(&blob, Some(4))?, deleted);
/// # Ok::<(), datashard_spec::puffin::PuffinError>(())
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct DeletionVector {
    // No bitmap in it is empty, so that equal sets compare equal.
    positions: RoaringTreemap,
}

impl Eq for DeletionVector {}

impl fmt::Debug for DeletionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeletionVector")
            .field("len", &self.len())
            .field("min", &self.min())
            .field("max", &self.max())
            .finish_non_exhaustive()
    }
}

impl DeletionVector {
    /// The highest position: the sign bit of a long is clear.
    pub const MAX_POSITION: u64 = i64::MAX.unsigned_abs();
    /// The longest range that can be inserted at once. A vector of more positions in one run does not fit into a blob.
    pub const MAX_RANGE_LENGTH: u64 = 1 << 44;

    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The set of some positions, in any order.
    ///
    /// # Errors
    /// `InvalidInput` for a position above [`MAX_POSITION`](Self::MAX_POSITION).
    pub fn from_positions(positions: impl IntoIterator<Item = u64>) -> Result<Self, PuffinError> {
        let mut vector = Self::new();
        for position in positions {
            vector.insert(position)?;
        }
        Ok(vector)
    }

    /// Adds a position; says whether it was not there.
    ///
    /// # Errors
    /// `InvalidInput` for a position above [`MAX_POSITION`](Self::MAX_POSITION).
    pub fn insert(&mut self, position: u64) -> Result<bool, PuffinError> {
        check_position(position)?;
        Ok(self.positions.insert(position))
    }

    /// Adds all positions of a range; says how many were not there.
    ///
    /// # Errors
    /// `InvalidInput` for a position above [`MAX_POSITION`](Self::MAX_POSITION), or a range longer than
    /// [`MAX_RANGE_LENGTH`](Self::MAX_RANGE_LENGTH).
    pub fn insert_range(&mut self, range: RangeInclusive<u64>) -> Result<u64, PuffinError> {
        if range.is_empty() {
            return Ok(0);
        }
        check_position(*range.end())?;
        let positions = range.end().saturating_sub(*range.start()).saturating_add(1);
        if positions > Self::MAX_RANGE_LENGTH {
            return Err(PuffinError::RangeLength { positions, limit: Self::MAX_RANGE_LENGTH });
        }
        Ok(self.positions.insert_range(range))
    }

    /// Adds all positions of another vector.
    pub fn union(&mut self, other: &Self) {
        self.positions |= &other.positions;
    }

    /// Whether the row at a position is deleted.
    pub fn contains(&self, position: u64) -> bool {
        self.positions.contains(position)
    }

    /// The number of positions: the `record_count` of the manifest entry.
    pub fn len(&self) -> u64 {
        self.positions.len()
    }

    /// Whether no row is deleted.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The lowest position.
    pub fn min(&self) -> Option<u64> {
        self.positions.min()
    }

    /// The highest position.
    pub fn max(&self) -> Option<u64> {
        self.positions.max()
    }

    /// The positions in ascending order.
    pub fn iter(&self) -> Positions<'_> {
        Positions(self.positions.iter())
    }

    /// The blob. Each part is an array, bits or runs, whichever is smallest.
    ///
    /// # Errors
    /// `InvalidData` if the content is larger than 2 GiB, which no reader takes.
    pub fn serialize(&self) -> Result<Vec<u8>, PuffinError> {
        let mut blob = vec![0; 4];
        blob.extend_from_slice(&MAGIC);
        let count = u64::try_from(self.positions.bitmaps().count()).unwrap_or(u64::MAX);
        blob.extend_from_slice(&count.to_le_bytes());
        for (key, bitmap) in self.positions.bitmaps() {
            let mut smallest = bitmap.clone();
            smallest.optimize();
            let part = u64::try_from(smallest.serialized_size()).unwrap_or(u64::MAX);
            check_content_length(length(&blob).saturating_add(part))?;
            blob.extend_from_slice(&key.to_le_bytes());
            smallest
                .serialize_into(&mut blob)
                .map_err(|e| PuffinError::Bitmap { bitmap: key.into(), reason: e.to_string() })?;
        }
        let content = blob.get(4..).unwrap_or_default();
        let declared = check_content_length(length(content))?;
        let crc = crc32fast::hash(content);
        if let Some(head) = blob.first_chunk_mut() {
            *head = declared.to_be_bytes();
        }
        blob.extend_from_slice(&crc.to_be_bytes());
        Ok(blob)
    }

    /// Reads a blob, which must be exactly `blob`.
    ///
    /// `cardinality` is what the manifest entry (`record_count`) or the blob's properties say, if it is to be checked.
    /// Memory is a small multiple of the blob's length.
    ///
    /// # Errors
    /// `InvalidData` if a length, magic, checksum, count, key or bitmap is wrong, or the number of positions is not
    /// `cardinality`.
    pub fn deserialize(blob: &[u8], cardinality: Option<u64>) -> Result<Self, PuffinError> {
        let (content, stored) = split_frame(blob)?;
        let computed = crc32fast::hash(content);
        let mut rest = Cursor::new(content, "deletion vector");
        // A wrong magic says more than the checksum that fails with it.
        rest.magic(MAGIC, "deletion vector")?;
        if stored != computed {
            return Err(PuffinError::Checksum { stored, computed });
        }

        let count = rest.u64_le()?;
        let limit = length(rest.rest).checked_div(MIN_BITMAP_LENGTH).unwrap_or(0);
        if count > limit {
            return Err(PuffinError::BitmapCount { declared: count, limit });
        }
        let mut bitmaps = Vec::new();
        let mut previous = None;
        for bitmap in 0..count {
            let key = rest.u32_le()?;
            if i32::try_from(key).is_err() || previous.is_some_and(|previous| key <= previous) {
                return Err(PuffinError::BitmapKey { bitmap, key, previous });
            }
            previous = Some(key);
            let (bytes, after) = split_bitmap(rest.rest, bitmap)?;
            rest.rest = after;
            let positions = RoaringBitmap::deserialize_from(bytes)
                .map_err(|e| PuffinError::Bitmap { bitmap, reason: e.to_string() })?;
            // Java writes an empty bitmap for every key up to the highest.
            if !positions.is_empty() {
                bitmaps.push((key, positions));
            }
        }
        rest.finish()?;

        let vector = Self { positions: RoaringTreemap::from_bitmaps(bitmaps) };
        match cardinality {
            Some(expected) if expected != vector.len() => {
                Err(PuffinError::Cardinality { expected, found: vector.len() })
            }
            _ => Ok(vector),
        }
    }
}

impl<'a> IntoIterator for &'a DeletionVector {
    type Item = u64;
    type IntoIter = Positions<'a>;

    fn into_iter(self) -> Positions<'a> {
        self.iter()
    }
}

/// The positions of a [`DeletionVector`] in ascending order.
#[derive(Clone)]
pub struct Positions<'a>(roaring::treemap::Iter<'a>);

impl Positions<'_> {
    /// Skips to the first position that is not below `position`, in time that does not depend on how many are skipped.
    pub fn advance_to(&mut self, position: u64) {
        self.0.advance_to(position);
    }
}

impl Iterator for Positions<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl fmt::Debug for Positions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Positions").finish_non_exhaustive()
    }
}

fn check_position(position: u64) -> Result<(), PuffinError> {
    if position > DeletionVector::MAX_POSITION {
        return Err(PuffinError::Position { position, limit: DeletionVector::MAX_POSITION });
    }
    Ok(())
}

fn check_content_length(bytes: u64) -> Result<u32, PuffinError> {
    match i32::try_from(bytes) {
        Ok(declared) => Ok(declared.unsigned_abs()),
        Err(_) => Err(PuffinError::TooLarge {
            what: "deletion vector",
            bytes,
            limit: i32::MAX.unsigned_abs().into(),
        }),
    }
}

/// Magic and vector of a blob, and its checksum.
fn split_frame(blob: &[u8]) -> Result<(&[u8], u32), PuffinError> {
    let mut frame = Cursor::new(blob, "deletion vector");
    let found = length(blob);
    if found < MIN_BLOB_LENGTH {
        return Err(PuffinError::Truncated { what: "deletion vector", needed: MIN_BLOB_LENGTH, found });
    }
    let declared = frame.u32_be()?;
    let content_length = length(frame.rest).saturating_sub(4);
    if u64::from(declared) != content_length {
        return Err(PuffinError::VectorLength { declared, found: content_length });
    }
    let content = frame.take(frame.rest.len().saturating_sub(4))?;
    Ok((content, frame.u32_be()?))
}
