//! Table properties with their defaults.
