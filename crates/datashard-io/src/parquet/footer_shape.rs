//! The shape of a footer, walked before the decoder sees it: it reserves what lists claim, and follows the schema on the stack.
//!
//! # Spec
//! The Parquet format's `FileMetaData`, in Thrift's compact protocol.

use super::thrift::{Cursor, INT32, LIST, STRUCT};

/// Groups within groups of a schema; a list of the table takes two.
const MAX_SCHEMA_DEPTH: usize = 100;

/// What a footer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As footers do.
    Sound,
    /// Some columns are encrypted, though the footer is not.
    Encrypted,
    /// Groups lie in groups beyond what is followed.
    TooDeep,
    /// It breaks off, or lists more than it holds.
    Broken,
}

/// Walks a footer from end to end.
pub(super) fn shape(footer: &[u8]) -> Shape {
    walk(&mut Cursor::new(footer)).unwrap_or(Shape::Broken)
}

fn walk(cursor: &mut Cursor<'_>) -> Option<Shape> {
    let mut id = 0;
    let mut shape = Shape::Sound;
    while let Some(kind) = cursor.field(&mut id)? {
        match (id, kind) {
            (2, LIST) => {
                if !schema_is_flat_enough(cursor)? {
                    return Some(Shape::TooDeep);
                }
            }
            (ENCRYPTION_ALGORITHM, STRUCT) => {
                shape = Shape::Encrypted;
                cursor.skip(kind, 0)?;
            }
            _ => cursor.skip(kind, 0)?,
        }
    }
    Some(shape)
}

const ENCRYPTION_ALGORITHM: i64 = 8;

/// Whether groups do not lie too deep. `None` for a group of more children than there are elements.
fn schema_is_flat_enough(cursor: &mut Cursor<'_>) -> Option<bool> {
    let (count, kind) = cursor.list()?;
    if kind != STRUCT {
        return None;
    }
    // Children still to come of the groups that are open.
    let mut open: Vec<u64> = Vec::new();
    for at in 0..count {
        let children = children(cursor)?;
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left = left.checked_sub(1)?;
        }
        if children > count.checked_sub(at)? {
            return None;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > MAX_SCHEMA_DEPTH {
            return Some(false);
        }
    }
    Some(true)
}

/// How many children an element of the schema has.
fn children(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut id = 0;
    let mut children = 0;
    while let Some(kind) = cursor.field(&mut id)? {
        match (id, kind) {
            (5, INT32) => children = u64::try_from(cursor.zigzag()?).ok()?,
            _ => cursor.skip(kind, 0)?,
        }
    }
    Some(children)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with a schema of elements with these numbers of children.
    fn footer(children: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xFC, u8::try_from(children.len()).unwrap()];
        bytes.extend(children.iter().flat_map(|count| [0x55, count * 2, 0]));
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn a_schema_as_deep_as_it_is_long_is_refused_before_it_is_followed() {
        assert_eq!(shape(&footer(&[2, 0, 1, 0], &[0])), Shape::Sound);
        assert_eq!(shape(&footer(&[1; 120], &[0])), Shape::TooDeep);
        assert_eq!(shape(&footer(&[1, 60, 0], &[0])), Shape::Broken);
    }

    #[test]
    fn lists_that_claim_more_than_there_is_are_broken() {
        // Field 4, row groups: two billion of them.
        let row_groups = [0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0];
        assert_eq!(shape(&footer(&[1, 0], &row_groups)), Shape::Broken);
        assert_eq!(shape(&footer(&[1, 0], &[])), Shape::Broken);
        assert_eq!(shape(&[]), Shape::Broken);
    }

    #[test]
    fn a_footer_of_encrypted_columns_is_told() {
        // Field 8, a struct without fields.
        assert_eq!(shape(&footer(&[1, 0], &[0x6C, 0, 0])), Shape::Encrypted);
    }
}
