//! Data files, read whole: what comes out is sound, what does not says which file it is about.

use std::sync::Arc;

use datashard_io::arrow::array::Array;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{Bytes, DataError, InputFile};
use datashard_spec::manifest::FileFormat;
use datashard_spec::metadata::TableMetadata;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use futures_util::StreamExt;

const LOCATION: &str = "memory:///fuzzed";
const MEMORY_LIMIT_BYTES: u64 = 16 << 20;
/// Few bytes can stand for many rows: more than these are not asked for.
const ROWS: usize = 20_000;

/// A way to read a file: as a table whose files are among the seeds.
pub struct Table {
    schema: Arc<Schema>,
    mapping: Option<Arc<NameMapping>>,
}

/// The tables with these metadata files; each reads position deletes too.
///
/// # Panics
/// If one of them is no metadata.
pub fn tables(metadata: &[&[u8]]) -> Vec<Table> {
    // A decoder's panic is stopped by the reader, and is no finding; the hook of libFuzzer would end the process at once.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    metadata
        .iter()
        .map(|json| {
            let metadata = TableMetadata::from_json(json).expect("a table's metadata");
            let columns = metadata.current_schema().fields().iter().map(|field| {
                let mut field = field.clone();
                field.required = false;
                field
            });
            let positions = [
                NestedField::optional(2_147_483_546, "file_path", PrimitiveType::String),
                NestedField::optional(2_147_483_545, "pos", PrimitiveType::Long),
            ];
            let schema = Schema::new(columns.chain(positions).collect()).expect("a schema");
            let mapping = metadata.properties().get(NameMapping::PROPERTY);
            let mapping = mapping.map(|json| Arc::new(NameMapping::from_json(json).expect("a name mapping")));
            Table { schema: Arc::new(schema), mapping }
        })
        .collect()
}

/// Reads a file as the first table that it opens as, with its checksums and without.
///
/// # Panics
/// If a batch is not sound, or an error does not name the file: that is the finding.
pub fn check(format: &FileFormat, tables: &[Table], file: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let bytes = Bytes::copy_from_slice(file);
    for table in tables {
        let opened = runtime.block_on(read(format, table, bytes.clone(), true));
        let read_without = runtime.block_on(read(format, table, bytes.clone(), false));
        // What cannot be read as one table may be a file of another; what is no file of this format is none anywhere.
        match (opened, read_without) {
            (Err(DataError::WrongType { .. } | DataError::WrongColumns { .. }), _) => {}
            _ => return,
        }
    }
}

async fn read(format: &FileFormat, table: &Table, bytes: Bytes, verify: bool) -> Result<(), DataError> {
    let rows = rows(format, table, bytes, verify).await;
    if let Err(error) = &rows {
        assert!(error.to_string().contains(LOCATION), "{error:?}");
        assert!(!matches!(error, DataError::Internal { .. }), "{error:?}");
    }
    rows
}

async fn rows(format: &FileFormat, table: &Table, bytes: Bytes, verify: bool) -> Result<(), DataError> {
    let mut request = ReadRequest::new(Arc::clone(&table.schema))
        .with_memory_limit_bytes(MEMORY_LIMIT_BYTES)
        .with_verification(verify);
    if let Some(mapping) = &table.mapping {
        request = request.with_name_mapping(Arc::clone(mapping));
    }
    let input = InputFile::in_memory(LOCATION, bytes);
    let mut batches = FileReader::open(input, format, request).await?.into_stream();
    let mut rows = 0;
    while let Some(batch) = batches.next().await {
        let batch = batch?;
        for column in batch.columns() {
            column.to_data().validate_full().expect("a batch that was given out is sound");
        }
        rows += batch.num_rows();
        if rows > ROWS {
            break;
        }
    }
    Ok(())
}
