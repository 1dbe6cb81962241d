//! Parquet data files.
