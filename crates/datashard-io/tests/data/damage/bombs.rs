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
        let kinds = [ErrorKind::InvalidData, ErrorKind::InvalidInput, ErrorKind::Unsupported];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
}
