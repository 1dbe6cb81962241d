//! Few bytes that claim to be many.
