//! Projection: what is where, and what is not.
