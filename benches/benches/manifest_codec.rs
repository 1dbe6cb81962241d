//! The manifest codec against bare decompression and against apache-avro with serde, in one run: 100,000 entries with
//! metrics of 20 columns. Also prints what the reader holds in memory.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a benchmark stops at the first surprise"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use datashard_benches::manifest::{self, Oracle};
use datashard_spec::avro::{Codec, ManifestPlanner, ManifestReader};
use datashard_spec::id::FieldId;

fn decode(c: &mut Criterion) {
    let entries = manifest::entries(100_000);
    for codec in [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard] {
        let bytes = manifest::write(&entries, codec);
        let mut group = c.benchmark_group(format!("decode/{}", codec.as_str()));
        group.throughput(Throughput::Elements(100_000)).sample_size(10);
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

fn encode(c: &mut Criterion) {
    let entries = manifest::entries(20_000);
    let bytes = manifest::write(&entries, Codec::Null);
    let oracle = Oracle::read(&bytes);
    for codec in [Codec::Null, Codec::Deflate, Codec::Snappy, Codec::Zstandard] {
        let mut group = c.benchmark_group(format!("encode/{}", codec.as_str()));
        group.throughput(Throughput::Elements(20_000)).sample_size(10);
        group.bench_function("ours", |b| b.iter(|| black_box(manifest::write(&entries, codec))));
        group.bench_function("apache-avro append_ser", |b| b.iter(|| black_box(oracle.encode(codec))));
        group.finish();
    }
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
