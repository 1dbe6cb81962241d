//! Damaged bytes end in errors: no panic that gets out, no endless work, no memory beyond the limit.

use orc_rust::proto::stream::Kind as StreamKind;
use orc_rust::proto::{ColumnEncoding, CompressionKind, Stream, StringPair, Type};

use super::parts::Parts;
use super::*;

/// How many times each file is damaged at random; the variable asks for more.
fn rounds() -> u64 {
    std::env::var("ORC_DAMAGE_ROUNDS").map_or(150, |text| text.parse().unwrap())
}

/// A generator of numbers that only depend on the seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

fn damaged(bytes: &Bytes, numbers: &mut Numbers) -> Bytes {
    let mut bytes = bytes.to_vec();
    match numbers.below(8) {
        0 => bytes.truncate(numbers.below(bytes.len())),
        1 => {
            let (from, count) = (numbers.below(bytes.len()), numbers.below(16));
            let value = [0, 0xff, 0x80, 0x7f][numbers.below(4)];
            bytes.iter_mut().skip(from).take(count).for_each(|byte| *byte = value);
        }
        2 => {
            let (from, to) = (numbers.below(bytes.len()), numbers.below(bytes.len()));
            bytes.drain(from.min(to)..from.max(to).min(from.min(to) + 40));
        }
        _ => {
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(bytes.len());
                bytes[at] ^= 1 << numbers.below(8);
            }
        }
    }
    bytes.into()
}

#[tokio::test]
async fn files_damaged_at_random_end_in_errors_or_rows() {
    let mut errors = 0;
    let names = [
        "types_none",
        "types_zlib",
        "types_snappy",
        "types_lz4",
        "types_zstd",
        "first_version",
        "groups",
        "attributes",
    ];
    for (seed, name) in names.into_iter().enumerate() {
        let whole = bytes(name);
        let mut numbers = Numbers(seed as u64);
        for round in 0..rounds() {
            let damaged = damaged(&whole, &mut numbers);
            let how = How { memory_limit_bytes: MIB, deleted: deleted(round), ..How::default() };
            match decode(damaged, how).await {
                Ok(_) => {}
                Err(DataError::Panicked { message, .. }) => panic!("{name}, round {round}: {message}"),
                Err(_) => errors += 1,
            }
        }
    }
    assert!(errors > rounds(), "{errors} errors");
}

/// Some rounds go over rows instead of reading them.
fn deleted(round: u64) -> Vec<Range<u64>> {
    if round.is_multiple_of(3) { vec![0..40, 50..1000] } else { Vec::new() }
}

/// Damage in the plain bytes of streams, which packed files hide behind their codec.
#[tokio::test]
async fn streams_damaged_at_random_end_in_errors_or_rows() {
    let file = bytes("types_none");
    let mut numbers = Numbers(99);
    for round in 0..rounds() * 2 {
        let mut parts = Parts::of(&file);
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(parts.stripes[0].streams.len());
            parts.stripes[0].streams[at] = damaged(&parts.stripes[0].streams[at].clone(), &mut numbers);
        }
        let how = How { memory_limit_bytes: MIB, deleted: deleted(round), ..How::default() };
        if let Err(DataError::Panicked { message, .. }) = decode(parts.build(), how).await {
            panic!("round {round}: {message}");
        }
    }
}

async fn refused(parts: Bytes, words: &str) {
    let how = How { memory_limit_bytes: MIB, ..How::default() };
    let found = message(decode(parts, how).await);
    assert!(found.contains(words), "{found}");
}

#[tokio::test]
async fn no_file_is_no_orc_file() {
    for (bytes, words) in [
        (&b""[..], "the file is empty"),
        (b"\x09", "shorter than its postscript"),
        (b"PAR1 and more\x03", "no ORC file"),
        (b"\x00", "no ORC file"),
    ] {
        refused(Bytes::from_static(bytes), words).await;
    }
}

#[tokio::test]
async fn a_tail_that_cannot_be_right_is_refused() {
    let change = |change: &dyn Fn(&mut Parts)| {
        let mut parts = Parts::of(&bytes("groups"));
        change(&mut parts);
        let body = parts.body.to_vec();
        parts.tail(body)
    };
    refused(
        change(&|parts| parts.footer.number_of_rows = Some(7)),
        "the file has 7 rows and its stripes 6000",
    )
    .await;
    refused(change(&|parts| parts.footer.stripes[1].offset = Some(4)), "stripe 1: lies outside").await;
    refused(change(&|parts| parts.footer.stripes[3].data_length = Some(u64::MAX)), "stripe 3: lies outside")
        .await;
    refused(change(&|parts| parts.footer.stripes[0].number_of_rows = Some(1 << 60)), "rows in").await;
    refused(change(&|parts| parts.footer.types[0].subtypes[1] = 0), "type 0 where type 2 comes next").await;
    refused(change(&|parts| parts.footer.types[0].subtypes[1] = 70_000), "type 70000 where type 2").await;
    refused(change(&|parts| parts.footer.types[0].field_names.clear()), "11 columns where 0 are named").await;
    refused(change(&|parts| parts.footer.types.push(Type::default())), "15 types, of which 14").await;
    refused(change(&|parts| parts.footer.types[6].precision = Some(39)), "decimal(39, 1)").await;
    refused(change(&|parts| parts.footer.types[1].kind = Some(77)), "unknown kind 77").await;
    refused(change(&|parts| parts.postscript.compression = Some(9)), "compression kind 9").await;
    refused(
        change(&|parts| parts.postscript.compression_block_size = Some(1 << 40)),
        "compression blocks of",
    )
    .await;
    refused(change(&|parts| parts.postscript.version = vec![1, 9999]), "version 1.9999 of ORC").await;
    refused(change(&|parts| parts.postscript.magic = Some("CRO".to_owned())), "no ORC file").await;
    refused(change(&|parts| parts.metadata.stripe_stats.truncate(1)), "4 stripes and statistics of 1").await;
    let lzo = change(&|parts| parts.postscript.compression = Some(CompressionKind::Lzo.into()));
    refused(lzo, "LZO compression is not supported").await;
}

#[tokio::test]
async fn columns_nested_without_end_are_refused() {
    let mut parts = Parts::of(&bytes("empty"));
    let list = |next: u32| Type { kind: Some(10), subtypes: vec![next], ..Type::default() };
    parts.footer.types = (1..5000).map(list).collect();
    parts.footer.types[0].kind = Some(12);
    parts.footer.types[0].field_names = vec!["a".to_owned()];
    parts.footer.types.push(Type { kind: Some(3), ..Type::default() });
    refused(parts.build(), "nested deeper than 64").await;
}

/// Runs that repeat a value up to 512 times in a few bytes: the longest claim for the fewest bytes.
fn runs(value: u64, count: usize) -> Vec<u8> {
    let mut varint = Vec::new();
    let mut left = value;
    while left >= 0x80 {
        varint.push(left as u8 | 0x80);
        left >>= 7;
    }
    varint.push(left as u8);
    let run = [&[0b1100_0001, 0xff][..], &varint, &[0]].concat();
    run.repeat(count)
}

#[tokio::test]
async fn claims_of_more_memory_than_allowed_are_refused() {
    let file = bytes("types_none");
    let with = |column: u32, kind: StreamKind, bytes: Vec<u8>| {
        let mut parts = Parts::of(&file);
        parts.set(column, kind, bytes);
        parts.build()
    };
    // Lists of a thousand million elements each, of more than 64 bits together, of a negative length.
    refused(with(17, StreamKind::Length, runs(1 << 30, 8)), "column 17 (l): needs").await;
    refused(with(17, StreamKind::Length, runs(1 << 62, 8)), "a length of").await;
    refused(with(17, StreamKind::Length, runs(u64::MAX, 8)), "a length of -1").await;
    refused(with(19, StreamKind::Length, runs(3000, 8)), "column 19 (m): needs").await;
    // Texts that are longer than their bytes.
    refused(with(9, StreamKind::Length, runs(100, 8)), "a stream ends before its values do").await;
    refused(with(9, StreamKind::Length, runs(1 << 40, 8)), "column 9 (text): needs").await;
    // Values that end before their column does.
    refused(with(4, StreamKind::Data, Vec::new()), "column 4 (i32): a stream ends").await;
    refused(with(16, StreamKind::Data, vec![0xff; 1000]), "a decimal of more than 128 bits").await;
    let mut parts = Parts::of(&file);
    parts.stripes[0].footer.columns[8].dictionary_size = Some(u32::MAX);
    refused(parts.build(), "column 8 (word): a stream ends before its values do").await;
    let mut parts = Parts::of(&file);
    parts.stripes[0].footer.columns.truncate(3);
    refused(parts.build(), "does not tell the column's encoding").await;
}

#[tokio::test]
async fn a_stripe_that_needs_more_memory_than_allowed_is_named() {
    let mut parts = Parts::of(&bytes("types_none"));
    let text = parts.stripes[0].streams.len() - 1;
    parts.stripes[0].streams[text] = vec![0; 3 << 20].into();
    let how = How { memory_limit_bytes: 2 * MIB, ..How::default() };
    let error = decode(parts.build(), how).await.unwrap_err();
    assert!(matches!(&error, DataError::TooLarge { place, .. } if place == "stripe 0"), "{error}");
}

#[tokio::test]
async fn nulls_of_an_endless_fixed_length_are_refused() {
    let mut parts = Parts::of(&bytes("all_null"));
    let attribute =
        |key: &str, value: &str| StringPair { key: Some(key.to_owned()), value: Some(value.to_owned()) };
    parts.footer.types[2].kind = Some(8);
    parts.footer.types[2].attributes =
        vec![attribute("iceberg.binary-type", "FIXED"), attribute("iceberg.length", "2147483647")];
    refused(parts.build(), "column 2 (b): needs").await;
}

#[tokio::test]
async fn memory_is_for_all_columns_of_a_batch_together() {
    let mut parts = Parts::of(&bytes("all_null"));
    let count = 1000;
    let columns: Vec<u32> = (1..=count).collect();
    let double = Type { kind: Some(6), ..Type::default() };
    parts.footer.types.truncate(1);
    parts.footer.types.resize(1 + count as usize, double);
    parts.footer.types[0].field_names = columns.iter().map(|column| format!("c{column}")).collect();
    parts.footer.types[0].subtypes = columns;
    parts.metadata.stripe_stats.clear();
    let stripe = &mut parts.stripes[0];
    stripe.footer.columns.resize(1 + count as usize, ColumnEncoding::default());
    let nulls =
        (stripe.footer.streams.iter().position(|stream| stream.kind() == StreamKind::Present)).unwrap();
    let (stream, nulls) = (stripe.footer.streams[nulls].clone(), stripe.streams[nulls].clone());
    stripe.footer.streams =
        (1..=count).map(|column| Stream { column: Some(column), ..stream.clone() }).collect();
    stripe.streams = vec![nulls; count as usize];
    let file = parts.build();
    let how = How { memory_limit_bytes: 32 * MIB, ..How::default() };
    let (_, batches) = decode(file.clone(), how).await.unwrap();
    assert_eq!(batches.iter().map(|decoded| decoded.batch.num_rows()).sum::<usize>(), 700);
    // 16 rows of 1,000 numbers are 128,000 bytes.
    let how = How { memory_limit_bytes: 100_000, ..How::default() };
    let error = decode(file, how).await.unwrap_err();
    assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn an_error_never_looks_like_the_end() {
    let mut decoder = open(bytes("wrong_uuid"), MIB).await.unwrap();
    let wanted =
        Wanted { deleted: Vec::new().into(), byte_range: None, batch_rows: 2, memory_limit_bytes: MIB };
    decoder.start(&[0], None, wanted).unwrap();
    assert!(matches!(decoder.next().await, Ok(Some(_))));
    assert!(matches!(decoder.next().await, Err(DataError::BadValue { row: 2, .. })));
    assert!(matches!(decoder.next().await, Err(DataError::Internal { .. })));
}

/// A block that claims to unpack to terabytes, in the codec whose frames may say so.
#[tokio::test]
async fn a_block_is_never_longer_than_blocks_of_its_file() {
    let mut parts = Parts::of(&bytes("types_zstd"));
    let bomb = zstd::bulk::compress(&vec![0; 50 << 20], 3).unwrap();
    let mut block = ((bomb.len() as u32) << 1).to_le_bytes()[..3].to_vec();
    block.extend_from_slice(&bomb);
    parts.set(9, StreamKind::Data, block);
    refused(parts.build(), "column 9 (text): zstd").await;
}

/// Filters look at statistics and indexes, whose damage may leave rows out but nothing worse.
#[tokio::test]
async fn indexes_damaged_at_random_end_in_errors_or_rows() {
    let mut numbers = Numbers(7);
    let filter = || {
        Some(prune::bind(
            "x > 100.0 and n < 3.0 and k > 'k001' and ts > '1969-12-01T00:20:00' and day is not null",
        ))
    };
    for round in 0..rounds() {
        let mut parts = Parts::of(&bytes("groups"));
        let stripe = numbers.below(parts.stripes.len());
        let at = numbers.below(11);
        let stream = &mut parts.stripes[stripe].streams[at];
        let compression = super::super::codec::Compression::of(&parts.postscript).unwrap();
        let plain = compression.unpack_all(stream.clone(), MIB).unwrap();
        *stream = super::parts::blocks(&parts.postscript, &damaged(&plain, &mut numbers)).into();
        let mut decoder = open(parts.build(), MIB).await.unwrap();
        let plan = prune::plan(decoder.file_schema(), filter());
        decoder.begin(plan).await.unwrap();
        loop {
            match decoder.next().await {
                Ok(Some(_)) => {}
                Err(DataError::Panicked { message, .. }) => panic!("round {round}: {message}"),
                Ok(None) | Err(_) => break,
            }
        }
    }
}
