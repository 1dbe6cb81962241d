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
            // S3 finds out after the head of a success that it failed, and says so in the body.
            200..300 => matches!(
                self.code.as_deref(),
                Some("InternalError" | "SlowDown" | "ServiceUnavailable" | "RequestTimeout")
            ),
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

/// No credentials could be had: the request that needed them was not sent.
#[cfg(feature = "cloud")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoCredentials {
    /// Who was asked for them: the host.
    pub(crate) service: String,
    /// Whether this may pass.
    pub(crate) transient: bool,
    /// What came of it, cut to a sane length.
    pub(crate) detail: String,
}

#[cfg(feature = "cloud")]
impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no credentials from {}: {}", self.service, self.detail)
    }
}

#[cfg(feature = "cloud")]
impl std::error::Error for NoCredentials {}

/// The body of an answer ended before the length that its head announced.
#[cfg(feature = "cloud")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ShortBody {
    /// Bytes announced.
    pub(crate) expected_bytes: u64,
    /// Bytes that came.
    pub(crate) found_bytes: u64,
}

#[cfg(feature = "cloud")]
impl fmt::Display for ShortBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the body ended after {} of {} bytes", self.found_bytes, self.expected_bytes)
    }
}

#[cfg(feature = "cloud")]
impl std::error::Error for ShortBody {}
