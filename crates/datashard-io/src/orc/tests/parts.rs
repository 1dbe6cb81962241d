//! ORC files taken apart and put together again, to test what no writer at hand makes.

use bytes::Bytes;
use orc_rust::proto::stream::Kind as StreamKind;
use orc_rust::proto::{CompressionKind, Footer, Metadata, PostScript, Stream, StripeFooter};
use prost::Message;

use crate::orc::codec::Compression;

/// The parts of a file.
pub(super) struct Parts {
    pub(super) postscript: PostScript,
    pub(super) footer: Footer,
    pub(super) metadata: Metadata,
    pub(super) stripes: Vec<StripeParts>,
    /// The file up to its tail.
    pub(super) body: Bytes,
    /// Bytes of nothing before each stripe.
    pub(super) gap_bytes: usize,
}

pub(super) struct StripeParts {
    pub(super) footer: StripeFooter,
    pub(super) streams: Vec<Bytes>,
}

impl Parts {
    pub(super) fn of(bytes: &Bytes) -> Self {
        let end = bytes.len() - 1;
        let start = end - usize::from(bytes[end]);
        let postscript = PostScript::decode(&bytes[start..end]).unwrap();
        let compression = Compression::of(&postscript).unwrap();
        let message =
            |from: usize, to: usize| compression.unpack_all(bytes.slice(from..to), 1 << 30).unwrap();
        let footer_start = start - postscript.footer_length() as usize;
        let metadata_start = footer_start - postscript.metadata_length() as usize;
        let footer = Footer::decode(message(footer_start, start)).unwrap();
        let stripes = footer
            .stripes
            .iter()
            .map(|stripe| {
                let mut at = stripe.offset() as usize;
                let end = at + (stripe.index_length() + stripe.data_length()) as usize;
                let footer =
                    StripeFooter::decode(message(end, end + stripe.footer_length() as usize)).unwrap();
                let mut next = |stream: &Stream| {
                    at += stream.length() as usize;
                    bytes.slice(at - stream.length() as usize..at)
                };
                let streams = footer.streams.iter().map(&mut next).collect();
                StripeParts { footer, streams }
            })
            .collect();
        let metadata = Metadata::decode(message(metadata_start, footer_start)).unwrap();
        Self { postscript, footer, metadata, stripes, body: bytes.slice(..metadata_start), gap_bytes: 0 }
    }

    /// The file again, with lengths and offsets that fit.
    pub(super) fn build(mut self) -> Bytes {
        let mut file = b"ORC".to_vec();
        for (stripe, place) in self.stripes.iter_mut().zip(&mut self.footer.stripes) {
            file.resize(file.len() + self.gap_bytes, 0);
            place.offset = Some(file.len() as u64);
            let mut index = 0;
            for (stream, bytes) in stripe.footer.streams.iter_mut().zip(&stripe.streams) {
                stream.length = Some(bytes.len() as u64);
                file.extend_from_slice(bytes);
                if matches!(stream.kind(), StreamKind::RowIndex | StreamKind::BloomFilterUtf8) {
                    index += bytes.len() as u64;
                }
            }
            place.index_length = Some(index);
            place.data_length = Some(file.len() as u64 - place.offset() - index);
            let footer = blocks(&self.postscript, &stripe.footer.encode_to_vec());
            place.footer_length = Some(footer.len() as u64);
            file.extend_from_slice(&footer);
        }
        self.tail(file)
    }

    /// The tail behind this body, with what the footer says as it is.
    pub(super) fn tail(mut self, mut file: Vec<u8>) -> Bytes {
        let metadata = blocks(&self.postscript, &self.metadata.encode_to_vec());
        let footer = blocks(&self.postscript, &self.footer.encode_to_vec());
        self.postscript.metadata_length = Some(metadata.len() as u64);
        self.postscript.footer_length = Some(footer.len() as u64);
        file.extend_from_slice(&metadata);
        file.extend_from_slice(&footer);
        let postscript = self.postscript.encode_to_vec();
        file.extend_from_slice(&postscript);
        file.push(postscript.len() as u8);
        file.into()
    }

    /// Replaces a stream of the first stripe.
    pub(super) fn set(&mut self, column: u32, kind: StreamKind, bytes: impl Into<Bytes>) {
        let stripe = &mut self.stripes[0];
        let at = stripe
            .footer
            .streams
            .iter()
            .position(|stream| (stream.column(), stream.kind()) == (column, kind))
            .unwrap();
        stripe.streams[at] = bytes.into();
    }
}

/// Bytes as blocks that are not packed.
pub(super) fn blocks(postscript: &PostScript, bytes: &[u8]) -> Vec<u8> {
    if postscript.compression() == CompressionKind::None {
        return bytes.to_vec();
    }
    let mut out = Vec::new();
    for block in bytes.chunks(4096) {
        out.extend_from_slice(&((block.len() as u32) << 1 | 1).to_le_bytes()[..3]);
        out.extend_from_slice(block);
    }
    out
}
