//! In which order a store lists: by the bytes of whole names, or folder by folder.
//!
//! S3, GCS and folders list by bytes, so that `a-b/x` comes before `a/x` (`-` is less than `/`). SeaweedFS goes from folder to folder:
//! all of `a` first, as `a` is less than `a-b`. Both show each name once; what fits neither shows that a listing has holes.

use std::cmp::Ordering;

use object_store::path::Path;

/// What is known of a store's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Order {
    /// By bytes, as far as was seen.
    #[default]
    Bytes,
    /// Folder by folder: two names were seen that only this explains.
    Folders,
}

/// Where a name stands to one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// After it.
    After,
    /// It is the same name.
    Same,
    /// Before it in bytes, after it folder by folder.
    AfterByFolders,
    /// Before it.
    Before,
}

impl Order {
    /// Where `name` stands to `seen`.
    pub(super) fn place(self, seen: &Path, name: &Path) -> Place {
        let bytes = name.as_ref().cmp(seen.as_ref());
        let folders = name.as_ref().split('/').cmp(seen.as_ref().split('/'));
        match (self, bytes, folders) {
            (_, Ordering::Equal, _) => Place::Same,
            (Self::Bytes, Ordering::Greater, _) | (Self::Folders, _, Ordering::Greater) => Place::After,
            (Self::Bytes, Ordering::Less, Ordering::Greater) => Place::AfterByFolders,
            _ => Place::Before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_each_other_by_bytes_until_only_folders_explain_them() {
        let check = |order: Order, seen: &str, name: &str, expect: Place| {
            assert_eq!(
                order.place(&Path::from(seen), &Path::from(name)),
                expect,
                "{order:?}: {seen}, {name}"
            );
        };
        check(Order::Bytes, "a/x", "a/y", Place::After);
        check(Order::Bytes, "a-b/x", "a/x", Place::After);
        check(Order::Bytes, "a/x", "a-b/x", Place::AfterByFolders);
        check(Order::Bytes, "a/x", "a/x", Place::Same);
        check(Order::Bytes, "b/x", "a/x", Place::Before);
        check(Order::Folders, "a/x", "a-b/x", Place::After);
        check(Order::Folders, "a-b/x", "a/x", Place::Before);
        check(Order::Folders, "a", "a/x", Place::After);
        check(Order::Folders, "a/x", "a/x", Place::Same);
    }
}
