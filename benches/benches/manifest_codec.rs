//! The manifest codec against bare decompression and against apache-avro with serde, in one run: 100,000 entries with
//! metrics of 20 columns. Also prints what the reader holds in memory.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a benchmark stops at the first surprise"
)]

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use datashard_benches::manifest::{self, Oracle};
use datashard_spec::avro::{Codec, ManifestPlanner, ManifestReader, WriteOptions};
use datashard_spec::id::FieldId;
use miniz_oxide::deflate::CompressionLevel;

fn group<'c>(c: &'c mut Criterion, what: &str, codec: Codec, entries: u64) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(format!("{what}/{}", codec.as_str()));
    group.throughput(Throughput::Elements(entries)).sample_size(10);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group
}

fn decode(c: &mut Criterion) {
    let entries = manifest::entries(100_000);
    for codec in [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard] {
        let bytes = manifest::write(&entries, codec);
        let mut group = group(c, "decode", codec, 100_000);
        if codec == Codec::Deflate {
            group.bench_function("bare inflate", |b| b.iter(|| black_box(manifest::inflate_all(&bytes))));
        }
        group.bench_function("planning", |b| {
            b.iter(|| {
                let mut planner = ManifestPlanner::new(&bytes, &[FieldId(1)]).unwrap();
                let mut rows = 0;
                while let Some(entry) = planner.next_entry().unwrap() {
                    rows += entry.record_count + i64::from(entry.column(FieldId(1)).is_some());
                }
                black_box((rows, planner.buffer_bytes()))
            });
        });
        group.bench_function("full", |b| {
            b.iter(|| {
                ManifestReader::new(&bytes).unwrap().map(|e| e.unwrap().data_file.record_count).sum::<i64>()
            });
        });
        group.bench_function("apache-avro serde", |b| b.iter(|| black_box(Oracle::decode(&bytes))));
        group.finish();
        let mut planner = ManifestPlanner::new(&bytes, &[FieldId(1)]).unwrap();
        while planner.next_entry().unwrap().is_some() {}
        eprintln!(
            "{}: {} bytes of file, {} bytes of buffer",
            codec.as_str(),
            bytes.len(),
            planner.buffer_bytes()
        );
    }
}

/// Codecs of apache-avro at the same level as ours. Its default for deflate is 255, which its library takes as 10.
fn peers(codec: Codec) -> Vec<(&'static str, apache_avro::Codec)> {
    let deflate = |level| apache_avro::Codec::Deflate(apache_avro::DeflateSettings::new(level));
    match codec {
        Codec::Deflate => vec![
            ("apache-avro append_ser, same level", deflate(CompressionLevel::DefaultLevel)),
            ("apache-avro append_ser, its default", deflate(CompressionLevel::DefaultCompression)),
        ],
        Codec::Snappy => vec![("apache-avro append_ser", apache_avro::Codec::Snappy)],
        Codec::Zstandard => {
            let settings = apache_avro::ZstandardSettings::new(3);
            vec![("apache-avro append_ser", apache_avro::Codec::Zstandard(settings))]
        }
        _ => vec![("apache-avro append_ser", apache_avro::Codec::Null)],
    }
}

fn encode(c: &mut Criterion) {
    let entries = manifest::entries(20_000);
    let oracle = Oracle::read(&manifest::write(&entries, Codec::Null));
    for codec in [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard] {
        let mut group = group(c, "encode", codec, 20_000);
        group.bench_function("ours", |b| b.iter(|| black_box(manifest::write(&entries, codec))));
        eprintln!("{}: ours {} bytes", codec.as_str(), manifest::write(&entries, codec).len());
        if codec == Codec::Deflate {
            let options = WriteOptions::default().with_level(6);
            group.bench_function("ours, level 6", |b| {
                b.iter(|| black_box(manifest::write_with(&entries, &options)))
            });
            eprintln!(
                "{}: ours, level 6 {} bytes",
                codec.as_str(),
                manifest::write_with(&entries, &options).len()
            );
        }
        for (name, peer) in peers(codec) {
            group.bench_function(name, |b| b.iter(|| black_box(oracle.encode(peer))));
            eprintln!("{}: {name} {} bytes", codec.as_str(), oracle.encode(peer).len());
        }
        group.finish();
    }
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
