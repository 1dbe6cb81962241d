//! Which delete files apply, and how they are loaded.

mod select;
