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
    match format {
        #[cfg(feature = "parquet")]
        FileFormat::Parquet => crate::parquet::read::open(input, options).await,
        #[cfg(feature = "avro-data")]
        FileFormat::Avro => crate::avro::read::open(input, options).await,
        #[cfg(feature = "orc")]
        FileFormat::Orc => crate::orc::read::open(input, options).await,
        FileFormat::Puffin => Err(unsupported(
            input,
            "a Puffin file as a file of rows".to_owned(),
            "it holds deletion vectors or statistics",
        )),
        FileFormat::Unknown(name) => Err(unsupported(
            input,
            format!("the file format {name}"),
            "rewrite the file as Parquet, Avro or ORC",
        )),
        #[allow(unreachable_patterns, reason = "all formats may be compiled in")]
        other => {
            let _ = options;
            Err(unsupported(
                input,
                format!("{other} in this build"),
                "compile with the feature of this format",
            ))
        }
    }
}

fn unsupported(input: &InputFile, what: String, advice: &str) -> DataError {
    DataError::Unsupported { place: format!("`{}`", input.location()), what, advice: advice.to_owned() }
}
