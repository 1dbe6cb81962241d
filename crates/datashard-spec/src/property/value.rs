//! Types that properties have.

use super::MetricsMode;

/// A type that properties have: numbers, booleans and words.
pub trait PropertyValue: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// The value that the text stands for.
    fn parse(text: &str) -> Option<Self>;

    /// The text for the value.
    fn text(&self) -> String;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl PropertyValue for $number {
            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn text(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
numbers!(u32, u64, i32, f64);

impl PropertyValue for bool {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl<T: PropertyValue> PropertyValue for Option<T> {
    fn parse(text: &str) -> Option<Self> {
        T::parse(text).map(Some)
    }

    fn text(&self) -> String {
        self.as_ref().map_or_else(|| "nothing".to_owned(), T::text)
    }
}

impl PropertyValue for MetricsMode {
    fn parse(text: &str) -> Option<Self> {
        Self::from_text(text)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

/// Defines enums whose variants are words; upper and lower case are alike.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl PropertyValue for $name {
            fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|word| word.as_str().eq_ignore_ascii_case(text))
            }

            fn text(&self) -> String {
                self.as_str().to_owned()
            }
        }
    )*};
}

words! {
    /// Format of files to write.
    WriteFormat {
        /// Apache Parquet.
        Parquet = "parquet",
        /// Apache Avro.
        Avro = "avro",
        /// Apache ORC.
        Orc = "orc",
    }
    /// Compression of Parquet pages.
    ParquetCompression {
        /// None.
        Uncompressed = "uncompressed",
        /// Snappy.
        Snappy = "snappy",
        /// Gzip: what an absent property means.
        Gzip = "gzip",
        /// Brotli.
        Brotli = "brotli",
        /// LZ4.
        Lz4 = "lz4",
        /// Zstandard: what new tables set.
        Zstd = "zstd",
    }
    /// Version of Parquet data pages.
    ParquetPageVersion {
        /// Version 1.
        V1 = "v1",
        /// Version 2.
        V2 = "v2",
    }
    /// Compression of Avro blocks.
    AvroCompression {
        /// None.
        Uncompressed = "uncompressed",
        /// Snappy.
        Snappy = "snappy",
        /// Deflate, under the name that properties have for it.
        Gzip = "gzip",
        /// Zstandard.
        Zstd = "zstd",
    }
    /// Compression of ORC stripes.
    OrcCompression {
        /// None.
        None = "none",
        /// Zlib.
        Zlib = "zlib",
        /// Snappy.
        Snappy = "snappy",
        /// LZO.
        Lzo = "lzo",
        /// LZ4.
        Lz4 = "lz4",
        /// Zstandard.
        Zstd = "zstd",
    }
    /// What ORC compression aims at.
    OrcCompressionStrategy {
        /// Time.
        Speed = "speed",
        /// Space.
        Compression = "compression",
    }
    /// Compression of metadata files.
    MetadataCompression {
        /// None.
        None = "none",
        /// Gzip.
        Gzip = "gzip",
    }
    /// How an engine spreads rows over its writers.
    DistributionMode {
        /// As they come.
        None = "none",
        /// By hash of the partition.
        Hash = "hash",
        /// By range of partition and sort order.
        Range = "range",
    }
    /// How many data files a position-delete file may cover.
    DeleteGranularity {
        /// Those of a partition.
        Partition = "partition",
        /// One.
        File = "file",
    }
    /// What concurrent commits make a row-level operation fail.
    IsolationLevel {
        /// Those that could have changed what it read.
        Serializable = "serializable",
        /// Those that changed what it rewrites.
        Snapshot = "snapshot",
    }
    /// How a row-level operation changes files.
    WriteMode {
        /// It writes data files anew.
        CopyOnWrite = "copy-on-write",
        /// It writes delete files.
        MergeOnRead = "merge-on-read",
    }
    /// Where an engine plans scans.
    PlanningMode {
        /// As the engine sees fit.
        Auto = "auto",
        /// In one process.
        Local = "local",
        /// On its cluster.
        Distributed = "distributed",
    }
}

impl Default for IsolationLevel {
    /// Serializable, as engines have it.
    fn default() -> Self {
        Self::Serializable
    }
}

impl std::fmt::Display for IsolationLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}
