//! How Avro files are written, by the properties of a table.

use datashard_spec::avro::Codec;
use datashard_spec::property::{AvroCompression, PropertyWarning, TableProperties, write as key};

/// Levels of deflate.
const DEFLATE_LEVELS: std::ops::RangeInclusive<u32> = 0..=9;
/// Levels of Zstandard that all its versions have.
const ZSTANDARD_LEVELS: std::ops::RangeInclusive<u32> = 1..=22;

/// How to write Avro files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AvroWriteOptions {
    pub(super) codec: Codec,
    /// `None` is the codec's own default.
    pub(super) level: Option<u32>,
}

impl AvroWriteOptions {
    /// By the properties of a table, those of delete files if `deletes`. Values that make no sense count as the default, with a warning.
    ///
    /// # Spec
    /// None: a convention that other implementations share.
    pub(crate) fn from_properties(
        properties: &TableProperties<'_>,
        deletes: bool,
    ) -> (Self, Vec<PropertyWarning>) {
        let (codec_key, level_key) = if deletes {
            (&key::DELETE_AVRO_COMPRESSION_CODEC, &key::DELETE_AVRO_COMPRESSION_LEVEL)
        } else {
            (&key::AVRO_COMPRESSION_CODEC, &key::AVRO_COMPRESSION_LEVEL)
        };
        let compression = properties.parsed(codec_key);
        let asked = properties.parsed(level_key);
        let mut warnings: Vec<PropertyWarning> =
            compression.warning.into_iter().chain(asked.warning).collect();
        let (codec, levels) = match compression.value {
            AvroCompression::Uncompressed => (Codec::Null, None),
            AvroCompression::Snappy => (Codec::Snappy, None),
            AvroCompression::Zstd => (Codec::Zstandard, Some(ZSTANDARD_LEVELS)),
            _ => (Codec::Deflate, Some(DEFLATE_LEVELS)),
        };
        // Codecs without levels ignore one, as elsewhere.
        let level = asked.value.zip(levels).and_then(|(asked, levels)| {
            let level = u32::try_from(asked).ok().filter(|level| levels.contains(level));
            if level.is_none() {
                warnings.push(PropertyWarning::new(level_key.key, &asked.to_string(), "the codec's default"));
            }
            level
        });
        (Self { codec, level }, warnings)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn options(pairs: &[(&str, &str)], deletes: bool) -> (AvroWriteOptions, usize) {
        let map: BTreeMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let (options, warnings) = AvroWriteOptions::from_properties(&TableProperties::new(&map), deletes);
        (options, warnings.len())
    }

    #[test]
    fn codecs_have_the_names_of_properties_and_delete_files_their_own() {
        let of = |codec, level| AvroWriteOptions { codec, level };
        let codec = "write.avro.compression-codec";
        assert_eq!(options(&[], false), (of(Codec::Deflate, None), 0));
        assert_eq!(options(&[(codec, "uncompressed")], false), (of(Codec::Null, None), 0));
        assert_eq!(options(&[(codec, "snappy")], true), (of(Codec::Snappy, None), 0));
        let own = [(codec, "snappy"), ("write.delete.avro.compression-codec", "zstd")];
        assert_eq!(options(&own, true), (of(Codec::Zstandard, None), 0));
        assert_eq!(options(&own, false), (of(Codec::Snappy, None), 0));
        assert_eq!(options(&[(codec, "rar")], false), (of(Codec::Deflate, None), 1));
    }

    #[test]
    fn levels_count_where_the_codec_has_them() {
        let (codec, level) = ("write.avro.compression-codec", "write.avro.compression-level");
        assert_eq!(options(&[(level, "9")], false).0.level, Some(9));
        assert_eq!(options(&[(level, "10")], false).0.level, None);
        assert_eq!(options(&[(level, "10")], false).1, 1);
        assert_eq!(options(&[(codec, "zstd"), (level, "19")], false).0.level, Some(19));
        assert_eq!(options(&[(codec, "snappy"), (level, "-7")], false), {
            (AvroWriteOptions { codec: Codec::Snappy, level: None }, 0)
        });
    }
}
