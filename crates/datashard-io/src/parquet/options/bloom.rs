//! Bloom filters: which columns have one, and how large it may grow.
//!
//! The crate makes a filter for a number of distinct values and folds it in the end to the size that its values need. So whether a table
//! wants filters to find their size themselves is all the same here; its limit in bytes holds.

use datashard_spec::property::PropertyWarning;
use datashard_spec::property::parquet as key;
use datashard_spec::schema::PrimitiveType;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;

use super::Reader;

/// The smallest filter, in bytes.
const MIN_BYTES: u64 = 32;

/// Sets the filter of a column. Booleans, shapes and variants have none.
pub(super) fn set(
    reader: &mut Reader<'_>,
    builder: WriterPropertiesBuilder,
    full_name: &str,
    value_type: Option<&PrimitiveType>,
    path: ColumnPath,
) -> WriterPropertiesBuilder {
    if !reader.column(&key::BLOOM_FILTER_ENABLED_COLUMN, full_name) {
        return builder;
    }
    let is_possible = !matches!(
        value_type,
        None | Some(
            PrimitiveType::Boolean
                | PrimitiveType::Unknown
                | PrimitiveType::Geometry(_)
                | PrimitiveType::Geography(..)
        )
    );
    if !is_possible {
        let key = format!("{}{full_name}", key::BLOOM_FILTER_ENABLED_COLUMN.prefix);
        let warning = PropertyWarning::new(key, "true", "false");
        if !reader.warnings.contains(&warning) {
            reader.warnings.push(warning);
        }
        return builder;
    }
    let fpp = reader.column(&key::BLOOM_FILTER_FPP_COLUMN, full_name);
    let most = most_distinct(reader.value(&key::BLOOM_FILTER_MAX_BYTES), fpp);
    let expected = reader.column(&key::BLOOM_FILTER_NDV_COLUMN, full_name);
    let distinct = expected.unwrap_or(most).clamp(1, most);
    builder
        .set_column_bloom_filter_enabled(path.clone(), true)
        .set_column_bloom_filter_fpp(path.clone(), fpp)
        .set_column_bloom_filter_max_ndv(path, distinct)
}

/// How many distinct values a filter of at most so many bytes holds with this share of false positives; at least 1. Filters take a power
/// of two of bytes.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a size by estimate; conversions of floats saturate"
)]
fn most_distinct(max_bytes: u64, fpp: f64) -> u64 {
    let bytes = 1_u64 << max_bytes.max(MIN_BYTES).ilog2();
    let bits_per_value = -8.0 / (1.0 - fpp.powf(1.0 / 8.0)).ln();
    ((bytes as f64 * 8.0 / bits_per_value) as u64).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::bloom_filter::Sbbf;

    #[test]
    fn a_filter_for_the_most_distinct_values_keeps_to_its_limit() {
        for max_bytes in [32, 33, 1000, 1024, 1 << 20, (1 << 20) + 5] {
            for fpp in [0.001, 0.01, 0.5] {
                let filter = Sbbf::new_with_ndv_fpp(most_distinct(max_bytes, fpp), fpp).unwrap();
                let mut bytes = Vec::new();
                filter.write_bitset(&mut bytes).unwrap();
                assert!(
                    u64::try_from(bytes.len()).unwrap() <= max_bytes,
                    "{max_bytes} {fpp} {}",
                    bytes.len()
                );
            }
        }
    }
}
