//! Files read through a decoder in memory: what happens after decoding, whatever the format.

mod columns;
mod deletes;
mod memory;
mod stream;
