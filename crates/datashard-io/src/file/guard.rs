//! The boundary around decoders that are not ours: what they do on damaged bytes ends in an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::data_error::DataError;

/// Runs a decoder on bytes of a file; a panic becomes an error that names the place.
///
/// Whatever `decode` borrowed mutably is in an unknown state after a panic and must not be used again.
pub(crate) fn guard<T>(
    file: &str,
    place: impl Fn() -> String,
    decode: impl FnOnce() -> Result<T, DataError>,
) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        Err(DataError::Panicked { file: file.to_owned(), place: place(), message: message.to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_file_and_place() {
        let error =
            guard::<()>("f.parquet", || "row group 3".to_owned(), || panic!("index {}", 7)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`f.parquet`, row group 3: the decoder failed on damaged bytes (index 7)"
        );
    }
}
