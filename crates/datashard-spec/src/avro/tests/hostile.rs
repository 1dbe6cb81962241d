//! Files that lie about lengths, counts, types and codecs, or are damaged: errors in bounded time and memory, no panic.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::varint::{put_bytes, put_long};
use super::surgery::Parts;
use super::*;

/// The smallest manifest that there is, and one of its kind with maps.
fn small() -> Parts {
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
    let schema = Schema::new(vec![NestedField::required(1, "id", PrimitiveType::Long)]).unwrap();
    let (options, content) = (WriteOptions::default(), ManifestContent::Data);
    let mut writer =
        ManifestWriter::new(FormatVersion::V2, &schema, &spec, content, SnapshotId(7), &options).unwrap();
    for number in 0..2 {
        writer.add(DataFile { partition: Vec::new(), ..file(number) }).unwrap();
    }
    let mut parts = Parts::of(&writer.finish("m").unwrap().0);
    for column in [
        "column_sizes",
        "null_value_counts",
        "nan_value_counts",
        "upper_bounds",
        "equality_ids",
        "key_metadata",
        "referenced_data_file",
    ] {
        parts = parts.without(column);
    }
    parts.metadata.remove("schema");
    parts
}

fn small_list() -> Parts {
    let snapshot = ListSnapshot::new(SnapshotId(77), SEQUENCE);
    let mut list = ManifestListWriter::new(FormatVersion::V2, snapshot, &WriteOptions::default()).unwrap();
    let (_, row) = write(FormatVersion::V2, &entries(2), &WriteOptions::default());
    list.write(&row).unwrap();
    list.write(&row).unwrap();
    Parts::of(&list.finish().unwrap()).without("key_metadata")
}

/// A container of these header pairs and blocks: count, bytes, and whether the sync marker is right.
fn container(pairs: &[(&str, &[u8])], blocks: &[(i64, &[u8], bool)]) -> Vec<u8> {
    let mut out = b"Obj\x01".to_vec();
    put_long(&mut out, i64::try_from(pairs.len()).unwrap());
    for (key, value) in pairs {
        put_bytes(&mut out, key.as_bytes());
        put_bytes(&mut out, value);
    }
    put_long(&mut out, 0);
    out.extend([7; 16]);
    for (count, bytes, right) in blocks {
        put_long(&mut out, *count);
        put_bytes(&mut out, bytes);
        out.extend([if *right { 7 } else { 8 }; 16]);
    }
    out
}

const ENTRY_SCHEMA: &str = r#"{"type":"record","name":"e","fields":[{"name":"status","type":"int","field-id":0},{"name":"data_file","field-id":2,"type":{"type":"record","name":"f","fields":[{"name":"file_path","type":"string","field-id":100},{"name":"file_format","type":"string","field-id":101},{"name":"record_count","type":"long","field-id":103},{"name":"file_size_in_bytes","type":"long","field-id":104}EXTRA]}}]}"#;

fn schema_with(extra: &str) -> String {
    ENTRY_SCHEMA.replace("EXTRA", extra)
}

/// An entry of that schema, with more after it.
fn raw_entry(more: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_long(&mut out, 1);
    put_bytes(&mut out, b"p");
    put_bytes(&mut out, b"PARQUET");
    put_long(&mut out, 3);
    put_long(&mut out, 4);
    out.extend_from_slice(more);
    out
}

fn plan(bytes: &[u8]) -> Result<usize, SpecError> {
    let mut planner = ManifestPlanner::new(bytes, &[FieldId(1)])?;
    let mut count = 0;
    while planner.next_entry()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Both ways refuse the file as invalid, and soon.
#[expect(clippy::disallowed_methods, reason = "the time that a hostile file takes is what is tested")]
fn refuse(bytes: &[u8], what: &str) -> SpecError {
    let start = Instant::now();
    let error = read(bytes).map(|entries| entries.len()).expect_err(what);
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{what}: {error}");
    let other = plan(bytes).expect_err(what);
    assert_eq!(other.kind(), ErrorKind::InvalidData, "{what}: {other}");
    assert!(start.elapsed() < Duration::from_secs(10), "{what}: {:?}", start.elapsed());
    error
}

#[test]
fn block_counts_and_sizes_that_lie_are_refused() {
    let schema = schema_with("");
    let pairs = [("avro.schema", schema.as_bytes())];
    let two = [raw_entry(&[]), raw_entry(&[])].concat();
    let good = container(&pairs, &[(2, &two, true), (1, &raw_entry(&[]), true), (0, &[], true)]);
    assert_eq!(read(&good).unwrap().len(), 3);
    assert_eq!(plan(&good).unwrap(), 3);
    for (what, count, block) in [
        ("too many", 3, two.as_slice()),
        ("too few", 1, two.as_slice()),
        ("none", 0, two.as_slice()),
        ("negative", -2, two.as_slice()),
        ("more than bytes", i64::MAX, two.as_slice()),
        ("trailing byte", 2, [two.as_slice(), &[0]].concat().as_slice()),
        ("empty", 1, &[]),
    ] {
        refuse(&container(&pairs, &[(count, block, true)]), what);
        // A later block does not hide it.
        refuse(&container(&pairs, &[(count, block, true), (2, &two, true)]), what);
    }
    let error = refuse(&container(&pairs, &[(2, &two, true), (2, &two, false)]), "sync marker");
    assert!(matches!(error, SpecError::Avro(AvroError::Block { block: 1, .. })), "{error}");
    let mut beyond = container(&pairs, &[]);
    put_long(&mut beyond, 1);
    put_long(&mut beyond, i64::MAX);
    refuse(&beyond, "block beyond the file");
}

#[test]
fn headers_that_make_no_sense_are_refused() {
    let schema = schema_with("");
    let pair = ("avro.schema", schema.as_bytes());
    let block: (i64, &[u8], bool) = (1, &raw_entry(&[]), true);
    for (what, pairs) in [
        ("no schema", vec![]),
        ("two schemas", vec![pair, pair]),
        ("two keys", vec![pair, ("x", b"1"), ("x", b"1")]),
        ("not UTF-8", vec![("avro.schema", &b"\xff"[..])]),
        ("not JSON", vec![("avro.schema", &b"{"[..])]),
        ("format-version", vec![pair, ("format-version", b"9")]),
        ("content", vec![pair, ("content", b"rows")]),
        ("partition-spec", vec![pair, ("partition-spec", b"[{}]")]),
    ] {
        refuse(&container(&pairs, &[block]), what);
    }
    let unknown = container(&[pair, ("avro.codec", b"lzo")], &[block]);
    assert_eq!(read(&unknown).unwrap_err().kind(), ErrorKind::Unsupported);
    // A header of many keys is slow for nobody; one that claims more than the file has is refused.
    let keys: Vec<String> = (0..100_000).map(|number| format!("k{number}")).collect();
    let mut many: Vec<(&str, &[u8])> = keys.iter().map(|key| (key.as_str(), &b"v"[..])).collect();
    many.push(pair);
    assert_eq!(read(&container(&many, &[block])).unwrap().len(), 1);
    let mut lies = b"Obj\x01".to_vec();
    put_long(&mut lies, 1 << 62);
    refuse(&lies, "header count");
    refuse(b"", "nothing");
    refuse(b"PAR1", "another format");
}

#[test]
fn schemas_that_explode_are_refused() {
    let deep =
        |open: &str, close: &str| format!("{}\"int\"{}", open.repeat(1_000_000), close.repeat(1_000_000));
    let extra = |name: &str, of: &str| format!(r#",{{"name":"{name}","type":{of}}}"#);
    let laughs = |leaf: &str, levels: usize| {
        let mut fields = extra("l0", &format!(r#"{{"type":"record","name":"L0","fields":[{leaf}]}}"#));
        for level in 1..levels {
            let before = format!(r#"{{"name":"a","type":"L{0}"}},{{"name":"b","type":"L{0}"}}"#, level - 1);
            fields += &extra(
                &format!("l{level}"),
                &format!(r#"{{"type":"record","name":"L{level}","fields":[{before}]}}"#),
            );
        }
        fields
    };
    let block = raw_entry(&[0; 64]);
    for (what, schema) in [
        ("nested unions", deep("[", "]")),
        ("nested arrays", deep(r#"{"type":"array","items":"#, "}")),
        ("nested types", deep(r#"{"type":"#, "}")),
        ("nested records", deep(r#"{"type":"record","name":"r","fields":[{"name":"f","type":"#, "}]}")),
        ("billion laughs", schema_with(&laughs(r#"{"name":"n","type":"int"}"#, 60))),
        ("billion laughs about nothing", schema_with(&laughs("", 60))),
        ("a record in itself", schema_with(&extra("x", r#"{"type":"record","name":"X","fields":[{"name":"x","type":"X"}]}"#))),
        ("a list of itself", schema_with(&extra("x", r#"{"type":"record","name":"X","fields":[{"name":"n","type":["null","X"]}]}"#))),
        ("a partition in itself", schema_with(r#",{"name":"partition","field-id":102,"type":{"type":"record","name":"P","fields":[{"name":"p","type":"P"}]}}"#)),
        ("an entry in itself", r#"{"type":"record","name":"e","fields":[{"name":"status","type":"int"},{"name":"data_file","type":"e"}]}"#.to_owned()),
        ("unknown name", schema_with(&extra("x", "\"Nobody\""))),
        ("negative fixed", schema_with(&extra("x", r#"{"type":"fixed","name":"F","size":-1}"#))),
        ("no record", "\"int\"".to_owned()),
    ] {
        refuse(&container(&[("avro.schema", schema.as_bytes())], &[(1, &block, true)]), what);
    }
    // Many fields of one big type without bytes: each is small, all together are not.
    let nothing =
        (0..900).map(|n| format!(r#"{{"name":"n{n}","type":"null"}}"#)).collect::<Vec<_>>().join(",");
    let mut fields = extra("x", &format!(r#"{{"type":"record","name":"N","fields":[{nothing}]}}"#));
    (0..1000).for_each(|n| fields += &extra(&format!("x{n}"), "\"N\""));
    let schema = schema_with(&fields);
    refuse(&container(&[("avro.schema", schema.as_bytes())], &[(1, &raw_entry(&[]), true)]), "many nothings");
}

#[test]
fn arrays_that_lie_are_refused_when_read_and_when_stepped_over() {
    let map = |key: i32, value: &str| {
        format!(
            r#",{{"name":"m","field-id":{key},"type":{{"type":"array","items":{{"type":"record","name":"p","fields":[{{"name":"key","type":"int"}},{{"name":"value","type":"{value}"}}]}}}}}}"#
        )
    };
    let list = |id: i32, of: &str| {
        format!(r#",{{"name":"l","field-id":{id},"type":{{"type":"array","items":{of}}}}}"#)
    };
    let run = |count: i64, size: Option<i64>, items: &[u8]| {
        let mut out = Vec::new();
        put_long(&mut out, count);
        size.iter().for_each(|size| put_long(&mut out, *size));
        out.extend_from_slice(items);
        put_long(&mut out, 0);
        out
    };
    let cases = [
        // Of each: one item.
        ("longs", map(109, "long"), vec![2, 4]),
        ("sizes", map(108, "long"), vec![2, 4]),
        ("bounds", map(125, "bytes"), vec![2, 2, b'x']),
        ("split offsets", list(132, "\"long\""), vec![8]),
        ("equality ids", list(135, "\"int\""), vec![8]),
        ("extra numbers", list(9001, "\"int\""), vec![8]),
        ("extra texts", list(9001, "\"string\""), vec![2, b'x']),
        ("extra maps", list(9001, r#"{"type":"map","values":"string"}"#), vec![0]),
    ];
    for (what, field, item) in &cases {
        let schema = schema_with(field);
        let pairs = [("avro.schema", schema.as_bytes())];
        let file = |run: &[u8]| container(&pairs, &[(1, &raw_entry(run), true)]);
        let size = i64::try_from(item.len()).unwrap();
        for good in [run(1, None, item), run(-1, Some(size), item)] {
            assert_eq!(read(&file(&good)).unwrap().len(), 1, "{what}");
            assert_eq!(plan(&file(&good)).unwrap(), 1, "{what}");
        }
        for bad in [
            run(1 << 62, None, item),
            run(i64::MIN, Some(size), item),
            run(-2, Some(size), item),
            run(-1, Some(size + 1), item),
            run(-1, Some(size - 1), item),
            run(-1, Some(i64::MAX), item),
            run(-1, Some(-1), item),
        ] {
            refuse(&file(&bad), what);
        }
    }
    // Items without bytes.
    for nothing in
        ["\"null\"", r#"{"type":"record","name":"N","fields":[]}"#, r#"{"type":"fixed","name":"F","size":0}"#]
    {
        let schema = schema_with(&list(9001, nothing));
        let file =
            |run: &[u8]| container(&[("avro.schema", schema.as_bytes())], &[(1, &raw_entry(run), true)]);
        for count in [1_i64 << 62, i64::MAX, i64::MIN] {
            refuse(&file(&run(count, (count < 0).then_some(0), &[])), nothing);
        }
    }
}

#[test]
fn values_that_take_no_bytes_are_refused_before_they_fill_the_memory() {
    let nulls = (0..900).map(|n| format!(r#"{{"name":"n{n}","type":"null"}}"#)).collect::<Vec<_>>().join(",");
    let record = format!(r#"{{"type":"record","name":"N","fields":[{nulls}]}}"#);
    let schema = schema_with(&format!(
        r#",{{"name":"x","field-id":9001,"type":{{"type":"array","items":{record}}}}}"#
    ));
    let mut more = Vec::new();
    put_long(&mut more, 1 << 20);
    more.resize(more.len() + (1 << 20), 0);
    let bytes = container(&[("avro.schema", schema.as_bytes())], &[(1, &raw_entry(&more), true)]);
    let error = read(&bytes).unwrap_err();
    assert!(matches!(&error, SpecError::Avro(AvroError::Entry { fault: AvroFault::Hollow, .. })), "{error}");
}

#[test]
fn every_codec_stops_at_the_limit_and_not_before() {
    for codec in CODECS.iter().filter(|codec| **codec != Codec::Null) {
        let huge = ManifestEntry::added(file(1).with_key_metadata(vec![0; 1 << 20]));
        let plain = write(
            FormatVersion::V2,
            std::slice::from_ref(&huge),
            &WriteOptions::default().with_codec(Codec::Null),
        )
        .0;
        let options = WriteOptions::default().with_codec(*codec);
        let (bytes, _) = write(FormatVersion::V2, std::slice::from_ref(&huge), &options);
        // What the block takes: what follows the header, without count, length and marker.
        let parts = Parts::of(&plain);
        assert_eq!(parts.entries.len(), 1);
        let with_limit = |limit| {
            let options = ReadOptions::default().with_max_block_bytes(limit);
            ManifestReader::with_options(&bytes, &options).unwrap().next().unwrap().map(|entry| entry == huge)
        };
        let (mut low, mut high) = (1 << 20, (1 << 20) + 4096);
        assert!(with_limit(high).unwrap());
        while low + 1 < high {
            let middle = (low + high) / 2;
            match with_limit(middle) {
                Ok(same) => {
                    assert!(same);
                    high = middle;
                }
                Err(e) => {
                    assert_eq!(e, AvroError::BlockTooLarge { block: 0, limit_bytes: middle }, "{codec:?}");
                    low = middle;
                }
            }
        }
        let blocks: usize = plain.len();
        assert!(high < blocks && blocks < high + 8192, "{codec:?}: {high} of {blocks}");
    }
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_frames_of_unknown_size_and_several_frames_are_read() {
    use std::io::Write as _;

    let schema = schema_with("");
    let pairs = [("avro.schema", schema.as_bytes()), ("avro.codec", b"zstandard")];
    let one = |count: usize| raw_entry(&[]).repeat(count);
    let streamed = |bytes: &[u8]| {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let frame = streamed(&one(200_000));
    assert_eq!(zstd::zstd_safe::get_frame_content_size(&frame).unwrap(), None);
    assert_eq!(plan(&container(&pairs, &[(200_000, &frame, true)])).unwrap(), 200_000);
    let several = [zstd::bulk::compress(&one(3), 3).unwrap(), frame.clone()].concat();
    assert_eq!(plan(&container(&pairs, &[(200_003, &several, true)])).unwrap(), 200_003);
    refuse(&container(&pairs, &[(200_000, &frame[..frame.len() - 1], true)]), "frame cut short");
    refuse(&container(&pairs, &[(1, &[], true)]), "no frame");
    refuse(&container(&pairs, &[(1, b"(\xb5/\xfd", true)]), "magic only");
    let bomb = streamed(&vec![0; 1 << 24]);
    for limit in [1 << 10, 1 << 16, (1 << 24) - 1] {
        let options = ReadOptions::default().with_max_block_bytes(limit);
        let bytes = container(&pairs, &[(1, &bomb, true)]);
        let error = ManifestReader::with_options(&bytes, &options).unwrap().next().unwrap().unwrap_err();
        assert!(
            matches!(error, AvroError::BlockTooLarge { .. } | AvroError::Block { .. }),
            "{limit}: {error}"
        );
    }
    // A frame header that states 2^60 bytes.
    let mut lies = zstd::bulk::compress(&one(3), 3).unwrap();
    lies.splice(4..6, [0b1110_0000, 0, 0, 0, 0, 0, 0, 0, 16]);
    refuse(&container(&pairs, &[(3, &lies, true)]), "stated size");
}

/// Reads everything there is, by all ways; `Ok` if the file is fine for the first two.
fn drain(bytes: &[u8]) -> Result<usize, SpecError> {
    // What the header is refused for is the same for both.
    let entries = ManifestReader::new(bytes)?.collect::<Result<Vec<_>, _>>();
    let planned = plan(bytes);
    if let Ok(entries) = &entries {
        assert_eq!(planned.unwrap(), entries.len(), "what the reader takes, the planner takes");
    }
    Ok(entries?.len())
}

fn drain_list(bytes: &[u8]) -> Result<usize, SpecError> {
    let rows: Vec<ManifestFile> = ManifestListReader::new(bytes)?.collect::<Result<_, _>>()?;
    Ok(rows.len())
}

/// Every truncation is refused, unless it ends where a block does; every flipped bit is refused or read, in bounded
/// time.
fn damage(bytes: &[u8], whole: usize, drain: impl Fn(&[u8]) -> Result<usize, SpecError>, from: usize) {
    assert_eq!(drain(bytes).unwrap(), whole);
    for end in from..bytes.len() {
        assert!(drain(&bytes[..end]).map_or(true, |count| count < whole), "{end}");
    }
    let mut broken = bytes.to_vec();
    for at in from..bytes.len() {
        for bit in 0..8 {
            broken[at] ^= 1 << bit;
            let _ = drain(&broken);
            broken[at] ^= 1 << bit;
        }
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_of_a_manifest_ends_well() {
    for codec in CODECS {
        let bytes = small().build_with(*codec);
        // The header is the same for all codecs but for its name.
        let from = if *codec == Codec::Null { 0 } else { bytes.len() - 250 };
        damage(&bytes, 2, drain, from);
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_of_a_list_ends_well() {
    for codec in CODECS {
        let bytes = small_list().build_with(*codec);
        let from = if *codec == Codec::Null { 0 } else { bytes.len() - 200 };
        damage(&bytes, 2, drain_list, from);
    }
}

#[test]
fn columns_of_another_type_are_refused_before_any_entry() {
    for (column, of) in [
        ("record_count", json!("boolean")),
        ("record_count", json!("string")),
        ("file_path", json!("long")),
        ("status", json!("double")),
        ("lower_bounds", json!({"type": "array", "items": "bytes"})),
    ] {
        let mut parts = small();
        parts.edit(column, |fields, at| fields[at]["type"] = of.clone(), |_, _| {});
        parts.entries.clear();
        let error = refuse(&parts.build(), column);
        assert!(matches!(error, SpecError::Avro(AvroError::Schema { .. })), "{column}: {error}");
    }
}
