//! Codec and level, each by the table and the level by what the codec knows.

use datashard_spec::property::parquet as key;
use datashard_spec::property::{ParquetCompression, PropertyWarning};
use parquet::basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel};

use super::Reader;

/// The compression of all columns. LZ4 means the raw blocks that all readers agree on, not the older framing, on which they never did. A
/// level that the codec does not know counts as the codec's own, with a warning; codecs without levels ignore it.
pub(super) fn compression(reader: &mut Reader<'_>, deletes: bool) -> Compression {
    let codec = reader.either(deletes, &key::DELETE_COMPRESSION_CODEC, &key::COMPRESSION_CODEC);
    let level = reader.either(deletes, &key::DELETE_COMPRESSION_LEVEL, &key::COMPRESSION_LEVEL);
    let by_level = level.and_then(|level| with_level(codec, level));
    if let (Some(level), None) = (level, &by_level)
        && has_levels(codec)
    {
        let key = if deletes { key::DELETE_COMPRESSION_LEVEL.key } else { key::COMPRESSION_LEVEL.key };
        reader.warnings.push(PropertyWarning::new(key, &level.to_string(), "the codec's own level"));
    }
    by_level.unwrap_or_else(|| plain(codec))
}

fn has_levels(codec: ParquetCompression) -> bool {
    matches!(codec, ParquetCompression::Gzip | ParquetCompression::Brotli | ParquetCompression::Zstd)
}

fn with_level(codec: ParquetCompression, level: i32) -> Option<Compression> {
    let unsigned = u32::try_from(level).ok();
    match codec {
        ParquetCompression::Gzip => GzipLevel::try_new(unsigned?).ok().map(Compression::GZIP),
        ParquetCompression::Brotli => BrotliLevel::try_new(unsigned?).ok().map(Compression::BROTLI),
        ParquetCompression::Zstd => ZstdLevel::try_new(level).ok().map(Compression::ZSTD),
        _ => None,
    }
}

fn plain(codec: ParquetCompression) -> Compression {
    match codec {
        ParquetCompression::Uncompressed => Compression::UNCOMPRESSED,
        ParquetCompression::Snappy => Compression::SNAPPY,
        ParquetCompression::Brotli => Compression::BROTLI(BrotliLevel::default()),
        ParquetCompression::Lz4 => Compression::LZ4_RAW,
        ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
        _ => Compression::GZIP(GzipLevel::default()),
    }
}
