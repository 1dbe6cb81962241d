//! What an append refuses, and what it says.

use super::*;

#[test]
fn d5_files_that_lack_a_new_required_column_are_a_conflict() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let mut fields = schema().fields().to_vec();
    fields.push(NestedField::required(3, "n", PrimitiveType::Int));
    let updates = [
        TableUpdate::AddSchema { schema: Schema::new(fields).unwrap() },
        TableUpdate::SetCurrentSchema { schema_id: SchemaId::LAST_ADDED },
    ];
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&updates, &ApplyContext::new(1_000)).unwrap();
    let refusal = table.commit(&append("a")).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Conflict(conflict) if conflict.reason.contains("the schema changed")),
        "{refusal}"
    );
    table.commit(&Append::new(SchemaId(1)).with_file(SPEC, file("a"))).unwrap();
}

#[test]
fn files_that_may_not_be_added_are_refused_and_said_why() {
    let table = TestTable::plain(FormatVersion::V2);
    let mut negative_size = file("a");
    negative_size.file_size_in_bytes = -1;
    let at = |path: &str| {
        let mut file = file("a");
        file.file_path = path.to_owned();
        file
    };
    for (file, expect) in [
        (file("a").with_content(FileContent::PositionDeletes), "holds deletes"),
        (file("a").with_content(FileContent::EqualityDeletes), "holds deletes"),
        (DataFile::new(format!("{LOCATION}/x.puffin"), FileFormat::Puffin, 1, 1), "none of data files"),
        (DataFile::new(format!("{LOCATION}/x"), FileFormat::Parquet, -1, 1), "how many rows"),
        (negative_size, "negative size"),
        (file("a").with_partition(vec![None]), "1 partition values"),
        (at("memory://actions/table2/data/a.parquet"), "outside"),
        (at("memory://actions/table/../x.parquet"), "file of the table"),
        (at("/etc/passwd"), "outside"),
    ] {
        let refusal = table.attempt(&Append::new(SchemaId(0)).with_file(SPEC, file), 1, &[]).unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected { .. }), "{refusal}");
        assert!(reason(refusal.clone()).contains(expect), "{refusal}");
    }
    let refused = |append: &Append, expect: &str| {
        let refusal = table.attempt(append, 1, &[]).unwrap_err();
        assert!(reason(refusal.clone()).contains(expect), "{refusal}");
    };
    refused(&Append::new(SchemaId(0)), "adds no file");
    refused(&append("a").with_file(SPEC, at("memory://actions/table/data/a.parquet")), "named twice");
    refused(&append("a").with_summary_property("total-records", "9"), "cannot be set");
    refused(&append("a").with_summary_property("operation", "delete"), "cannot be set");
    refused(&Append::new(SchemaId(0)).with_file(PartitionSpecId(4), file("a")), "no partition spec 4");
    refused(&Append::new(SchemaId(9)).with_file(SPEC, file("a")), "is not the table's");
    assert!(matches!(TestTable::none().attempt(&append("a"), 1, &[]), Err(Refusal::NoTable)));
}

#[test]
fn a_partition_value_of_another_type_is_refused() {
    let table = TestTable::create(CreateTable::new(schema()).with_partition_spec(by_id(0)));
    for value in [Value::String("x".to_owned()), Value::Long(1), Value::Date(1)] {
        let append = Append::new(SchemaId(0)).with_file(SPEC, file("a").with_partition(vec![Some(value)]));
        let refusal = table.attempt(&append, 1, &[]).unwrap_err();
        assert!(reason(refusal.clone()).contains("partition value"), "{refusal}");
    }
    let null = Append::new(SchemaId(0)).with_file(SPEC, file("a").with_partition(vec![None]));
    assert!(table.attempt(&null, 1, &[]).is_ok());
}

#[test]
fn files_that_nobody_wrote_yet_are_handed_out_and_must_be_what_they_say() {
    let table = TestTable::plain(FormatVersion::V2);
    let bytes = Bytes::from(vec![0; 1_000]);
    let at = |path: &str, bytes: &Bytes| {
        Append::new(SchemaId(0)).with_unwritten_file(SPEC, file("e3-a"), table_path(path), bytes.clone())
    };
    let good = at("data/e3-a.parquet", &bytes);
    assert_eq!(good.payload(), [(table_path("data/e3-a.parquet"), bytes.clone())]);
    assert_eq!(good.oldest_epoch(), Some(MetadataVersion(3)));
    assert!(table.attempt(&good, 1, &[]).is_ok());
    for (bad, expect) in [
        (at("data/e3-b.parquet", &bytes), "no file of that name"),
        (at("data/e3-a.parquet", &bytes.slice(1..)), "says 1000 bytes, and 999 are given"),
    ] {
        let refusal = table.attempt(&bad, 1, &[]).unwrap_err();
        assert!(reason(refusal.clone()).contains(expect), "{refusal}");
    }
}

#[test]
fn c9_a_table_that_asks_for_compressed_metadata_is_not_written() {
    let mut table = TestTable::plain(FormatVersion::V2);
    let gzip = TableUpdate::SetProperties {
        updates: [("write.metadata.compression-codec".to_owned(), "gzip".to_owned())].into(),
    };
    let base = table.base.as_mut().unwrap();
    base.metadata = base.metadata.apply(&[gzip], &ApplyContext::new(1_000)).unwrap();
    assert!(matches!(table.commit(&append("a")), Err(Refusal::Unsupported { .. })));
}

#[test]
fn an_encrypted_table_is_not_written_in_the_clear() {
    let mut table = TestTable::create(CreateTable::new(schema()).with_property("encryption.key-id", "k1"));
    let refusal = table.commit(&append("a")).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Unsupported { reason, .. } if reason.contains("encrypted")),
        "{refusal}"
    );
}
