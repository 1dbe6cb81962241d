//! Dictionaries and runs, written out.

use arrow::array::{Array, ArrayRef, AsArray, RunArray, UInt64Array, downcast_dictionary_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Int16Type, Int32Type, Int64Type, RunEndIndexType};

use super::At;
use crate::data_error::DataError;

/// The array without dictionaries and runs at its top.
pub(super) fn unpack(array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef, DataError> {
    let unpacked = match array.data_type() {
        DataType::Dictionary(..) => {
            downcast_dictionary_array!(
                array => take(array.values(), array.keys(), None).map_err(|error| at.not_taken(error))?,
                other => return Err(at.wrong_type(other, &"a dictionary", ""))
            )
        }
        DataType::RunEndEncoded(run_ends, _) => match run_ends.data_type() {
            DataType::Int16 => runs::<Int16Type>(array, at)?,
            DataType::Int32 => runs::<Int32Type>(array, at)?,
            _ => runs::<Int64Type>(array, at)?,
        },
        _ => return Ok(ArrayRef::clone(array)),
    };
    unpack(&unpacked, at)
}

fn runs<R: RunEndIndexType>(array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef, DataError> {
    let runs: &RunArray<R> = array.as_run_opt().ok_or_else(|| at.internal("run ends of another type"))?;
    let first = runs.get_start_physical_index();
    // How long each run is, in what the array shows of it; the values stand for all of it, sliced or not.
    let mut taken = Vec::with_capacity(runs.len());
    let mut start = 0_usize;
    for (at_run, end) in runs.run_ends().sliced_values().enumerate() {
        let end = arrow::datatypes::ArrowNativeType::as_usize(end).min(runs.len());
        let run = u64::try_from(first.saturating_add(at_run)).unwrap_or(u64::MAX);
        taken.extend(std::iter::repeat_n(run, end.saturating_sub(start)));
        start = end.max(start);
    }
    take(runs.values(), &UInt64Array::from(taken), None).map_err(|error| at.not_taken(error))
}
