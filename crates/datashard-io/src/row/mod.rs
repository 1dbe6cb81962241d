//! Rows without Arrow: serde structs, JSON, typed values; in through [`RowBuilder`], out through [`deserialize`], [`to_json`], [`values`].
//!
//! Nothing is guessed and nothing rounded: a record that does not say exactly what its column holds is refused, with its number and the
//! field's full name, and the builder is as before. A field that is absent gets its write default, or null; one that is there as null
//! (`None`, `null`) stays null. Unknown fields are refused.
//!
//! | Iceberg | serde in | serde out | JSON in | JSON out |
//! |---|---|---|---|---|
//! | boolean | `bool` | `bool` | boolean | boolean |
//! | int, long | any integer in range | `i32`, `i64`, or any integer it fits | number without fraction, in range | number |
//! | float, double | floats; `f64` and integers if exactly the same number | `f32`, `f64`, if exactly the same number | number, for a float rounded; `"NaN"`, `"Infinity"`, `"-Infinity"` | the same, the shortest number that reads alike |
//! | decimal | text, an integer; fewer digits after the point are filled up | text; an integer if asked for one and there is no fraction | text, or a number of up to 15 digits | text |
//! | date | ISO text, or an integer of days since 1970 | text; the integer if asked for one | ISO text | ISO text |
//! | time, timestamps | ISO text, or an integer of microseconds or nanoseconds, as the type has it; with a zone any offset, none is UTC | text; the integer if asked for one | ISO text | ISO text, with a zone as `+00:00` |
//! | string | text, a `char`, an enum's variant without values | text, such an enum | text | text |
//! | uuid | text, 16 bytes | text; bytes if asked for | text | text |
//! | fixed, binary | bytes, a sequence of `u8`, hexadecimal text | bytes or a sequence if asked for; hexadecimal text | hexadecimal text | hexadecimal text |
//! | geometry, geography | as binary, in WKB | as binary | as binary | as binary |
//! | list | a sequence, a tuple | a sequence | array | array |
//! | map | a map, a struct | a map | `{"keys": [...], "values": [...]}`, or an object if its keys are text | `{"keys": [...], "values": [...]}` |
//! | struct | a struct, a map with text as keys | a map | object by field names | object by field names |
//! | unknown | null | null | `null` | `null` |
//! | variant | null | refused if not null | `null` | refused if not null |
//!
//! JSON numbers are taken as `serde_json` read them from text: exactly, since this crate turns its feature `float_roundtrip` on.
//!
//! Dates and timestamps of other crates, and `Uuid`, serialise as text or bytes and so fit. An object with just the keys `keys` and
//! `values`, both arrays, is always the first form of a map.
//!
//! # Examples
//! ```
//! use std::sync::Arc;
//!
//! use datashard_io::row::{RowBuilder, deserialize};
//! use datashard_spec::schema::{ListType, NestedField, PrimitiveType, Schema};
//! use datashard_spec::value::Value;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Order {
//!     id: u32,
//!     price: String,
//!     placed: String,
//!     tags: Vec<String>,
//!     note: Option<String>,
//! }
//!
//! let schema = Arc::new(Schema::new(vec![
//!     NestedField::required(1, "id", PrimitiveType::Long),
//!     NestedField::required(2, "price", PrimitiveType::Decimal { precision: 9, scale: 2 }),
//!     NestedField::required(3, "placed", PrimitiveType::Timestamptz),
//!     NestedField::required(4, "tags", ListType::required(5, PrimitiveType::String)),
//!     NestedField::optional(6, "note", PrimitiveType::String),
//!     NestedField::required(7, "channel", PrimitiveType::String).with_write_default(Value::from("web")),
//! ])?);
//! let mut rows = RowBuilder::new(&schema)?;
//! rows.push(&Order {
//!     id: 1,
//!     price: "9.5".into(),
//!     placed: "2024-05-01T10:00:00+02:00".into(),
//!     tags: vec!["new".into()],
//!     note: None,
//! })?;
//! let batch = rows.finish()?;
//!
//! let orders: Vec<Order> = deserialize(&batch, &schema)?.collect::<Result<_, _>>()?;
//! assert_eq!(orders[0].price, "9.50");
//! assert_eq!(orders[0].placed, "2024-05-01T08:00:00.000000+00:00");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod builder;
mod check;
mod deserialize;
mod from_json;
mod key_name;
mod members;
mod path;
mod read;
mod scalar;
mod serialize;
mod serialize_parts;
#[cfg(test)]
mod tests;
mod to_json;

pub use builder::RowBuilder;
pub use deserialize::deserialize;
pub use read::values;
pub use to_json::to_json;
