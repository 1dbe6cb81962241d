//! From the format that a manifest names to the decoder of it.

use datashard_spec::manifest::FileFormat;

use super::decoder::{Decoder, OpenOptions};
use crate::data_error::DataError;
use crate::file::InputFile;

/// Opens a file in its format.
pub(super) async fn open(
    input: &InputFile,
    format: &FileFormat,
    options: &OpenOptions,
) -> Result<Box<dyn Decoder>, DataError> {
    let _ = options;
    let unsupported = |what: String, advice: &str| {
        Err(DataError::Unsupported {
            place: format!("`{}`", input.location()),
            what,
            advice: advice.to_owned(),
        })
    };
    match format {
        FileFormat::Puffin => {
            unsupported("a Puffin file as a file of rows".to_owned(), "it holds deletion vectors or statistics")
        }
        known @ (FileFormat::Parquet | FileFormat::Avro | FileFormat::Orc) => {
            unsupported(format!("{known} in this build"), "compile with the feature of this format")
        }
        other => unsupported(format!("the file format {other}"), "rewrite the file as Parquet, Avro or ORC"),
    }
}
