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

/// Checks the pages that fill `bytes` from end to end; the error says what is wrong, and at which byte.
pub(super) fn check_pages(bytes: &[u8], limits: PageLimits) -> Result<(), (usize, String)> {
    let mut at = 0_usize;
    let mut values = 0_u64;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let mut cursor = Cursor::new(rest);
        let header = page_header(&mut cursor).ok_or((at, "no page header".to_owned()))?;
        let body = cursor.at..cursor.at.saturating_add(header.compressed_bytes);
        check_page(&header, rest.len(), &body, limits).map_err(|reason| (at, reason))?;
        values = values.saturating_add(header.values);
        if values > limits.values {
            return Err((at, format!("pages with {values} values, where {} are listed", limits.values)));
        }
        at = at.saturating_add(body.end);
    }
    Ok(())
}

fn check_page(
    header: &PageHeader,
    left: usize,
    body: &Range<usize>,
    limits: PageLimits,
) -> Result<(), String> {
    if body.end > left {
        return Err(format!(
            "a page of {} bytes, where {} are left",
            header.compressed_bytes,
            left.saturating_sub(body.start)
        ));
    }
    if u64::try_from(header.uncompressed_bytes).unwrap_or(u64::MAX) > limits.page_bytes {
        return Err(format!(
            "a page of {} bytes after decompression, where {} are allowed",
            header.uncompressed_bytes, limits.page_bytes
        ));
    }
    Ok(())
}

#[derive(Debug, Default)]
struct PageHeader {
    uncompressed_bytes: usize,
    compressed_bytes: usize,
    /// Values of a data page; those of a dictionary page are none of the column's.
    values: u64,
}

/// Reads a header, and leaves the cursor behind it.
fn page_header(cursor: &mut Cursor<'_>) -> Option<PageHeader> {
    let mut header = PageHeader::default();
    let mut id = 0;
    loop {
        match cursor.field(&mut id)? {
            None => return Some(header),
            Some(INT32) if id == 2 => header.uncompressed_bytes = usize::try_from(cursor.zigzag()?).ok()?,
            Some(INT32) if id == 3 => header.compressed_bytes = usize::try_from(cursor.zigzag()?).ok()?,
            Some(STRUCT) if id == 5 || id == 8 => header.values = first_number(cursor)?,
            Some(kind) => cursor.skip(kind, 0)?,
        }
    }
}

/// Field 1 of a struct, a count; the rest is stepped over.
fn first_number(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut number = 0;
    let mut id = 0;
    loop {
        match cursor.field(&mut id)? {
            None => return Some(number),
            Some(INT32) if id == 1 => number = u64::try_from(cursor.zigzag()?).ok()?,
            Some(kind) => cursor.skip(kind, 1)?,
        }
    }
}

#[cfg(test)]
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
        assert_eq!(check_pages(&chunk, LIMITS), Ok(()));
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
            let (at, reason) = check_pages(&[first.clone(), second].concat(), LIMITS).unwrap_err();
            assert_eq!(at, first.len());
            assert!(reason.contains(text), "{reason}");
        }
        let small = PageLimits { page_bytes: 59, ..LIMITS };
        assert!(check_pages(&first, small).unwrap_err().1.contains("60 bytes after decompression"));
    }

    #[test]
    fn endless_lists_and_deep_structs_end() {
        let list = [0x19, 0xF5, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
        assert!(check_pages(&list, LIMITS).is_err());
        assert!(check_pages(&[0x1C; 1_000], LIMITS).is_err());
    }
}
