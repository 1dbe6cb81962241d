//! What a store said, as found below `object_store`: status, code and headers, which that library keeps to itself.
//!
//! Stores of ours (HTTP service, folder, simulation) put an [`Answer`] or an [`std::io::Error`] at the bottom of the error;
//! `classify` finds it there.

use std::fmt;
use std::time::Duration;

/// An answer that is not the one wanted, as HTTP has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The code in the body, such as `SlowDown` or `NoSuchBucket`.
    pub(crate) code: Option<String>,
    /// What the body says, cut to a sane length.
    pub(crate) message: String,
    /// The header `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// This machine's time minus the header `Date`, in ms.
    pub(crate) skew_ms: Option<i64>,
}

impl Answer {
    /// Whether the same request may be answered otherwise later.
    pub(crate) fn is_transient(&self) -> bool {
        match self.status {
            408 | 409 | 425 | 429 => true,
            400 => self.code.as_deref() == Some("RequestTimeout"),
            status => status >= 500 && status != 501 && status != 505,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Answer {}
