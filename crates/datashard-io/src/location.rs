//! [`Location`]: where a table lies, and how the names of its files in metadata relate to it.
//!
//! Metadata names files by whole URLs, and writers spell them in several ways: `s3a://` for `s3://`, `file:/x` for
//! `file:///x`, a plain path. [`Location::relative`] knows them all, and refuses whatever does not lie below the table.

use std::fmt;

use datashard_spec::error::ErrorKind;

use crate::path::{PathError, TablePath, excerpt};

/// The kind of place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A folder.
    File,
    /// Memory of this process, shared by name.
    Memory,
    /// A bucket of S3 or of a server that speaks its protocol.
    S3,
    /// A bucket of Google Cloud Storage.
    Gcs,
    /// A container of Azure Blob Storage.
    Azure,
}

/// A location, or the name of a file in metadata, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// The text is not a location.
    #[error("location `{location}`: {reason}")]
    Invalid {
        /// The location, cut to a sane length.
        location: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that metadata names does not lie below the table.
    #[error("file `{file}` lies outside of the table at {location}")]
    Outside {
        /// The table's location.
        location: String,
        /// The file, cut to a sane length.
        file: String,
    },
    /// A file that metadata names lies below the table, but by a path that is not allowed.
    #[error("file of the table at {location}: {source}")]
    Path {
        /// The table's location.
        location: String,
        /// The rule that it breaks.
        source: PathError,
    },
}

impl LocationError {
    /// How to treat this error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::InvalidInput,
            Self::Outside { .. } | Self::Path { .. } => ErrorKind::InvalidData,
        }
    }
}

/// Where a table lies: a scheme, a bucket or the like, and a path in it.
///
/// # Examples
/// ```
/// use datashard_io::location::{Location, Scheme};
///
/// let location = Location::parse("s3a://lake/raw/events/")?;
/// assert_eq!(location.scheme(), Scheme::S3);
/// assert_eq!(location.to_string(), "s3://lake/raw/events");
/// let file = location.relative("s3://lake/raw/events/data/f.parquet")?;
/// assert_eq!(file.as_str(), "data/f.parquet");
/// assert!(location.relative("s3://lake/raw/events2/data/f.parquet").is_err());
/// # Ok::<(), datashard_io::location::LocationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Location {
    scheme: Scheme,
    /// Bucket, container, or name of a memory; empty for folders.
    container: String,
    /// Without a slash at the end. For folders absolute, with one at the start; else without.
    root: String,
}

impl Location {
    /// Reads a location: a path (`./dir`, `/dir`), or a URL with scheme `file`, `memory`, `s3`, `s3a`, `gs`, `az`, `abfs` or `abfss`.
    ///
    /// A relative path is taken from the current folder of the process.
    ///
    /// # Errors
    /// `InvalidInput` if it is none of them, or has a query, a `..` in a URL, or a NUL.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let invalid =
            |reason: &str| LocationError::Invalid { location: excerpt(text), reason: reason.to_owned() };
        if text.is_empty() || text.contains('\0') {
            return Err(invalid("is empty or has a NUL"));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Self::folder(text) };
        let scheme = match scheme {
            "file" => return Self::folder(rest),
            "memory" => Scheme::Memory,
            "s3" | "s3a" => Scheme::S3,
            "gs" => Scheme::Gcs,
            "az" | "abfs" | "abfss" => Scheme::Azure,
            _ => return Err(invalid("has a scheme other than file, memory, s3, s3a, gs, az, abfs, abfss")),
        };
        let (container, root) = rest.split_once('/').unwrap_or((rest, ""));
        let root = root.trim_end_matches('/');
        if container.is_empty() {
            return Err(invalid("names no bucket"));
        }
        if !root.is_empty() {
            TablePath::parse(root).map_err(|e| invalid(e.reason))?;
        }
        Ok(Self { scheme, container: container.to_owned(), root: root.to_owned() })
    }

    fn folder(path: &str) -> Result<Self, LocationError> {
        let invalid = |reason: String| LocationError::Invalid { location: excerpt(path), reason };
        let absolute = std::path::absolute(path).map_err(|e| invalid(e.to_string()))?;
        let root = absolute.to_str().ok_or_else(|| invalid("is not UTF-8".to_owned()))?;
        Ok(Self {
            scheme: Scheme::File,
            container: String::new(),
            root: root.trim_end_matches('/').to_owned(),
        })
    }

    /// The kind of place.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket, the container, or the name of the memory; empty for folders.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The path in the container, without slashes at the ends; for folders the absolute path.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The whole name of a file of the table, as metadata has it.
    pub fn file(&self, path: &TablePath) -> String {
        format!("{self}/{path}")
    }

    /// The path below the table of a file that metadata names.
    ///
    /// # Errors
    /// `InvalidData` if it does not lie below the table, or by a path that is not allowed.
    pub fn relative(&self, file: &str) -> Result<TablePath, LocationError> {
        let outside = || LocationError::Outside { location: self.to_string(), file: excerpt(file) };
        let rest = self.below(file).ok_or_else(outside)?;
        TablePath::parse(rest).map_err(|source| LocationError::Path { location: self.to_string(), source })
    }

    fn below<'a>(&self, file: &'a str) -> Option<&'a str> {
        let rest = match self.scheme {
            Scheme::File => {
                file.strip_prefix("file://").or_else(|| file.strip_prefix("file:")).unwrap_or(file)
            }
            Scheme::Memory => {
                file.strip_prefix("memory://")?.strip_prefix(&*self.container)?.strip_prefix('/')?
            }
            Scheme::S3 => ["s3://", "s3a://", "s3n://"]
                .iter()
                .find_map(|scheme| file.strip_prefix(scheme))?
                .strip_prefix(&*self.container)?
                .strip_prefix('/')?,
            Scheme::Gcs => file.strip_prefix("gs://")?.strip_prefix(&*self.container)?.strip_prefix('/')?,
            Scheme::Azure => ["az://", "abfs://", "abfss://"]
                .iter()
                .find_map(|scheme| file.strip_prefix(scheme))?
                .strip_prefix(&*self.container)?
                .strip_prefix('/')?,
        };
        if self.root.is_empty() { Some(rest) } else { rest.strip_prefix(&*self.root)?.strip_prefix('/') }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::File => return f.write_str(&self.root),
            Scheme::Memory => "memory",
            Scheme::S3 => "s3",
            Scheme::Gcs => "gs",
            Scheme::Azure => "abfss",
        };
        write!(f, "{scheme}://{}", self.container)?;
        if self.root.is_empty() { Ok(()) } else { write!(f, "/{}", self.root) }
    }
}
