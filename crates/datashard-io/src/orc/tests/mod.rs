//! ORC files of other writers, read whole, in parts, through filters, and damaged.
#![allow(clippy::as_conversions, clippy::arithmetic_side_effects, reason = "tests")]

mod compare;
mod damage;
mod files;
mod oracle;
mod parts;
mod prune;
mod requests;
mod values;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use super::prune::Pruner;
use super::read::{OrcDecoder, Wanted, open_decoder};
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::read::decoder::{Decoded, Decoder, OpenOptions, RowPositions};

const MIB: u64 = 1 << 20;

/// How tests decode.
pub(super) struct How {
    pub(super) leaves: Option<Vec<usize>>,
    pub(super) pruner: Option<Pruner>,
    pub(super) deleted: Vec<Range<u64>>,
    pub(super) byte_range: Option<Range<u64>>,
    pub(super) batch_rows: usize,
    pub(super) memory_limit_bytes: u64,
}

impl Default for How {
    fn default() -> Self {
        Self {
            leaves: None,
            pruner: None,
            deleted: Vec::new(),
            byte_range: None,
            batch_rows: 1000,
            memory_limit_bytes: 64 * MIB,
        }
    }
}

fn testdata(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(path)
}

fn bytes(name: &str) -> Bytes {
    let path = testdata(&format!("orc-other/{name}.orc"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into()
}

async fn open(bytes: Bytes, limit: u64) -> Result<OrcDecoder, DataError> {
    let input = InputFile::in_memory("test.orc", bytes);
    open_decoder(&input, &OpenOptions { verify: true, memory_limit_bytes: limit }).await
}

async fn decode(bytes: Bytes, how: How) -> Result<(SchemaRef, Vec<Decoded>), DataError> {
    let decoder = open(bytes, how.memory_limit_bytes).await?;
    run(decoder, how).await
}

async fn run(mut decoder: OrcDecoder, how: How) -> Result<(SchemaRef, Vec<Decoded>), DataError> {
    let all = (0..decoder.leaf_count()).collect();
    let wanted = Wanted {
        deleted: how.deleted.into(),
        byte_range: how.byte_range,
        batch_rows: how.batch_rows,
        memory_limit_bytes: how.memory_limit_bytes,
    };
    let schema = decoder.start(&how.leaves.unwrap_or(all), how.pruner, wanted)?;
    let mut batches = Vec::new();
    while let Some(decoded) = decoder.next().await? {
        assert_eq!(decoded.batch.schema(), schema);
        batches.push(decoded);
    }
    Ok((schema, batches))
}

/// All rows in one batch, and their positions.
fn whole(schema: &SchemaRef, batches: &[Decoded]) -> (RecordBatch, Vec<u64>) {
    let all: Vec<RecordBatch> = batches.iter().map(|decoded| decoded.batch.clone()).collect();
    let positions = batches.iter().flat_map(positions).collect();
    (arrow::compute::concat_batches(schema, &all).unwrap(), positions)
}

fn positions(decoded: &Decoded) -> Vec<u64> {
    assert!(matches!(decoded.positions, RowPositions::From(_)));
    decoded.positions.iter(decoded.batch.num_rows()).collect()
}

fn message(result: Result<(SchemaRef, Vec<Decoded>), DataError>) -> String {
    result.map(|(_, batches)| format!("no error, {} batches", batches.len())).unwrap_err().to_string()
}
