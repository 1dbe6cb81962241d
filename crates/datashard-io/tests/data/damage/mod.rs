//! Damage done to data files: every reader answers with rows or with an error that names the file. No panic gets out, nothing aborts,
//! memory stays bounded, nothing runs for ever.
//!
//! Each test runs in a process of its own, whose address space is limited: a length that a decoder believes ends that process, and fails
//! the test. A watchdog ends one that no longer gets on.

#![expect(clippy::print_stdout, reason = "what was found is shown with a failure")]

mod bombs;
mod child;
mod deletes;
mod formats;
mod mutate;
mod own;
mod sample;

use std::collections::BTreeMap;

use datashard_io::arrow::array::Array;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{Bytes, DataError, InputFile};
use datashard_spec::error::ErrorKind;
use futures_util::StreamExt;

use mutate::{bits_flipped, numbers_that_lie, shortened, stretches_moved, truncated};
pub(crate) use sample::Sample;

/// What a reader may hold of a file.
const MEMORY_LIMIT_BYTES: u64 = 16 << 20;
/// Few bytes can stand for many rows: more than these are not asked for.
const ROWS: usize = 50_000;

/// Calls `with` for a file with every kind of damage.
pub(crate) fn damaged(good: &[u8], cases: usize, mut with: impl FnMut(&str, &[u8])) {
    truncated(good, cases, &mut with);
    shortened(good, cases, &mut with);
    bits_flipped(good, cases, &mut with);
    numbers_that_lie(good, cases, &mut with);
    stretches_moved(good, cases, &mut with);
}

/// What became of the copies of a file.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    read: usize,
    refused: usize,
    panicked: BTreeMap<String, usize>,
}

impl Tally {
    /// Reads one damaged copy. Panics if anything but rows or an error about this file comes of it.
    pub(crate) fn try_copy(&mut self, sample: &Sample, what: &str, bytes: &[u8]) {
        child::now_at(&format!("{}: {what}", sample.location));
        for verify in [true, false] {
            let answer = read(sample, bytes, verify);
            self.note(&sample.location, what, answer.map(drop));
        }
    }

    /// Counts what came of a damaged copy. Panics if an error is not about this file.
    pub(crate) fn note(&mut self, location: &str, what: &str, answer: Result<(), DataError>) {
        let Err(error) = answer else {
            self.read += 1;
            return;
        };
        let text = error.to_string();
        assert!(text.contains(location), "{what}: {error:?} does not name the file {location}");
        let kinds = [ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::Unsupported];
        assert!(kinds.contains(&error.kind()), "{location}, {what}: {error:?}");
        if let DataError::Panicked { place, message, .. } = error {
            *self.panicked.entry(format!("{place}: {message}")).or_default() += 1;
        }
        self.refused += 1;
    }

    /// Says what was found, and checks that damage was done at all.
    pub(crate) fn finish(self, location: &str) {
        println!("{location}: {} read, {} refused", self.read, self.refused);
        for (message, times) in &self.panicked {
            println!("  stopped a panic, {times} times: {message}");
        }
        assert!(self.refused > 0, "no damage to {location} was ever noticed");
    }
}

/// Rows of a file, up to a limit; each batch is checked down to its last offset.
pub(crate) fn read(sample: &Sample, bytes: &[u8], verify: bool) -> Result<usize, DataError> {
    let request = ReadRequest::new(sample.schema.clone())
        .with_memory_limit_bytes(MEMORY_LIMIT_BYTES)
        .with_verification(verify);
    let request = match &sample.mapping {
        Some(mapping) => request.with_name_mapping(mapping.clone()),
        None => request,
    };
    let input = InputFile::in_memory(sample.location.as_str(), Bytes::copy_from_slice(bytes));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut batches = FileReader::open(input, &sample.format, request).await?.into_stream();
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
        Ok(rows)
    })
}
