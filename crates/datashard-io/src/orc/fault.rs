//! What decoders of streams find wrong, and where: the error is made once both are known.

use std::sync::Arc;

use crate::data_error::DataError;

/// What is wrong with a stream.
#[derive(Debug)]
pub(super) enum Fault {
    /// Bytes that no writer leaves.
    Damaged(String),
    /// More memory than is allowed.
    TooLarge {
        /// Bytes claimed.
        bytes: u64,
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// A value that its column cannot hold, by its place in the batch.
    Value(usize, String),
    /// Legal, but not supported.
    Unsupported(String),
}

impl Fault {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }

    /// A stream that ends before its values do.
    pub(super) fn ended() -> Self {
        Self::damaged("a stream ends before its values do")
    }
}

/// Where in a file: a message of it, a stripe, or a column of a stripe.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) what: Arc<str>,
    /// Full name of the column, if it is one.
    pub(super) column: Arc<str>,
}

impl Place {
    /// A part of the file that is no column.
    pub(super) fn part(file: &Arc<str>, what: impl Into<Arc<str>>) -> Self {
        Self { file: Arc::clone(file), what: what.into(), column: Arc::from("") }
    }

    /// The error of a fault here, in a batch that starts at `first_row` of the file.
    pub(super) fn error(&self, fault: Fault, first_row: u64) -> DataError {
        match fault {
            Fault::Damaged(reason) => DataError::corrupt(&*self.file, &*self.what, reason),
            Fault::TooLarge { bytes, limit_bytes } => DataError::TooLarge {
                file: self.file.to_string(),
                place: self.what.to_string(),
                bytes,
                limit_bytes,
            },
            Fault::Value(index, reason) => DataError::BadValue {
                place: format!("`{}`, {}", self.file, self.what),
                row: first_row.saturating_add(u64::try_from(index).unwrap_or(u64::MAX)),
                column: self.column.to_string(),
                reason,
            },
            Fault::Unsupported(what) => DataError::Unsupported {
                place: format!("`{}`, {}", self.file, self.what),
                what,
                advice: "write the file anew in another format or with other settings".to_owned(),
            },
        }
    }
}
