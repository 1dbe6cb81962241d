//! Properties to options, key by key.

use std::collections::BTreeMap;

use datashard_spec::ErrorKind;
use datashard_spec::property::MetricsMode;

use super::*;
use crate::write::testing::schema;

fn parse(
    content: FileContent,
    set: &[(&str, &str)],
) -> Result<(WriteOptions, Vec<PropertyWarning>), DataError> {
    let set: BTreeMap<String, String> = set.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    WriteOptions::from_properties(&schema(), &SortOrder::unsorted(), TableProperties::new(&set), content)
}

/// Format, target size and keys complained of.
fn check(content: FileContent, set: &[(&str, &str)], format: WriteFormat, target: u64, warned: &[&str]) {
    let (options, warnings) = parse(content, set).unwrap();
    assert_eq!((options.format(), options.target_file_size_bytes()), (format, target), "{set:?}");
    assert_eq!(options.content(), content);
    assert_eq!(warnings.iter().map(|w| w.key.as_str()).collect::<Vec<_>>(), warned, "{set:?}");
}

#[test]
fn formats_and_sizes_follow_the_properties() {
    use FileContent::{Data, EqualityDeletes, PositionDeletes};
    use WriteFormat::{Avro, Parquet};
    const DATA: u64 = 512 << 20;
    const DELETES: u64 = 64 << 20;
    let (format, deletes) = ("write.format.default", "write.delete.format.default");
    let (size, delete_size) = ("write.target-file-size-bytes", "write.delete.target-file-size-bytes");
    check(Data, &[], Parquet, DATA, &[]);
    check(PositionDeletes, &[], Parquet, DELETES, &[]);
    check(Data, &[(format, "AVRO"), (size, "1000")], Avro, 1_000, &[]);
    check(EqualityDeletes, &[(format, "avro"), (size, "1000")], Avro, DELETES, &[]);
    check(EqualityDeletes, &[(format, "avro"), (deletes, "parquet")], Parquet, DELETES, &[]);
    check(PositionDeletes, &[(delete_size, "77")], Parquet, 77, &[]);
    check(Data, &[(deletes, "avro"), (delete_size, "77")], Parquet, DATA, &[]);
    check(Data, &[(format, "lance")], Parquet, DATA, &[format]);
    check(Data, &[(size, "0")], Parquet, DATA, &[size]);
    check(PositionDeletes, &[(format, "lance"), (deletes, "")], Parquet, DELETES, &[format, deletes]);
    check(PositionDeletes, &[(format, "avro"), (deletes, "lance")], Avro, DELETES, &[deletes]);
}

#[test]
fn orc_is_refused_with_advice() {
    use FileContent::{Data, PositionDeletes};
    for (content, set, key) in [
        (Data, ("write.format.default", "orc"), "write.format.default"),
        (PositionDeletes, ("write.format.default", "ORC"), "write.delete.format.default"),
        (PositionDeletes, ("write.delete.format.default", "orc"), "write.delete.format.default"),
    ] {
        let error = parse(content, &[set]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(
            error.to_string().starts_with(key) && error.to_string().contains("parquet or avro"),
            "{error}"
        );
    }
    // Deletes of a table whose data others write as ORC.
    let mixed = [("write.format.default", "orc"), ("write.delete.format.default", "parquet")];
    assert!(parse(PositionDeletes, &mixed).is_ok());
    let error = parse(Data, &[]).unwrap().0.with_format(WriteFormat::Orc).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn metrics_layout_and_granularity_follow_the_properties() {
    let set = [
        ("write.metadata.metrics.default", "full"),
        ("write.metadata.metrics.column.name", "cut"),
        ("write.object-storage.enabled", "true"),
        ("write.object-storage.partitioned-paths", "maybe"),
        ("write.delete.granularity", "file"),
        ("write.data.path", "memory://lake/t/x"),
    ];
    let (options, warnings) = parse(FileContent::Data, &set).unwrap();
    let keys: Vec<&str> = warnings.iter().map(|w| w.key.as_str()).collect();
    assert_eq!(keys, ["write.metadata.metrics.column.name", "write.object-storage.partitioned-paths"]);
    assert_eq!(options.metrics.mode(datashard_spec::id::FieldId(1)), MetricsMode::Full);
    assert_eq!(options.layout, Layout::ObjectStorage { partitioned: true });
    assert_eq!(options.delete_granularity, DeleteGranularity::File);
    assert_eq!(options.data_path.as_deref(), Some("memory://lake/t/x"));
    let (deletes, _) = parse(FileContent::PositionDeletes, &set).unwrap();
    assert_eq!(*deletes.metrics, MetricsConfig::for_position_deletes());
}

#[test]
fn limits_of_nothing_are_raised_to_one() {
    let options = parse(FileContent::Data, &[]).unwrap().0;
    let options = options.with_target_file_size_bytes(0).with_max_open_files(0);
    assert_eq!((options.target_file_size_bytes, options.max_open_files), (1, 1));
}
