//! Files read through an in-memory decoder.
