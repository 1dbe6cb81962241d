//! The paved path to a table: create, append, scan, time travel, maintain. Nothing is public yet.
