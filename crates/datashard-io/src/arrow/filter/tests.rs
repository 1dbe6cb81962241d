//! Masks against the evaluator of the format.
