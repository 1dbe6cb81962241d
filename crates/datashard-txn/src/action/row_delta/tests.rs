//! Tests of row deltas.
