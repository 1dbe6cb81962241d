//! Deletion vectors of a change: merged with those that are there.
