//! Writes data and delete files of every type, format and codec into a folder, and beside them what they hold, as told by the values that
//! went in: for other implementations to read and compare.
//!
//! ```sh
//! cargo run -p datashard-io --features parquet,avro-data --example data_files -- FOLDER
//! ```
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod cases;
mod told;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use datashard_io::context::Context;
use datashard_io::delete::{EqualityDeleteWriter, PositionDeleteWriter};
use datashard_io::row::RowBuilder;
use datashard_io::write::{TableWriter, WriteOptions, WriteResult};
use datashard_io::{StoreOptions, TableStore};
use datashard_spec::id::{FieldId, PartitionSpecId};
use datashard_spec::manifest::FileContent;
use datashard_spec::metadata::FormatVersion;
use datashard_spec::partition::PartitionSpec;
use datashard_spec::property::TableProperties;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use datashard_spec::sort_order::SortOrder;
use datashard_spec::value::{Tuple, Value};

use cases::{Case, FORMATS};
use told::Told;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let store = TableStore::open(&folder, StoreOptions::new()).await?;
    let mut told = Told::default();
    for case in cases::all()? {
        for (name, properties) in FORMATS {
            let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let written = data(&store, &case, &properties).await?;
            let name = format!("{}, {name}", case.name);
            told.add(&store, &name, &case.schema, &case.rows, &written, &case.unreadable_by)?;
        }
    }
    for format in ["parquet", "avro"] {
        deletes(&store, format, &mut told).await?;
    }
    std::fs::write(format!("{folder}/cases.json"), told.json())?;
    println!("{} files written", told.len());
    Ok(())
}

type Properties = BTreeMap<String, String>;

fn options(
    schema: &Schema,
    properties: &Properties,
    content: FileContent,
) -> Result<WriteOptions, Box<dyn Error>> {
    let properties = TableProperties::new(properties);
    let (options, warnings) =
        WriteOptions::from_properties(schema, &SortOrder::unsorted(), properties, content)?;
    if let Some(warning) = warnings.first() {
        return Err(warning.to_string().into());
    }
    Ok(options)
}

/// The rows of a case in one file.
async fn data(
    store: &TableStore,
    case: &Case,
    properties: &Properties,
) -> Result<WriteResult, Box<dyn Error>> {
    let options = options(&case.schema, properties, FileContent::Data)?;
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let mut writer = TableWriter::new(store, &case.schema, &spec, &options, &Context::system())?;
    let mut rows = RowBuilder::new(&case.schema)?;
    for row in &case.rows {
        rows.push_values(row.clone())?;
    }
    writer.write(&rows.finish()?).await?;
    Ok(writer.finish().await?)
}

/// A position-delete file and an equality-delete file.
async fn deletes(store: &TableStore, format: &str, told: &mut Told) -> Result<(), Box<dyn Error>> {
    let properties = Properties::from([("write.delete.format.default".to_owned(), format.to_owned())]);
    let schema = Arc::new(Schema::new(vec![
        NestedField::required(1, "id", PrimitiveType::Long),
        NestedField::optional(2, "name", PrimitiveType::String),
    ])?);
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));

    let position_options = options(&schema, &properties, FileContent::PositionDeletes)?;
    let mut positions =
        PositionDeleteWriter::new(store, &spec, &position_options, FormatVersion::V2, &Context::system())?;
    let hit =
        [("file:///t/data/b.parquet", 7), ("file:///t/data/a.parquet", 0), ("file:///t/data/b.parquet", 3)];
    for (path, position) in hit {
        positions.delete(&[], path, [position]).await?;
    }
    let written = positions.finish().await?;
    let mut rows: Vec<Tuple> = hit
        .iter()
        .map(|(path, position)| {
            let position = i64::try_from(*position)?;
            Ok::<_, Box<dyn Error>>(vec![
                Some(Value::String((*path).to_owned())),
                Some(Value::Long(position)),
            ])
        })
        .collect::<Result<_, _>>()?;
    rows.sort();
    let columns = Schema::new(vec![
        NestedField::required(FieldId::DELETE_FILE_PATH.0, "file_path", PrimitiveType::String),
        NestedField::required(FieldId::DELETE_POS.0, "pos", PrimitiveType::Long),
    ])?;
    told.add(store, &format!("position deletes, {format}"), &columns, &rows, &written, &[])?;

    let equality_options = options(&schema, &properties, FileContent::EqualityDeletes)?;
    let ids = [FieldId(2)];
    let mut equality = EqualityDeleteWriter::new(
        store,
        &schema,
        &spec,
        Some(&ids),
        &equality_options,
        FormatVersion::V2,
        &Context::system(),
    )?;
    let keys = Arc::new(equality.input_schema().clone());
    let rows: Vec<Tuple> = vec![vec![Some(Value::String("ä".to_owned()))], vec![None]];
    let mut batch = RowBuilder::new(&keys)?;
    for row in &rows {
        batch.push_values(row.clone())?;
    }
    equality.write(&batch.finish()?).await?;
    let written = equality.finish().await?;
    told.add(store, &format!("equality deletes, {format}"), &keys, &rows, &written, &[])?;
    Ok(())
}
