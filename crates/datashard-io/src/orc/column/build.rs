//! Readers of the columns of a stripe, from its streams.

use std::sync::Arc;

use arrow::datatypes::{DataType, Fields};
use orc_rust::proto::column_encoding::Kind as EncodingKind;
use orc_rust::proto::stream::Kind as StreamKind;

use super::number::DecimalReader;
use super::text::{DictionaryReader, DirectReader};
use super::time::TimestampReader;
use super::{ColumnReader, Values};
use crate::data_error::DataError;
use crate::orc::codec::Compression;
use crate::orc::fault::{Fault, Place};
use crate::orc::rle::{BooleanReader, ByteReader, Encoding, IntegerReader};
use crate::orc::stream::{Budget, ByteStream};
use crate::orc::stripe::OpenStripe;
use crate::orc::types::{Column, Kind};

/// The streams of a stripe.
pub(in super::super) struct Streams<'a> {
    pub(in super::super) file: &'a Arc<str>,
    pub(in super::super) stripe: &'a OpenStripe,
    pub(in super::super) compression: Compression,
    /// Memory for unpacked blocks.
    pub(in super::super) budget: Arc<Budget>,
}

impl Streams<'_> {
    /// The reader of a column.
    pub(in super::super) fn reader(&self, column: &Column) -> Result<ColumnReader, DataError> {
        let what = format!("stripe {}, column {} ({})", self.stripe.stripe.number, column.index, column.path);
        let place =
            Place { file: Arc::clone(self.file), what: what.into(), column: Arc::clone(&column.path) };
        let children =
            column.children.iter().map(|child| self.reader(child)).collect::<Result<Vec<_>, _>>()?;
        self.assemble(column, children, place.clone()).map_err(|fault| place.error(fault, 0))
    }

    fn assemble(
        &self,
        column: &Column,
        children: Vec<ColumnReader>,
        place: Place,
    ) -> Result<ColumnReader, Fault> {
        let present = self.stripe.stream(column.index, StreamKind::Present)?.map(|bytes| {
            BooleanReader::new(ByteStream::new(bytes, self.compression, Arc::clone(&self.budget)))
        });
        Ok(ColumnReader {
            place,
            data_type: column.field.data_type().clone(),
            nullable: column.field.is_nullable(),
            padded: column.kind == Kind::Char,
            repeated: column.repeated,
            present,
            values: self.values(column, children)?,
        })
    }

    fn values(&self, column: &Column, children: Vec<ColumnReader>) -> Result<Values, Fault> {
        let at = usize::try_from(column.index).unwrap_or(usize::MAX);
        let (encoding, dictionary, size) = match self.stripe.encodings.get(at) {
            None => return Err(Fault::damaged("the stripe does not tell the column's encoding")),
            Some(given) => {
                let kind = given.kind.unwrap_or(0);
                let (encoding, dictionary) = match EncodingKind::try_from(kind) {
                    Ok(EncodingKind::Direct) => (Encoding::V1, false),
                    Ok(EncodingKind::DirectV2) => (Encoding::V2, false),
                    Ok(EncodingKind::Dictionary) => (Encoding::V1, true),
                    Ok(EncodingKind::DictionaryV2) => (Encoding::V2, true),
                    Err(_) => return Err(Fault::Unsupported(format!("the encoding {kind}"))),
                };
                (encoding, dictionary, given.dictionary_size.unwrap_or(0))
            }
        };
        // A stream without values may be left out.
        let stream = |kind: StreamKind| -> Result<ByteStream, Fault> {
            let bytes = self.stripe.stream(column.index, kind)?.unwrap_or_default();
            Ok(ByteStream::new(bytes, self.compression, Arc::clone(&self.budget)))
        };
        let signed = |kind| Ok(IntegerReader::signed(stream(kind)?, encoding));
        let unsigned = |kind| Ok(IntegerReader::unsigned(stream(kind)?, encoding));
        if dictionary && !matches!(column.kind, Kind::Text | Kind::Char) {
            return Err(Fault::damaged("a dictionary for a column that is no text"));
        }
        let mut children = children.into_iter();
        let mut child = || {
            children.next().map(Box::new).ok_or_else(|| Fault::damaged("a column lacks the column within"))
        };
        Ok(match column.kind {
            Kind::Boolean => Values::Boolean(BooleanReader::new(stream(StreamKind::Data)?)),
            Kind::Byte => Values::Byte(ByteReader::new(stream(StreamKind::Data)?)),
            Kind::Short => Values::Short(signed(StreamKind::Data)?),
            Kind::Int => Values::Int(signed(StreamKind::Data)?),
            Kind::Long => Values::Long(signed(StreamKind::Data)?),
            Kind::Time => Values::Time(signed(StreamKind::Data)?),
            Kind::Date => Values::Date(signed(StreamKind::Data)?),
            Kind::Float => Values::Float(stream(StreamKind::Data)?),
            Kind::Double => Values::Double(stream(StreamKind::Data)?),
            Kind::Text | Kind::Char if dictionary => Values::Dictionary(DictionaryReader::new(
                unsigned(StreamKind::Data)?,
                stream(StreamKind::DictionaryData)?,
                unsigned(StreamKind::Length)?,
                usize::try_from(size).unwrap_or(usize::MAX),
            )),
            Kind::Text | Kind::Char | Kind::Binary | Kind::Fixed(_) => Values::Direct(DirectReader {
                bytes: stream(StreamKind::Data)?,
                lengths: unsigned(StreamKind::Length)?,
            }),
            Kind::Decimal { precision, scale } => Values::Decimal(DecimalReader {
                unscaled: stream(StreamKind::Data)?,
                scales: signed(StreamKind::Secondary)?,
                precision,
                scale,
            }),
            Kind::Timestamp { instant, nanos } => Values::Timestamp(TimestampReader::new(
                signed(StreamKind::Data)?,
                unsigned(StreamKind::Secondary)?,
                self.stripe.zone.as_deref().filter(|_| !instant),
                nanos,
            )?),
            Kind::Struct | Kind::Variant => {
                let fields = match column.field.data_type() {
                    DataType::Struct(fields) => fields.clone(),
                    _ => Fields::empty(),
                };
                Values::Struct(fields, children.collect())
            }
            Kind::List => Values::List(unsigned(StreamKind::Length)?, child()?),
            Kind::Map => Values::Map(unsigned(StreamKind::Length)?, child()?, child()?),
            Kind::Union => return Err(Fault::Unsupported("a union".to_owned())),
        })
    }
}
