//! Damage done to data files: every reader answers with rows or with an error that names the file. No panic gets out, nothing aborts,
//! memory stays bounded, nothing runs for ever.
//!
//! Each test runs in a process of its own, whose address space is limited: a length that a decoder believes ends that process, and fails
//! the test. A watchdog ends one that no longer gets on.

#![expect(clippy::print_stdout, reason = "what was found is shown with a failure")]

mod bombs;
mod child;
mod formats;
mod mutate;
mod own;
mod sample;

use std::collections::BTreeMap;

use datashard_io::arrow::array::Array;
use datashard_io::read::{FileReader, ReadRequest};
use datashard_io::{Bytes, DataError, InputFile};
use futures_util::StreamExt;

pub(crate) use sample::Sample;

/// What a reader may hold of a file.
const MEMORY_LIMIT_BYTES: u64 = 16 << 20;
/// Few bytes can stand for many rows: more than these are not asked for.
const ROWS: usize = 50_000;

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
            match read(sample, bytes, verify) {
                Ok(_) => self.read += 1,
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        text.contains(&sample.location),
                        "{what}: {error:?} does not name the file {}",
                        sample.location
                    );
                    assert!(
                        !matches!(error, DataError::Internal { .. }),
                        "{}, {what}: {text}",
                        sample.location
                    );
                    if let DataError::Panicked { place, message, .. } = error {
                        *self.panicked.entry(format!("{place}: {message}")).or_default() += 1;
                    }
                    self.refused += 1;
                }
            }
        }
    }

    /// Says what was found, and checks that damage was done at all.
    pub(crate) fn finish(self, sample: &Sample) {
        println!("{}: {} read, {} refused", sample.location, self.read, self.refused);
        for (message, times) in &self.panicked {
            println!("  stopped a panic, {times} times: {message}");
        }
        assert!(self.refused > 0, "no damage to {} was ever noticed", sample.location);
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
