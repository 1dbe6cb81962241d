//! Few bytes that claim to be many: each is refused, or read in small pieces, within the memory limit.

mod avro;
mod orc;
mod parquet;

use datashard_io::DataError;
use datashard_spec::error::ErrorKind;

use super::{Sample, child, read};

/// Reads a bomb with checksums and without. It may be refused, with an error that names the file, or give rows that fit.
fn defuse(sample: &Sample) -> Vec<Result<usize, DataError>> {
    child::now_at(&sample.location);
    [true, false]
        .map(|verify| {
            let answer = read(sample, &sample.bytes, verify);
            if let Err(error) = &answer {
                let text = error.to_string();
                println!("{text}");
                assert!(text.contains(&sample.location), "{error:?} does not name {}", sample.location);
                assert!(!matches!(error, DataError::Panicked { .. }), "{text}");
            }
            answer
        })
        .into()
}

/// Reads a bomb that no reader can take.
fn refuse(sample: &Sample) {
    for answer in defuse(sample) {
        let error = answer.err().unwrap_or_else(|| panic!("{} was read", sample.location));
        // A reader that does not know the format would refuse it too, and prove nothing.
        let kinds = [ErrorKind::InvalidData, ErrorKind::InvalidInput];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
}

/// Reads a bomb that takes more than the limit wherever it is begun.
fn refuse_as_too_large(sample: &Sample) {
    for answer in defuse(sample) {
        let error = answer.err().unwrap_or_else(|| panic!("{} was read", sample.location));
        assert!(matches!(error, DataError::TooLarge { .. }), "{error:?}");
    }
}

/// Reads a bomb in batches that are small enough.
fn read_in_pieces(sample: &Sample, rows: usize) {
    child::now_at(&sample.location);
    let answer = read(sample, &sample.bytes, true);
    assert_eq!(answer.unwrap_or_else(|e| panic!("{e}")), rows);
}
