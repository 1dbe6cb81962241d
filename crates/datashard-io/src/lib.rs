//! Bytes and where they live: storage behind `object_store`, put-if-absent, and data files. Nothing is public yet.
