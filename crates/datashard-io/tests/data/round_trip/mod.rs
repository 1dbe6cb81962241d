//! What is written is read: every type, every codec, every layout, by value.

pub(crate) mod edges;
mod large;
mod matrix;
mod random;
mod variant;
