//! What merging keeps, and what it costs.
