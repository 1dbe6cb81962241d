//! Files of every format by other writers, damaged in every way.

use super::child::contained;
use super::{Sample, Tally, damaged, read};

/// Reads a file as it is, then copies of it with every kind of damage.
pub(crate) fn survives_damage(sample: &Sample, cases: usize) {
    let rows = read(sample, &sample.bytes, true).unwrap_or_else(|e| panic!("{}: {e}", sample.location));
    assert!(rows > 0, "{} has no rows", sample.location);
    let mut tally = Tally::default();
    damaged(&sample.bytes, cases, |what, bytes| tally.try_copy(sample, what, bytes));
    tally.finish(&sample.location);
}

macro_rules! damaged {
    ($($name:ident: $table:literal, $ending:literal, $cases:literal;)*) => {$(
        #[test]
        fn $name() {
            contained(concat!(module_path!(), "::", stringify!($name)), || {
                survives_damage(&Sample::of_table($table, $ending), $cases);
            });
        }
    )*};
}

damaged! {
    avro_with_every_type_survives_damage: "iceberg-java/types_all_avro", "avro", 70;
    avro_with_nested_columns_survives_damage: "iceberg-java/avro_data", "avro", 70;
    avro_position_deletes_survive_damage: "iceberg-java/avro_position_deletes", "avro", 70;
    avro_of_mixed_tables_survives_damage: "iceberg-java/mixed_formats", "avro", 70;

    orc_with_every_type_survives_damage: "iceberg-java/types_all_orc", "orc", 70;
    orc_with_nested_columns_survives_damage: "iceberg-java/orc_data", "orc", 70;
    orc_position_deletes_survive_damage: "iceberg-java/orc_position_deletes", "orc", 70;

    parquet_with_every_type_survives_damage: "iceberg-java/types_all", "parquet", 50;
    parquet_with_nested_columns_survives_damage: "iceberg-java/nested", "parquet", 50;
    parquet_with_many_pages_survives_damage: "iceberg-java/parquet_codecs", "parquet", 50;
    parquet_without_ids_survives_damage: "iceberg-java/imported_int96", "parquet", 50;
    // No checksums: damage gets further.
    parquet_of_pyiceberg_survives_damage: "iceberg-other/pyiceberg_basic", "parquet", 60;
    parquet_of_clickhouse_survives_damage: "iceberg-other/clickhouse_basic", "parquet", 60;
}
