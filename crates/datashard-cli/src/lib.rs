//! The command line of datashard. Nothing is public yet.
