//! Whether a delete file may be added to a table.
//!
//! # Spec
//! "Row-level Deletes", "Position Delete Files", "Equality Delete Files", "Deletion Vectors".

use datashard_spec::manifest::{DataFile, FileContent, FileFormat};
use datashard_spec::metadata::{FormatVersion, TableMetadata};
use datashard_spec::schema::Type;

/// Checks a delete file. The partition tuple and the numbers that all files have are for the caller.
///
/// # Errors
/// What is wrong with it, to be read after its name.
pub(super) fn check(file: &DataFile, table: &TableMetadata) -> Result<(), String> {
    let version = table.format_version();
    if version < FormatVersion::V2 {
        return Err("holds deletes, and a table of format version 1 has none: raise it first".to_owned());
    }
    match (&file.content, &file.file_format) {
        (FileContent::Data, _) => Err("holds data, where delete files are added".to_owned()),
        (_, FileFormat::Unknown(format)) => {
            Err(format!("is of the format {}, which is none of delete files", super::excerpt(format)))
        }
        (FileContent::PositionDeletes, FileFormat::Puffin) => vector(file, version),
        (FileContent::PositionDeletes, _) if version >= FormatVersion::V3 => {
            Err("holds position deletes, and a table of format version 3 takes them as deletion vectors only"
                .to_owned())
        }
        (FileContent::PositionDeletes, _) => Ok(()),
        (FileContent::EqualityDeletes, FileFormat::Puffin) => {
            Err("is a Puffin file, which holds no equality deletes".to_owned())
        }
        (FileContent::EqualityDeletes, _) => equality(file, table),
    }
}

fn vector(file: &DataFile, version: FormatVersion) -> Result<(), String> {
    if version < FormatVersion::V3 {
        return Err(format!("is a deletion vector, which a table of format version {version} does not have"));
    }
    if file.referenced_data_file.is_none() {
        return Err("is a deletion vector that does not say of which data file".to_owned());
    }
    let (offset, size_bytes) = (file.content_offset, file.content_size_in_bytes);
    let is_inside = offset.zip(size_bytes).is_some_and(|(offset, size_bytes)| {
        offset >= 4
            && size_bytes > 0
            && offset.checked_add(size_bytes).is_some_and(|end| end <= file.file_size_in_bytes)
    });
    if is_inside { Ok(()) } else { Err("does not say where in it the deletion vector is".to_owned()) }
}

fn equality(file: &DataFile, table: &TableMetadata) -> Result<(), String> {
    if file.equality_ids.is_empty() {
        return Err("holds equality deletes and does not say by which columns".to_owned());
    }
    for id in &file.equality_ids {
        let field = table.current_schema().field_by_id(*id);
        match field.and_then(|field| field.field) {
            Some(field) if matches!(field.field_type, Type::Primitive(_)) => {}
            Some(field) => {
                return Err(format!("compares the column `{}`, which is of no primitive type", field.name));
            }
            None => return Err(format!("compares the field {id}, which the schema does not have")),
        }
    }
    Ok(())
}
