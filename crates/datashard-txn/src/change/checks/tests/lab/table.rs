//! The table of conflicts in the documentation is what commands do.
