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
        Err(Wrong::Bytes(AvroFault::Truncated)) => return Ok(None),
        Err(Wrong::Bytes(AvroFault::Length { found, .. })) if found > 0 => return Ok(None),
        Err(Wrong::Bytes(fault)) => return Err(broken(fault.to_string())),
        Err(Wrong::Twice(key)) => {
            let key: String = key.chars().take(40).collect();
            return Err(broken(format!("it has {key:?} twice")));
        }
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

/// What is wrong with metadata.
enum Wrong<'a> {
    Bytes(AvroFault),
    Twice(&'a str),
}

impl From<AvroFault> for Wrong<'_> {
    fn from(fault: AvroFault) -> Self {
        Self::Bytes(fault)
    }
}

fn walk<'a>(cursor: &mut Cursor<'a>) -> Result<(Metadata<'a>, [u8; SYNC_BYTES]), Wrong<'a>> {
    cursor.array::<4>()?;
    let mut metadata = Metadata::new();
    loop {
        let (count, end) = cursor.run()?;
        if count == 0 {
            break;
        }
        for _ in 0..count {
            let key = cursor.text()?;
            if metadata.insert(key, cursor.bytes()?).is_some() {
                return Err(Wrong::Twice(key));
            }
        }
        cursor.end_run(end)?;
    }
    Ok((metadata, cursor.array()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(keys: &[&str]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for key in keys {
            bytes.extend([2, u8::try_from(key.len().checked_mul(2).unwrap()).unwrap()]);
            bytes.extend(key.as_bytes());
            bytes.extend([2, b'1']);
        }
        bytes.push(0);
        bytes.extend([7; SYNC_BYTES]);
        bytes
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused() {
        let bytes = header(&["avro.schema", "x"]);
        let found = parse("f", &bytes).unwrap().unwrap();
        assert_eq!((found.length, found.sync), (bytes.len(), [7; SYNC_BYTES]));
        let error = parse("f", &header(&["avro.schema", "x", "avro.schema"])).unwrap_err();
        assert!(error.to_string().contains("\"avro.schema\" twice"), "{error}");
    }

    #[test]
    fn a_header_that_goes_on_is_asked_for_again() {
        let bytes = header(&["avro.schema"]);
        for length in 0..bytes.len() {
            assert!(parse("f", &bytes[..length]).unwrap().is_none(), "{length}");
        }
    }
}
