//! Deletes loaded from files of every format.
