//! The header of an Avro file: schema, codec, sync marker.

use std::collections::BTreeMap;

use datashard_spec::avro::{AvroFault, Codec, Cursor};

use crate::data_error::DataError;

pub(super) const MAGIC: [u8; 4] = *b"Obj\x01";
/// Bytes of a sync marker.
pub(super) const SYNC_BYTES: usize = 16;

/// A header.
#[derive(Debug)]
pub(super) struct Header {
    pub(super) schema: String,
    pub(super) codec: Codec,
    pub(super) sync: [u8; SYNC_BYTES],
    /// Where the first block starts.
    pub(super) length: usize,
}

/// The header at the start of `bytes`; `None` if it goes on beyond them.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Option<Header>, DataError> {
    let broken = |reason: String| DataError::corrupt(file, "header", reason);
    if !bytes.starts_with(&MAGIC) && bytes.len() >= MAGIC.len() {
        return Err(broken("it does not start as Avro files do, with \"Obj\" and 1".to_owned()));
    }
    let mut cursor = Cursor::new(bytes);
    let metadata = match walk(&mut cursor) {
        Ok(found) => found,
        // A length that goes beyond what is at hand may be right.
        Err(AvroFault::Truncated) => return Ok(None),
        Err(AvroFault::Length { found, .. }) if found > 0 => return Ok(None),
        Err(fault) => return Err(broken(fault.to_string())),
    };
    let (metadata, sync) = metadata;
    let codec = metadata.get("avro.codec").map(|name| String::from_utf8_lossy(name));
    let codec = Codec::parse(codec.as_deref().unwrap_or("null")).map_err(|_| DataError::Unsupported {
        place: format!("`{file}`"),
        what: format!("the Avro codec {:?}", codec.unwrap_or_default().chars().take(40).collect::<String>()),
        advice: "write the file with null, deflate, snappy or zstandard".to_owned(),
    })?;
    let schema = metadata.get("avro.schema").ok_or_else(|| broken("it has no avro.schema".to_owned()))?;
    let schema =
        std::str::from_utf8(schema).map_err(|_| broken("avro.schema is not UTF-8".to_owned()))?.to_owned();
    let length = bytes.len().saturating_sub(cursor.left());
    Ok(Some(Header { schema, codec, sync, length }))
}

type Metadata<'a> = BTreeMap<&'a str, &'a [u8]>;

fn walk<'a>(cursor: &mut Cursor<'a>) -> Result<(Metadata<'a>, [u8; SYNC_BYTES]), AvroFault> {
    cursor.array::<4>()?;
    let mut metadata = Metadata::new();
    loop {
        let (count, end) = cursor.run()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            let key = cursor.text()?;
            metadata.insert(key, cursor.bytes()?);
        }
        cursor.end_run(end)?;
    }
    Ok((metadata, cursor.array()?))
}
