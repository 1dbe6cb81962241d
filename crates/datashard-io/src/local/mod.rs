//! Tables in a folder: files that are whole or absent under their names, and as durable as was asked for.

pub mod file_system;
