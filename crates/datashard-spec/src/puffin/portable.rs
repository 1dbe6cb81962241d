//! A check of one bitmap in the portable Roaring format, before it is handed to the library.
//!
//! The library checks the values of containers, but neither the offsets of the header nor the cardinality of run
//! containers; two readers that trust different parts would see different rows. So these are held against the content
//! here, and the library only sees bytes of which every length is right.
//!
//! ```text
//! bitmap  = 0x303a:u32 n:u32            (key:u16 cardinality-1:u16)*n  offset:u32*n          container*n
//!         | 0x303b:u16 n-1:u16 is_run*  (key:u16 cardinality-1:u16)*n [offset:u32*n if n>=4] container*n
//! array   = value:u16 * cardinality     cardinality <= 4096
//! bits    = 8192 bytes
//! run     = r:u16 (start:u16 length-1:u16)*r
//! ```

use super::PuffinError;
use super::cursor::{Cursor, length};

const COOKIE_NO_RUNS: u32 = 0x303a;
const COOKIE_RUNS: u32 = 0x303b;
const MAX_CONTAINERS: u32 = 1 << 16;
const MAX_ARRAY: u32 = 4096;
const BITS_LENGTH: usize = 8192;
/// With runs, fewer containers than this have no offsets.
const OFFSETS_FROM: u32 = 4;

/// Splits one bitmap off the front of `bytes`: its bytes, and what follows.
pub(super) fn split_bitmap(bytes: &[u8], bitmap: u64) -> Result<(&[u8], &[u8]), PuffinError> {
    let broken = |reason: String| PuffinError::Bitmap { bitmap, reason };
    let mut rest = Cursor::new(bytes, "deletion vector");

    let cookie = rest.u32_le()?;
    let (count, is_run, has_offsets): (u32, &[u8], bool) = if cookie == COOKIE_NO_RUNS {
        (rest.u32_le()?, &[], true)
    } else if cookie & 0xffff == COOKIE_RUNS {
        let count = (cookie >> 16).saturating_add(1);
        let is_run = rest.take(to_usize(count.div_ceil(8))?)?;
        (count, is_run, count >= OFFSETS_FROM)
    } else {
        return Err(broken(format!("unknown cookie {cookie:#x}")));
    };
    if count > MAX_CONTAINERS {
        return Err(broken(format!("{count} containers")));
    }
    let mut descriptions = Cursor::new(rest.take(to_usize(count.saturating_mul(4))?)?, "deletion vector");
    let offsets = if has_offsets { rest.take(to_usize(count.saturating_mul(4))?)? } else { &[] };
    let mut offsets = Cursor::new(offsets, "deletion vector");

    for container in 0..count {
        // Order of keys and of values, and the cardinality of bit containers, are checked by the library.
        let _key = descriptions.u16_le()?;
        let cardinality = u32::from(descriptions.u16_le()?).saturating_add(1);
        if has_offsets {
            let declared = offsets.u32_le()?;
            let found = length(bytes).saturating_sub(length(rest.rest));
            if u64::from(declared) != found {
                return Err(broken(format!("container {container} is at {found}, not at {declared}")));
            }
        }
        if flag(is_run, container) {
            let runs = rest.u16_le()?;
            let mut lengths = Cursor::new(rest.take(usize::from(runs).saturating_mul(4))?, "deletion vector");
            let mut found = 0_u32;
            for _ in 0..runs {
                let _start = lengths.u16_le()?;
                found = found.saturating_add(u32::from(lengths.u16_le()?)).saturating_add(1);
            }
            if found != cardinality {
                return Err(broken(format!("run container {container} holds {found}, not {cardinality}")));
            }
        } else if cardinality <= MAX_ARRAY {
            rest.take(to_usize(cardinality.saturating_mul(2))?)?;
        } else {
            rest.take(BITS_LENGTH)?;
        }
    }
    let taken = bytes.len().saturating_sub(rest.rest.len());
    bytes.split_at_checked(taken).ok_or_else(|| broken("inconsistent length".to_owned()))
}

/// Bit `index` of a bit set.
fn flag(bits: &[u8], index: u32) -> bool {
    let byte = usize::try_from(index / 8).ok().and_then(|at| bits.get(at)).copied().unwrap_or(0);
    byte.checked_shr(index % 8).unwrap_or(0) & 1 == 1
}

fn to_usize(count: u32) -> Result<usize, PuffinError> {
    usize::try_from(count).map_err(|_| PuffinError::TooLarge {
        what: "deletion vector",
        bytes: count.into(),
        limit: u64::try_from(usize::MAX).unwrap_or(u64::MAX),
    })
}
