//! The tag of a file's content, for conditional reads and replacements.
//!
//! Inode, modification time and size may all be the same for two contents that follow each other fast: inodes are reused, clocks
//! of file systems tick every few ms. So a small file that was read gets its content's hash into the tag, and the comparison
//! that a replacement rests on is one of content.

use super::file_system::FileStat;

/// Files up to this size have their content in the tag when they are read whole.
pub(super) const HASHED_BYTES: u64 = 64 * 1024;

/// The tag of a file that was not read.
pub(super) fn of_stat(stat: &FileStat) -> String {
    format!("{:x}-{:x}-{:x}", stat.identity, stat.modified_ms, stat.size_bytes)
}

/// The tag of a small file that was read whole.
pub(super) fn of_content(bytes: &[u8]) -> String {
    format!("c{:x}-{:016x}", bytes.len(), hash(bytes))
}

/// Whether a tag speaks of content.
pub(super) fn is_of_content(tag: &str) -> bool {
    tag.starts_with('c')
}

/// FNV-1a with a final mix: enough to tell contents of honest writers apart.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0xd6e8_feb8_6659_fd93);
    hash ^ (hash >> 32)
}
