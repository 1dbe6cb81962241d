//! What is written is read: every type, every codec, every layout, by value.

pub(crate) mod edges;
mod equality;
mod large;
mod matrix;
mod nested;
mod random;
mod variant;
