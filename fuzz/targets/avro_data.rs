//! Avro data files, with their checksums heeded and not.

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
            include_bytes!("../../testdata/iceberg-java/types_all_avro/metadata/v2.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/avro_data/metadata/v7.metadata.json"),
            include_bytes!("../../testdata/iceberg-java/mixed_formats/metadata/v5.metadata.json"),
        ])
    });
    check(&FileFormat::Avro, tables, input);
});
