//! ORC: chunks, dictionaries and runs that claim more than there is.

use datashard_spec::manifest::FileFormat;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use orc_rust::proto::{
    ColumnEncoding, ColumnStatistics, Footer, Metadata, PostScript, Stream, StringPair, StringStatistics,
    StripeFooter, StripeInformation, StripeStatistics, Type,
};
use prost::Message;

use super::super::child::contained;
use super::{Sample, read_in_pieces, refuse, refuse_as_too_large};

const DIRECT: i32 = 0;
const DIRECT_V2: i32 = 2;
const DICTIONARY_V2: i32 = 3;
const DATA: i32 = 1;
const LENGTH: i32 = 2;
const DICTIONARY_DATA: i32 = 3;
const NONE: i32 = 0;
const ZSTD: i32 = 5;
const LONG: i32 = 4;
const STRING: i32 = 7;
const STRUCT: i32 = 12;

/// A file of one column in one stripe.
struct File {
    kind: i32,
    encoding: ColumnEncoding,
    rows: u64,
    streams: Vec<(i32, Vec<u8>)>,
    compression: i32,
    block_size: u64,
    /// What the statistics of the stripe say of the length of all texts together.
    text_bytes: Option<i64>,
}

impl File {
    /// A message as it is stored: in chunks that are not compressed, if chunks there are.
    fn stored(&self, message: &impl Message) -> Vec<u8> {
        let bytes = message.encode_to_vec();
        if self.compression == NONE { bytes } else { chunk(&bytes, true) }
    }

    fn sample(&self, name: &str, read_as: PrimitiveType) -> Sample {
        let stream = |(kind, bytes): &(i32, Vec<u8>)| Stream {
            kind: Some(*kind),
            column: Some(1),
            length: Some(bytes.len() as u64),
        };
        let root = ColumnEncoding { kind: Some(DIRECT), ..Default::default() };
        let stripe_footer = self.stored(&StripeFooter {
            streams: self.streams.iter().map(stream).collect(),
            columns: vec![root, self.encoding.clone()],
            writer_timezone: Some("UTC".to_owned()),
            ..Default::default()
        });
        let data: Vec<u8> = self.streams.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let id = StringPair { key: Some("iceberg.id".to_owned()), value: Some("1".to_owned()) };
        let footer = self.stored(&Footer {
            header_length: Some(3),
            content_length: Some((data.len() + stripe_footer.len()) as u64),
            stripes: vec![StripeInformation {
                offset: Some(3),
                index_length: Some(0),
                data_length: Some(data.len() as u64),
                footer_length: Some(stripe_footer.len() as u64),
                number_of_rows: Some(self.rows),
                ..Default::default()
            }],
            types: vec![
                Type {
                    kind: Some(STRUCT),
                    subtypes: vec![1],
                    field_names: vec!["c".to_owned()],
                    ..Default::default()
                },
                Type { kind: Some(self.kind), attributes: vec![id], ..Default::default() },
            ],
            number_of_rows: Some(self.rows),
            row_index_stride: Some(0),
            ..Default::default()
        });
        let values = |sum: Option<i64>| ColumnStatistics {
            number_of_values: Some(self.rows),
            string_statistics: sum.map(|sum| StringStatistics { sum: Some(sum), ..Default::default() }),
            ..Default::default()
        };
        let statistics = self.text_bytes.map(|sum| {
            let stripe = StripeStatistics { col_stats: vec![values(None), values(Some(sum))] };
            self.stored(&Metadata { stripe_stats: vec![stripe] })
        });
        let statistics = statistics.unwrap_or_default();
        let post_script = PostScript {
            footer_length: Some(footer.len() as u64),
            compression: Some(self.compression),
            compression_block_size: Some(self.block_size),
            version: vec![0, 12],
            metadata_length: Some(statistics.len() as u64),
            magic: Some("ORC".to_owned()),
            ..Default::default()
        }
        .encode_to_vec();
        let length = [post_script.len() as u8];
        let bytes = [b"ORC", &data[..], &stripe_footer, &statistics, &footer, &post_script, &length].concat();
        let schema = Schema::new(vec![NestedField::optional(1, "c", read_as)]).unwrap();
        Sample::made(&format!("{name}.orc"), FileFormat::Orc, schema, bytes)
    }
}

fn chunk(bytes: &[u8], is_original: bool) -> Vec<u8> {
    let header = (bytes.len() as u32) << 1 | u32::from(is_original);
    [&header.to_le_bytes()[..3], bytes].concat()
}

/// So many zeros, 512 in four bytes.
fn zeros(rows: u64) -> Vec<u8> {
    [0xc1, 0xff, 0, 0].repeat(rows.div_ceil(512) as usize)
}

/// Rows that all have the same text of 1 MiB; and what statistics say of that.
fn dictionary_of_one(rows: u64, text_bytes: Option<i64>) -> File {
    File {
        kind: STRING,
        encoding: ColumnEncoding {
            kind: Some(DICTIONARY_V2),
            dictionary_size: Some(1),
            ..Default::default()
        },
        rows,
        streams: vec![
            (DATA, zeros(rows)),
            // One number of 24 bits.
            (LENGTH, vec![0x6e, 0, 0x10, 0, 0]),
            (DICTIONARY_DATA, vec![b'a'; 1 << 20]),
        ],
        compression: NONE,
        block_size: 262_144,
        text_bytes,
    }
}

#[test]
fn orc_dictionaries_that_unfold_without_end_are_refused_or_read_in_pieces() {
    contained(
        concat!(module_path!(), "::orc_dictionaries_that_unfold_without_end_are_refused_or_read_in_pieces"),
        || {
            let sample =
                |rows, says| dictionary_of_one(rows, says).sample("dictionary", PrimitiveType::String);
            read_in_pieces(&sample(2, None), 2);
            // By the truth batches are small enough.
            read_in_pieces(&sample(1_000, Some(1_000 << 20)), 1_000);
            for lie in [None, Some(0), Some(100_000), Some(-1)] {
                refuse_as_too_large(&sample(100_000, lie));
            }
        },
    );
}

#[test]
fn orc_chunks_that_inflate_without_end_are_refused() {
    contained(concat!(module_path!(), "::orc_chunks_that_inflate_without_end_are_refused"), || {
        let mut packed = zstd::Encoder::new(Vec::new(), 1).unwrap();
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), 640 << 20), &mut packed).unwrap();
        let packed = chunk(&packed.finish().unwrap(), false);
        for block_size in [262_144, 1 << 23, 1 << 40, u64::MAX] {
            let file = File {
                kind: LONG,
                encoding: ColumnEncoding { kind: Some(DIRECT_V2), ..Default::default() },
                rows: 1000,
                streams: vec![(DATA, packed.clone())],
                compression: ZSTD,
                block_size,
                text_bytes: None,
            };
            refuse(&file.sample(&format!("chunk_{block_size}"), PrimitiveType::Long));
        }
    });
}

#[test]
fn orc_rows_beyond_what_streams_hold_are_refused() {
    contained(concat!(module_path!(), "::orc_rows_beyond_what_streams_hold_are_refused"), || {
        for rows in [1 << 20, 1 << 40, u64::MAX] {
            let file = File {
                kind: LONG,
                encoding: ColumnEncoding { kind: Some(DIRECT_V2), ..Default::default() },
                rows,
                streams: vec![(DATA, zeros(512))],
                compression: NONE,
                block_size: 262_144,
                text_bytes: None,
            };
            refuse(&file.sample(&format!("rows_{rows}"), PrimitiveType::Long));
        }
        // Text of which each is said to be longer than all there is.
        let lengths = vec![0x7e, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let file = File {
            kind: STRING,
            encoding: ColumnEncoding { kind: Some(DIRECT_V2), ..Default::default() },
            rows: 1,
            streams: vec![(DATA, b"abc".to_vec()), (LENGTH, lengths)],
            compression: NONE,
            block_size: 262_144,
            text_bytes: None,
        };
        refuse(&file.sample("text", PrimitiveType::String));
    });
}
