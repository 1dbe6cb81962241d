//! Tables whose deletion vectors are damaged or cannot be: told as damage, with the file, and nothing is written.

use super::*;
use crate::action::testing::LOCATION;

/// A table with a vector of row 1 of `a`, and where that vector is.
fn with_a_vector() -> (TestTable, DataFile) {
    let mut table = table(FormatVersion::V3, &["a"]);
    table.commit(&delete("a", &[1])).unwrap();
    let vector = table.deletes().remove(0);
    (table, vector)
}

fn damage(table: &TestTable, delta: &RowDelta) -> (String, String) {
    let (path, reason) = damage_of(table.for_operation(90).attempt(delta, 1, &[]).unwrap_err());
    assert!(!path.starts_with(LOCATION), "told below the table: {path}");
    (path, reason)
}

#[test]
fn every_damaged_byte_of_a_vector_is_found() {
    let (table, vector) = with_a_vector();
    let bytes = table.files[&vector.file_path].to_vec();
    let from = usize::try_from(vector.content_offset.unwrap()).unwrap();
    let length = usize::try_from(vector.content_size_in_bytes.unwrap()).unwrap();
    for position in from..from + length {
        let mut damaged = table.clone();
        let mut other = bytes.clone();
        other[position] ^= 0x41;
        damaged.files.insert(vector.file_path.clone(), other.into());
        let (path, reason) = damage(&damaged, &delete("a", &[2]));
        assert!(path.ends_with(".avro") && reason.contains("damaged"), "{path}: {reason}");
        assert!(reason.contains(&vector.file_path), "it says which: {reason}");
    }
}

/// The table with another entry in the place of that of the vector.
fn with_entry(mut vector: DataFile, change: impl FnOnce(&mut DataFile)) -> TestTable {
    let mut table = table(FormatVersion::V3, &["a"]);
    let written = table.write_vectors("p", &[("a", &[1])]).remove(0);
    vector.clone_from(&written);
    change(&mut vector);
    table.commit(&with_deletes(vector)).unwrap();
    table
}

#[test]
fn a_vector_with_more_or_fewer_rows_than_its_entry_says_is_damaged() {
    for count in [0, 2, 1 << 40] {
        let (_, vector) = with_a_vector();
        let table = with_entry(vector, |vector| vector.record_count = count);
        let (_, reason) = damage(&table, &delete("a", &[2]));
        assert!(reason.contains("damaged") && reason.contains("p.puffin"), "{count}: {reason}");
    }
}

#[test]
fn a_vector_that_lies_where_it_cannot_is_damaged() {
    let (_, vector) = with_a_vector();
    let size_bytes = vector.file_size_in_bytes;
    let table = with_entry(vector, |vector| {
        vector.content_offset = Some(5);
        vector.content_size_in_bytes = Some(8);
    });
    let (_, reason) = damage(&table, &delete("a", &[2]));
    assert!(reason.contains("damaged"), "{reason} of {size_bytes} bytes");
}

#[test]
fn a_manifest_that_is_damaged_is_named() {
    let (mut table, _) = with_a_vector();
    let manifests: Vec<String> = table.rows().into_iter().map(|row| row.manifest_path).collect();
    for manifest in manifests {
        let whole = table.files[&manifest].clone();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            table.files.insert(manifest.clone(), whole.slice(..length));
            let (path, _) = damage(&table, &delete("a", &[2]));
            assert!(manifest.ends_with(&path), "{path} of {manifest}");
        }
        table.files.insert(manifest, whole);
    }
    table.commit(&delete("a", &[2])).unwrap();
}
