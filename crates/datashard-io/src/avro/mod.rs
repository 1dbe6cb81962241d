//! Avro data files.
