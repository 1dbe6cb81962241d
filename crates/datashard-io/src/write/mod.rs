//! Writing data and delete files of any format from Arrow record batches in a table's schema.

pub(crate) mod format_writer;
