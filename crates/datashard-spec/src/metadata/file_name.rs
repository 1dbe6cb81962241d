//! Names of metadata files: which version they are, and whether they are compressed.

use std::fmt;

use crate::id::MetadataVersion;

const PLAIN: &str = ".metadata.json";
const GZIP: &str = ".gz.metadata.json";
const GZIP_OLD: &str = ".metadata.json.gz";

/// The name of a metadata file, without its folder.
///
/// Tables in the file-system layout have `v{N}.metadata.json`; tables of a catalog have `{NNNNN}-{uuid}.metadata.json`,
/// which many writers may hold of one number.
///
/// # Spec
/// "File System Tables", "Metastore Tables".
///
/// # Examples
/// ```
/// use datashard_spec::id::MetadataVersion;
/// use datashard_spec::metadata::MetadataFileName;
///
/// let name = MetadataFileName::file_system(MetadataVersion(7));
/// assert_eq!(name.to_string(), "v7.metadata.json");
/// assert_eq!(MetadataFileName::parse("v7.metadata.json"), Some(name));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataFileName {
    /// The version. A catalog's count may start at 0.
    pub version: MetadataVersion,
    /// What makes the name unique in a catalog's table, mostly a UUID; `None` in the file-system layout.
    pub unique: Option<String>,
    /// Whether the content is gzip-compressed.
    pub gzip: bool,
}

impl MetadataFileName {
    /// The name in the file-system layout, not compressed.
    pub fn file_system(version: MetadataVersion) -> Self {
        Self { version, unique: None, gzip: false }
    }

    /// Reads a name; `None` if it is not that of a metadata file.
    ///
    /// The older form `.metadata.json.gz` is read too, but never written.
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, gzip) = match (name.strip_suffix(GZIP), name.strip_suffix(GZIP_OLD)) {
            (Some(stem), _) | (None, Some(stem)) => (stem, true),
            (None, None) => (name.strip_suffix(PLAIN)?, false),
        };
        if let Some(number) = stem.strip_prefix('v') {
            // One name per version: `v07` is not `v7`.
            let version = number.parse().ok().filter(|n: &u64| *n > 0 && n.to_string() == number)?;
            return Some(Self { version: MetadataVersion(version), unique: None, gzip });
        }
        let (number, unique) = stem.split_once('-')?;
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let version = number.parse().ok().filter(|_| digits && !unique.is_empty())?;
        Some(Self { version: MetadataVersion(version), unique: Some(unique.to_owned()), gzip })
    }
}

impl fmt::Display for MetadataFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unique {
            None => write!(f, "v{}", self.version)?,
            Some(unique) => write!(f, "{:05}-{unique}", self.version.0)?,
        }
        f.write_str(if self.gzip { GZIP } else { PLAIN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_writer_are_read() {
        let check = |name: &str, expect: Option<(u64, Option<&str>, bool)>| {
            let found = MetadataFileName::parse(name);
            let found = found.as_ref().map(|n| (n.version.0, n.unique.as_deref(), n.gzip));
            assert_eq!(found, expect, "{name}");
        };
        check("v1.metadata.json", Some((1, None, false)));
        check("v10.gz.metadata.json", Some((10, None, true)));
        check("v10.metadata.json.gz", Some((10, None, true)));
        check("00001-a-b.metadata.json", Some((1, Some("a-b"), false)));
        check("00000-a.gz.metadata.json", Some((0, Some("a"), true)));
        check("v18446744073709551615.metadata.json", Some((u64::MAX, None, false)));
        for bad in [
            "v0.metadata.json",
            "v07.metadata.json",
            "v+7.metadata.json",
            "v-7.metadata.json",
            "v18446744073709551616.metadata.json",
            "v.metadata.json",
            "v1.metadata.json.crc",
            ".v1.metadata.json",
            "v1.json",
            "+1-a.metadata.json",
            "1-.metadata.json",
            "version-hint.text",
            "",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn written_names_read_back() {
        for name in
            ["v3.metadata.json", "v3.gz.metadata.json", "00012-x.metadata.json", "100000-x.gz.metadata.json"]
        {
            assert_eq!(MetadataFileName::parse(name).unwrap().to_string(), name);
        }
    }
}
