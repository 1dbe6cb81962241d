//! Branches and tags.
