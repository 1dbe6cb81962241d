//! [`Location`]: where a table lies, and how the names of its files in metadata relate to it.
//!
//! Metadata names files by whole URLs, and writers spell them in several ways: `s3a://` for `s3://`, `file:/x` for
//! `file:///x`, a plain path. [`Location::relative`] knows them all, and refuses whatever does not lie below the table.

mod folder;
mod url;

use std::fmt;

use datashard_spec::error::ErrorKind;

pub(crate) use self::url::split_query;
use self::url::{authority_of, scheme_of, without_secrets};
use crate::path::{PathError, TablePath};

/// The longest location, in bytes: what systems allow for a path.
const MAX_BYTES: usize = 4096;

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

impl Scheme {
    /// The schemes of URLs for this kind of place, as writers use them; the first is ours.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::File => &["file"],
            Self::Memory => &["memory"],
            Self::S3 => &["s3", "s3a", "s3n"],
            Self::Gcs => &["gs", "gcs"],
            Self::Azure => &["abfss", "abfs", "az", "wasbs", "wasb"],
        }
    }

    fn of(name: &str) -> Option<Self> {
        [Self::File, Self::Memory, Self::S3, Self::Gcs, Self::Azure]
            .into_iter()
            .find(|scheme| scheme.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
    }
}

/// A location, or the name of a file in metadata, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// The text is not a location.
    #[error("location `{location}`: {reason}")]
    Invalid {
        /// The location, cut to a sane length, without what may be secret in it: a query, a user.
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

    fn invalid(location: &str, reason: impl Into<String>) -> Self {
        Self::Invalid { location: without_secrets(location), reason: reason.into() }
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
    /// The host after `container@`, for Azure.
    host: Option<String>,
    /// Without a slash at the end. For folders absolute, with one at the start (empty for `/` itself); else without.
    root: String,
}

impl Location {
    /// Reads a location: a path (`./dir`, `/dir`), or a URL with scheme `file`, `memory`, `s3`, `s3a`, `gs`, `az`, `abfs` or `abfss`.
    ///
    /// A relative path is taken from the current folder of the process, and `..` in a path goes where the system would go, so a
    /// folder before it has to exist. Escapes with `%` are resolved in `file:` URLs only: the keys of buckets have none. A container
    /// of Azure may be written with its account, as `abfss://container@account.dfs.core.windows.net/path`.
    ///
    /// # Errors
    /// `InvalidInput` if it is none of them, has a query, a fragment, a user, a port, a `..` in a URL, or a control character, or
    /// looks like a path of Windows. Options in the query of a URL are for [`TableStore::open`](crate::TableStore::open) to take.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let invalid = |reason: &str| LocationError::invalid(text, reason);
        if text.is_empty() {
            return Err(invalid("is empty"));
        }
        if text.len() > MAX_BYTES {
            return Err(invalid("is longer than 4096 bytes"));
        }
        if text.chars().any(char::is_control) {
            return Err(invalid("has a control character"));
        }
        let Some((name, rest)) = scheme_of(text) else { return Self::folder(text, text) };
        if name.len() == 1 {
            return Err(invalid("looks like a path of Windows, which is not supported"));
        }
        let Some(scheme) = Scheme::of(name) else {
            return Err(invalid(
                "has a scheme other than file, memory, s3, s3a, gs, az, abfs, abfss; write a folder of that name as `./name`",
            ));
        };
        if scheme == Scheme::File {
            return Self::folder(text, &folder::path_of_url(rest).map_err(|reason| invalid(&reason))?);
        }
        let rest = rest.strip_prefix("//").ok_or_else(|| invalid("lacks the `//` after the scheme"))?;
        if rest.contains('?') {
            return Err(invalid("has a query: options are given beside the location"));
        }
        if rest.contains('#') {
            return Err(invalid("has a `#`, which begins a fragment in URLs and a comment elsewhere"));
        }
        let (authority, root) = rest.split_once('/').unwrap_or((rest, ""));
        let (container, host) = authority_of(scheme, authority).map_err(|reason| invalid(&reason))?;
        let root = root.trim_end_matches('/');
        if !root.is_empty() {
            TablePath::parse(root).map_err(|e| invalid(&format!("its path {}", e.reason)))?;
        }
        Ok(Self { scheme, container, host, root: root.to_owned() })
    }

    fn folder(text: &str, path: &str) -> Result<Self, LocationError> {
        let root = folder::absolute(path).map_err(|reason| LocationError::invalid(text, reason))?;
        Ok(Self { scheme: Scheme::File, container: String::new(), host: None, root })
    }

    /// The kind of place.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The bucket, the container, or the name of the memory; empty for folders.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// The account of an Azure container, if the location names it.
    pub fn account(&self) -> Option<&str> {
        self.host.as_deref().map(|host| host.split_once('.').map_or(host, |(account, _)| account))
    }

    /// The path in the container, without slashes at the ends; for folders the absolute path, which is empty for the root.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The whole name of a file of the table, as metadata has it.
    pub fn file(&self, path: &TablePath) -> String {
        match self.scheme {
            Scheme::File => format!("{}/{path}", self.root),
            _ => format!("{self}/{path}"),
        }
    }

    /// The path below the table of a file that metadata names.
    ///
    /// The names of schemes that writers use for one place are the same here, as are `file:/x`, `file:///x` and `/x`. In names of
    /// files on disk a `//` or `/./` counts as `/`, as it does for the system; in buckets these are other keys. Nothing is
    /// percent-decoded, because writers put the names of folders there as they are: a partition folder may be called `day=a%20b`. The
    /// one exception is a `file:` URL that lies below the table only when it is decoded as a whole.
    ///
    /// # Errors
    /// `InvalidData` if it does not lie below the table, or by a path that is not allowed.
    pub fn relative(&self, file: &str) -> Result<TablePath, LocationError> {
        let outside = || LocationError::Outside { location: self.to_string(), file: without_secrets(file) };
        let path = |path: &str| {
            TablePath::parse(path)
                .map_err(|source| LocationError::Path { location: self.to_string(), source })
        };
        if self.scheme == Scheme::File {
            return path(&folder::below(&self.root, file).ok_or_else(outside)?);
        }
        path(self.below(file).ok_or_else(outside)?)
    }

    fn below<'a>(&self, file: &'a str) -> Option<&'a str> {
        let (name, rest) = scheme_of(file)?;
        if Scheme::of(name)? != self.scheme {
            return None;
        }
        let (authority, rest) = rest.strip_prefix("//")?.split_once('/')?;
        let container = match authority.split_once('@') {
            Some((container, host)) if self.scheme == Scheme::Azure => {
                let account = host.split_once('.').map_or(host, |(account, _)| account);
                if self.account().is_some_and(|ours| !ours.eq_ignore_ascii_case(account)) {
                    return None;
                }
                container
            }
            _ => authority,
        };
        if container != self.container {
            return None;
        }
        if self.root.is_empty() { Some(rest) } else { rest.strip_prefix(&*self.root)?.strip_prefix('/') }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.scheme, &self.host) {
            (Scheme::File, _) => return f.write_str(if self.root.is_empty() { "/" } else { &self.root }),
            // Without an account the longer names would not be URLs that others read.
            (Scheme::Azure, None) => "az",
            (scheme, _) => scheme.names().first().copied().unwrap_or_default(),
        };
        write!(f, "{scheme}://{}", self.container)?;
        if let Some(host) = &self.host {
            write!(f, "@{host}")?;
        }
        if self.root.is_empty() { Ok(()) } else { write!(f, "/{}", self.root) }
    }
}

#[cfg(test)]
mod tests;
