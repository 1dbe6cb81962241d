//! The formats that files are written in, chosen by [`WriteOptions`].

use std::sync::Arc;

use datashard_spec::property::WriteFormat;
use datashard_spec::schema::Schema;

use super::files::BeginFile;
use super::format_writer::FormatWriter;
use super::options::WriteOptions;
use crate::data_error::DataError;
use crate::file::OutputFile;

/// Files of the options' format with rows of one schema.
pub(crate) struct TableFormat {
    schema: Arc<Schema>,
    options: WriteOptions,
}

impl TableFormat {
    pub(crate) fn new(schema: Arc<Schema>, options: &WriteOptions) -> Self {
        Self { schema, options: options.clone() }
    }
}

impl BeginFile for TableFormat {
    fn begin(&self, output: OutputFile) -> Result<Box<dyn FormatWriter>, DataError> {
        match self.options.format {
            #[cfg(feature = "parquet")]
            WriteFormat::Parquet => crate::parquet::write::ParquetFileWriter::new(
                output,
                &self.schema,
                &self.options.parquet,
                &self.options.metrics,
            ),
            #[cfg(feature = "avro-data")]
            WriteFormat::Avro => crate::avro::write::AvroFileWriter::new(
                output,
                &self.schema,
                &self.options.avro,
                &self.options.metrics,
            ),
            // The options were refused when they were made.
            other => Err(DataError::Unsupported {
                place: output.location().to_owned(),
                what: format!("writing {}", other.as_str()),
                advice: "set the format to one that this build writes".to_owned(),
            }),
        }
    }

    fn extension(&self) -> &'static str {
        match self.options.format {
            WriteFormat::Avro => ".avro",
            WriteFormat::Orc => ".orc",
            _ => ".parquet",
        }
    }
}
