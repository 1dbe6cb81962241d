//! Rows without Arrow: serde structs, JSON, typed values.
