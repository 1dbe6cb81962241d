//! Page headers of a column chunk, walked before the decoder sees them: it reserves what they claim.
//!
//! # Spec
//! The Parquet format's `PageHeader`, in Thrift's compact protocol. Only sizes and counts are looked at; all else is stepped over.

use std::ops::Range;

use super::thrift::{Cursor, INT32, STRUCT};

/// What pages may claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageLimits {
    /// Bytes of a page after decompression.
    pub(super) page_bytes: u64,
    /// Values of all pages together.
    pub(super) values: u64,
}

/// How the values of a page are stored, as far as it says how much they unfold to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Values that others refer to.
    Dictionary,
    /// References to a dictionary: each stands for a whole value.
    References,
    /// Texts that share their beginnings with the one before: each may be as long as all that is stored.
    Prefixes,
    /// Every value is there.
    Values,
    /// No values of the column.
    Other,
}

/// A page, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageShape {
    pub(super) kind: PageKind,
    /// Values of the column.
    pub(super) values: u64,
    /// Bytes after decompression.
    pub(super) size_bytes: u64,
}

/// Why a page is not handed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PageFault {
    /// Not what a page can be.
    Damaged(String),
    /// Bytes of a page after decompression, beyond what is allowed.
    TooLarge(u64),
}

/// Checks the pages that fill `bytes` from end to end; the error says what is wrong, and at which byte.
pub(super) fn check_pages(bytes: &[u8], limits: PageLimits) -> Result<Vec<PageShape>, (usize, PageFault)> {
    let mut at = 0_usize;
    let mut values = 0_u64;
    let mut pages = Vec::new();
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let mut cursor = Cursor::new(rest);
        let header = page_header(&mut cursor).ok_or((at, PageFault::Damaged("no page header".to_owned())))?;
        let body = cursor.at..cursor.at.saturating_add(header.compressed_bytes);
        check_page(&header, rest.len(), &body, limits).map_err(|fault| (at, fault))?;
        let page = header.shape();
        values = values.saturating_add(page.values);
        if values > limits.values {
            let reason = format!("pages with {values} values, where {} are listed", limits.values);
            return Err((at, PageFault::Damaged(reason)));
        }
        pages.push(page);
        at = at.saturating_add(body.end);
    }
    Ok(pages)
}

fn check_page(
    header: &PageHeader,
    left: usize,
    body: &Range<usize>,
    limits: PageLimits,
) -> Result<(), PageFault> {
    if body.end > left {
        return Err(PageFault::Damaged(format!(
            "a page of {} bytes, where {} are left",
            header.compressed_bytes,
            left.saturating_sub(body.start)
        )));
    }
    match header.uncompressed_bytes > limits.page_bytes {
        true => Err(PageFault::TooLarge(header.uncompressed_bytes)),
        false => Ok(()),
    }
}

#[derive(Debug, Default)]
struct PageHeader {
    page_type: i64,
    uncompressed_bytes: u64,
    compressed_bytes: usize,
    /// Of a data page, by the first version of the format.
    first: Contents,
    /// Of a data page, by the second version.
    second: Contents,
}

/// What a data page says of its values.
#[derive(Debug, Default, Clone, Copy)]
struct Contents {
    values: u64,
    encoding: i64,
}

impl PageHeader {
    /// The type decides which of the parts holds.
    fn shape(&self) -> PageShape {
        let size_bytes = self.uncompressed_bytes;
        let (kind, values) = match self.page_type {
            0 => (self.first.kind(), self.first.values),
            2 => (PageKind::Dictionary, 0),
            3 => (self.second.kind(), self.second.values),
            _ => (PageKind::Other, 0),
        };
        PageShape { kind, values, size_bytes }
    }
}

impl Contents {
    fn kind(self) -> PageKind {
        match self.encoding {
            2 | 8 => PageKind::References,
            7 => PageKind::Prefixes,
            _ => PageKind::Values,
        }
    }
}

/// Reads a header, and leaves the cursor behind it.
fn page_header(cursor: &mut Cursor<'_>) -> Option<PageHeader> {
    let mut header = PageHeader::default();
    let mut id = 0;
    loop {
        match cursor.field(&mut id)? {
            None => return Some(header),
            Some(INT32) if id == 1 => header.page_type = cursor.zigzag()?,
            Some(INT32) if id == 2 => header.uncompressed_bytes = u64::try_from(cursor.zigzag()?).ok()?,
            Some(INT32) if id == 3 => header.compressed_bytes = usize::try_from(cursor.zigzag()?).ok()?,
            Some(STRUCT) if id == 5 => header.first = contents(cursor, 2)?,
            Some(STRUCT) if id == 8 => header.second = contents(cursor, 4)?,
            Some(kind) => cursor.skip(kind, 0)?,
        }
    }
}

/// Field 1 of a struct, a count, and the encoding; the rest is stepped over.
fn contents(cursor: &mut Cursor<'_>, encoding_id: i64) -> Option<Contents> {
    let mut contents = Contents::default();
    let mut id = 0;
    loop {
        match cursor.field(&mut id)? {
            None => return Some(contents),
            Some(INT32) if id == 1 => contents.values = u64::try_from(cursor.zigzag()?).ok()?,
            Some(INT32) if id == encoding_id => contents.encoding = cursor.zigzag()?,
            Some(kind) => cursor.skip(kind, 1)?,
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "tests state what they expect")]
mod tests {
    use super::*;

    const LIMITS: PageLimits = PageLimits { page_bytes: 1_000, values: 100 };

    /// A data page: type 0, sizes, a struct with the count and an encoding, then the body.
    fn page(uncompressed: u8, compressed: u8, values: u8, body: usize) -> Vec<u8> {
        let mut bytes = vec![
            0x15,
            0,
            0x15,
            uncompressed * 2,
            0x15,
            compressed * 2,
            0x2C,
            0x15,
            values * 2,
            0x15,
            0,
            0,
            0,
        ];
        bytes.extend(vec![7; body]);
        bytes
    }

    #[test]
    fn pages_that_fill_the_chunk_pass() {
        let chunk = [page(60, 10, 50, 10), page(0, 0, 0, 0), page(20, 3, 50, 3)].concat();
        let pages = check_pages(&chunk, LIMITS).unwrap();
        let page = |values, size_bytes| PageShape { kind: PageKind::Values, values, size_bytes };
        assert_eq!(pages, [page(50, 60), page(0, 0), page(50, 20)]);
    }

    #[test]
    fn pages_that_claim_too_much_are_named_by_their_place() {
        let first = page(60, 10, 50, 10);
        for (second, text) in [
            (page(60, 11, 1, 10), "a page of 11 bytes, where 10 are left"),
            (page(60, 10, 51, 10), "101 values, where 100"),
            (vec![0xFF; 9], "no page header"),
            (vec![0x15], "no page header"),
        ] {
            let (at, fault) = check_pages(&[first.clone(), second].concat(), LIMITS).unwrap_err();
            assert_eq!(at, first.len());
            assert!(matches!(&fault, PageFault::Damaged(reason) if reason.contains(text)), "{fault:?}");
        }
        let small = PageLimits { page_bytes: 59, ..LIMITS };
        assert_eq!(check_pages(&first, small), Err((0, PageFault::TooLarge(60))));
    }

    #[test]
    fn endless_lists_and_deep_structs_end() {
        let list = [0x19, 0xF5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        assert!(check_pages(&list, LIMITS).is_err());
        assert!(check_pages(&[0x1C; 1_000], LIMITS).is_err());
    }
}
