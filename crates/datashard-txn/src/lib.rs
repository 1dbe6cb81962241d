//! Optimistic commits: what changed meanwhile, does it conflict, try again. Nothing is public yet.
