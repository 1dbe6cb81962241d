//! The decoder of ORC files: stripes one after the other, each fetched whole as far as it is wanted, then decoded batch by batch.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use orc_rust::proto::stream::Kind as StreamKind;

use super::column::{ColumnReader, Frame, Streams};
use super::fault::{Fault, Place};
use super::prune::{Pruner, without_deleted};
use super::stream::Budget;
use super::stripe::OpenStripe;
use super::tail::{self, Stripe, Tail};
use super::types::Column;
use crate::data_error::DataError;
use crate::file::InputFile;
use crate::file::guard::guard;
use crate::read::decoder::{DecodePlan, Decoded, Decoder, OpenOptions, RowPositions};

/// Fewest rows of a batch that is made smaller because its rows are long.
const MIN_BATCH_ROWS: u64 = 16;
/// Part of the memory limit that a batch should take, by what statistics say of the length of rows.
const BATCH_SHARE: u64 = 4;
/// Unpacked blocks may take so many times the memory that their streams may. Many columns have as many blocks open at once.
const BLOCKS_SHARE: u64 = 2;
/// Streams unpack to so many times their length, where nothing better is known.
const USUAL_RATIO: u64 = 8;

/// Opens an ORC file: reads its tail, with one request unless it is long.
///
/// # Errors
/// `Store` errors; `Corrupt`, `Mismatch`, `TooLarge`, `Unsupported`.
///
/// # Cancel safety
/// Nothing is left behind.
pub(crate) async fn open(input: &InputFile, options: &OpenOptions) -> Result<Box<dyn Decoder>, DataError> {
    Ok(Box::new(open_decoder(input, options).await?))
}

pub(super) async fn open_decoder(input: &InputFile, options: &OpenOptions) -> Result<OrcDecoder, DataError> {
    let tail = tail::read(input, options).await?;
    let schema = schema_of(&tail.root.children);
    Ok(OrcDecoder {
        input: input.clone(),
        file: input.location().into(),
        tail,
        schema,
        run: None,
        finished: false,
    })
}

/// An ORC file that was opened.
pub(super) struct OrcDecoder {
    input: InputFile,
    file: Arc<str>,
    tail: Tail,
    schema: SchemaRef,
    run: Option<Run>,
    /// Whether the last row was given.
    finished: bool,
}

/// What is being decoded.
struct Run {
    columns: Vec<Column>,
    schema: SchemaRef,
    stripes: VecDeque<Stripe>,
    pruner: Option<Pruner>,
    wanted: Wanted,
    current: Option<Current>,
}

/// What to decode, as far as it does not say which columns.
pub(super) struct Wanted {
    pub(super) deleted: Arc<[Range<u64>]>,
    pub(super) byte_range: Option<Range<u64>>,
    pub(super) batch_rows: usize,
    pub(super) memory_limit_bytes: u64,
}

/// The stripe at hand.
struct Current {
    stripe: Stripe,
    readers: Vec<ColumnReader>,
    /// Rows to decode, counted from the first of the stripe.
    rows: VecDeque<Range<u64>>,
    /// The row at which the readers stand.
    at: u64,
    batch_rows: u64,
}

#[async_trait]
impl Decoder for OrcDecoder {
    fn file_schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.tail.row_count)
    }

    async fn begin(&mut self, plan: DecodePlan) -> Result<SchemaRef, DataError> {
        let pruner =
            plan.filter.as_ref().map(|filter| Pruner::new(filter, |id| plan.resolution.leaf(id), &self.tail));
        let wanted = Wanted {
            deleted: plan.deleted,
            byte_range: plan.byte_range,
            batch_rows: plan.batch_rows,
            memory_limit_bytes: plan.memory_limit_bytes,
        };
        self.start(plan.resolution.leaves(), pruner, wanted)
    }

    async fn next(&mut self) -> Result<Option<Decoded>, DataError> {
        if self.finished {
            return Ok(None);
        }
        // Neither an error nor a call that was dropped may look like the end of the file.
        let Some(mut run) = self.run.take() else {
            return Err(DataError::internal(
                "an ORC file is read on after a call that failed or was dropped",
            ));
        };
        let decoded = run.next(&self.input, &self.file, &self.tail).await?;
        self.finished = decoded.is_none();
        self.run = Some(run);
        Ok(decoded)
    }
}

impl OrcDecoder {
    /// The number of primitive columns.
    #[cfg(test)]
    pub(super) fn leaf_count(&self) -> usize {
        self.tail.root.leaf_count
    }

    /// Begins to decode these primitive columns, counted depth first.
    pub(super) fn start(
        &mut self,
        leaves: &[usize],
        pruner: Option<Pruner>,
        wanted: Wanted,
    ) -> Result<SchemaRef, DataError> {
        let place = Place::part(&self.file, "columns");
        let columns = self
            .tail
            .root
            .children
            .iter()
            .filter_map(|column| column.project(leaves).transpose())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|fault| place.error(fault, 0))?;
        let schema = schema_of(&columns);
        let is_wanted = |stripe: &&Stripe| {
            stripe.row_count > 0
                && wanted.byte_range.as_ref().is_none_or(|range| range.contains(&stripe.start))
                && pruner
                    .as_ref()
                    .is_none_or(|pruner| pruner.stripe_may_match(&self.tail, stripe.number, stripe.row_count))
                && !without_deleted(
                    vec![Range { start: 0, end: stripe.row_count }],
                    &wanted.deleted,
                    stripe.first_row,
                )
                .is_empty()
        };
        let stripes = self.tail.stripes.iter().filter(is_wanted).copied().collect();
        self.run = Some(Run { columns, schema: Arc::clone(&schema), stripes, pruner, wanted, current: None });
        Ok(schema)
    }
}

impl Run {
    async fn next(
        &mut self,
        input: &InputFile,
        file: &Arc<str>,
        tail: &Tail,
    ) -> Result<Option<Decoded>, DataError> {
        loop {
            if let Some(current) = &mut self.current {
                let place = || format!("stripe {}", current.stripe.number);
                let number = place();
                let (schema, wanted) = (&self.schema, &self.wanted);
                let decoded = guard(file, || number.clone(), || current.next(file, schema, wanted))?;
                if decoded.is_some() {
                    return Ok(decoded);
                }
                self.current = None;
            }
            let Some(stripe) = self.stripes.pop_front() else { return Ok(None) };
            self.current = Some(self.open(input, file, tail, stripe).await?);
        }
    }

    async fn open(
        &self,
        input: &InputFile,
        file: &Arc<str>,
        tail: &Tail,
        stripe: Stripe,
    ) -> Result<Current, DataError> {
        let limit_bytes = self.wanted.memory_limit_bytes;
        let place = Place::part(file, format!("stripe {}", stripe.number));
        let mut open = OpenStripe::open(input, file, tail, stripe, limit_bytes).await?;
        let all = Range { start: 0, end: stripe.row_count };
        let mut rows = vec![all];
        if let Some(pruner) = &self.pruner
            && tail.row_group_rows > 0
            && tail.row_group_rows < stripe.row_count
        {
            let columns = pruner.columns().collect();
            open.load(input, file, &columns, true, limit_bytes).await?;
            rows = guard(
                file,
                || format!("index of stripe {}", stripe.number),
                || pruner.rows(tail, &open, limit_bytes).map_err(|fault| place.error(fault, 0)),
            )?;
        }
        let rows: VecDeque<_> = without_deleted(rows, &self.wanted.deleted, stripe.first_row).into();
        let batch_rows = self.batch_rows(tail, &stripe);
        if rows.is_empty() {
            return Ok(Current { stripe, readers: Vec::new(), rows, at: 0, batch_rows });
        }
        let columns: HashSet<u32> =
            self.columns.iter().flat_map(Column::all).map(|column| column.index).collect();
        open.load(input, file, &columns, false, limit_bytes).await?;
        let readers = guard(
            file,
            || format!("stripe {}", stripe.number),
            || {
                if !open
                    .stream(0, StreamKind::Present)
                    .is_ok_and(|bytes| bytes.is_none_or(|bytes| bytes.is_empty()))
                {
                    return Err(place.error(Fault::Unsupported("rows that are null".to_owned()), 0));
                }
                let budget = Budget::new(limit_bytes.saturating_mul(BLOCKS_SHARE));
                let streams = Streams { file, stripe: &open, compression: tail.compression, budget };
                self.columns.iter().map(|column| streams.reader(column)).collect()
            },
        )?;
        Ok(Current { stripe, readers, rows, at: 0, batch_rows })
    }

    /// Rows of a batch of a stripe: fewer than asked for where they are so long that a batch would not fit the memory limit.
    fn batch_rows(&self, tail: &Tail, stripe: &Stripe) -> u64 {
        let asked = u64::try_from(self.wanted.batch_rows).unwrap_or(u64::MAX).max(1);
        let mut bytes = 0_u64;
        match tail.statistics.get(stripe.number) {
            None => bytes = stripe.end.saturating_sub(stripe.start).saturating_mul(USUAL_RATIO),
            Some(statistics) => {
                for column in self.columns.iter().flat_map(Column::all) {
                    let index = usize::try_from(column.index).unwrap_or(usize::MAX);
                    let Some(found) = statistics.col_stats.get(index) else { continue };
                    let text = found.string_statistics.as_ref().and_then(|text| text.sum);
                    let length = text.or(found.binary_statistics.as_ref().and_then(|binary| binary.sum));
                    let length = u64::try_from(length.unwrap_or(0)).unwrap_or(0);
                    let values =
                        if column.repeated { found.number_of_values.unwrap_or(0) } else { stripe.row_count };
                    bytes = bytes.saturating_add(values.saturating_mul(8)).saturating_add(length);
                }
            }
        }
        let row_bytes = bytes.checked_div(stripe.row_count).unwrap_or(0).max(1);
        let rows = |bytes: u64| bytes.checked_div(row_bytes).unwrap_or(asked);
        let limit = self.wanted.memory_limit_bytes;
        let least = MIN_BATCH_ROWS.min(rows(limit / 2)).max(1);
        asked.min(rows(limit / BATCH_SHARE).max(least))
    }
}

impl Current {
    fn next(
        &mut self,
        file: &Arc<str>,
        schema: &SchemaRef,
        wanted: &Wanted,
    ) -> Result<Option<Decoded>, DataError> {
        let Some(range) = self.rows.front_mut() else { return Ok(None) };
        let skipped = usize::try_from(range.start.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = range.end.saturating_sub(range.start).min(self.batch_rows);
        let start = range.start;
        range.start = start.saturating_add(count);
        self.at = range.start;
        if range.is_empty() {
            self.rows.pop_front();
        }
        let first_row = self.stripe.first_row.saturating_add(start);
        let frame = Frame::new(first_row, wanted.memory_limit_bytes);
        let rows = usize::try_from(count).unwrap_or(usize::MAX);
        let mut arrays = Vec::with_capacity(self.readers.len());
        for reader in &mut self.readers {
            if skipped > 0 {
                reader.skip(skipped, None)?;
            }
            arrays.push(reader.read(rows, None, &frame)?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options).map_err(|error| {
                DataError::undecodable(&**file, format!("stripe {}", self.stripe.number), error)
            })?;
        Ok(Some(Decoded { batch, positions: RowPositions::From(first_row) }))
    }
}

fn schema_of(columns: &[Column]) -> SchemaRef {
    let fields: Vec<_> = columns.iter().map(|column| Arc::clone(&column.field)).collect();
    Arc::new(ArrowSchema::new(fields))
}
