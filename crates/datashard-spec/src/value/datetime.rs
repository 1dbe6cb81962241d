//! Dates, times and timestamps as text and as calendar parts.
