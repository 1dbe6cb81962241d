//! Partition transforms: from a source value to a partition value.

/// How a partition value or sort key is made from a source column.
///
/// # Spec
/// "Partition Transforms".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transform {
    /// The value itself.
    Identity,
    /// Hash of the value, modulo this many buckets.
    Bucket(u32),
    /// The value cut to this width.
    Truncate(u32),
    /// Years since 1970.
    Year,
    /// Months since 1970-01.
    Month,
    /// Days since 1970-01-01.
    Day,
    /// Hours since 1970-01-01T00.
    Hour,
    /// Always null.
    Void,
    /// A transform of a newer version: kept, tolerated when reading, never written with.
    Unknown(Box<str>),
}
