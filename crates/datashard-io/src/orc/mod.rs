//! ORC data files, read only.
