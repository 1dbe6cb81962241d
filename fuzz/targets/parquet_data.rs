//! Parquet data files, with their checksums heeded and not.

#![no_main]

use std::sync::OnceLock;

use datashard_fuzz::data_file::{Table, check, tables};
use datashard_fuzz::fits;
use datashard_spec::manifest::FileFormat;
use libfuzzer_sys::fuzz_target;

static TABLES: OnceLock<Vec<Table>> = OnceLock::new();

fuzz_target!(|input: &[u8]| {
    if !fits(input) {
        return;
    }
    let tables = TABLES.get_or_init(|| {
        tables(&[
            include_bytes!("../../testdata/iceberg-java/types_all/metadata/v3.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/types_spark/metadata/v4.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/nested/metadata/v4.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/schema_evolution_nested/metadata/v11.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/imported_int96/metadata/v3.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/types_timestamp_ns/metadata/v2.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/types_variant/metadata/v2.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/parquet_codecs/metadata/v13.metadata.json"),
        ])
    });
    check(&FileFormat::Parquet, tables, input);
});
