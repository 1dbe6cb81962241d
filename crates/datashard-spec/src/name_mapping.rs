//! Name mappings: field ids for files that carry none.
