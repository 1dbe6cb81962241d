//! A walk over Thrift's compact protocol that reserves nothing: what is claimed is held against the bytes that are there.
//!
//! The Parquet crate reserves memory by the counts and lengths of headers and footers, and follows their nesting on the stack; both could
//! end the process, so they are walked here first.

/// Nesting of structs and lists in a footer; the format needs nine.
const MAX_DEPTH: u32 = 16;

/// A place in a message.
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    /// The start of a message.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The type of the next field, whose id goes to `id`; `Some(None)` at the end of the struct.
    pub(super) fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let delta = byte >> 4;
        *id = if delta == 0 { self.zigzag()? } else { id.checked_add(i64::from(delta))? };
        Some(Some(byte & 0x0F))
    }

    /// Steps over a value of this type.
    pub(super) fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            TRUE | FALSE => Some(()),
            BYTE => self.advance(1),
            INT16 | INT32 | INT64 => self.varint().map(|_| ()),
            DOUBLE => self.advance(8),
            BINARY => {
                let length = self.varint()?;
                self.advance(length)
            }
            LIST | SET => {
                let (count, inner) = self.list()?;
                (0..count).try_for_each(|_| match inner {
                    // In a list they take a byte; in a struct they are told by the type of the field.
                    TRUE | FALSE => self.advance(1),
                    inner => self.skip(inner, depth.saturating_add(1)),
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(inner) = self.field(&mut id)? {
                    self.skip(inner, depth.saturating_add(1))?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// The count of a list's elements, which is at most that of the bytes left, and their type.
    pub(super) fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        let left = u64::try_from(self.bytes.len().checked_sub(self.at)?).ok()?;
        (count <= left).then_some((count, byte & 0x0F))
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at = self.at.checked_add(1)?;
        Some(byte)
    }

    fn advance(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        (end <= self.bytes.len()).then(|| self.at = end)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// An integer of any width.
    pub(super) fn zigzag(&mut self) -> Option<i64> {
        let number = self.varint()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 0 { half } else { half.checked_neg()?.checked_sub(1)? })
    }
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const INT16: u8 = 4;
pub(super) const INT32: u8 = 5;
const INT64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
pub(super) const STRUCT: u8 = 12;
