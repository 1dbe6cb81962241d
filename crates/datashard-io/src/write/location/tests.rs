//! Locations against those of the reference implementation, and for any values.

use std::path::Path;

use datashard_spec::id::PartitionSpecId;
use datashard_spec::manifest::FileContent;
use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
use proptest::prelude::*;

use super::*;
use crate::location::Location;
use crate::write::testing::{options_of, table};

fn spec_of(fields: &[&str]) -> PartitionSpec {
    let columns =
        fields.iter().zip(1..).map(|(name, id)| NestedField::optional(id, *name, PrimitiveType::String));
    let schema = Schema::new(columns.collect()).unwrap();
    let mut spec = PartitionSpec::builder(&schema);
    for name in fields {
        spec = spec.identity(*name);
    }
    spec.build().unwrap()
}

fn text(value: &str) -> Option<Value> {
    Some(Value::from(value))
}

fn locations(set: &[(&str, &str)]) -> FileLocations {
    FileLocations::new(&table(-1), &options_of(FileContent::Data, set), &Context::system()).unwrap()
}

/// Paths below the fixtures of a table written by the reference implementation.
fn fixture(name: &str) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/iceberg-java").join(name).join("data");
    let mut found = Vec::new();
    walk(&root, &root, &mut found);
    found.sort();
    found
}

#[test]
fn names_are_new_each_time_and_end_as_asked() {
    let (spec, locations) = (spec_of(&[]), locations(&[]));
    let first = locations.new_file(&spec, &[], ".parquet").unwrap();
    let second = locations.new_file(&spec, &[], "-deletes.avro").unwrap();
    let third = locations.new_shared_file("-deletes.puffin").unwrap();
    let writer = locations.writer;
    assert_eq!(first.path.as_str(), format!("data/00000-{writer}.parquet"));
    assert_eq!(second.location, format!("memory://lake/t/data/00001-{writer}-deletes.avro"));
    assert_eq!(third.path.name(), format!("00002-{writer}-deletes.puffin"));
    let others = self::locations(&[]).new_file(&spec, &[], ".parquet").unwrap();
    assert_ne!(others, first);
}

#[test]
fn a_prefix_begins_every_name_and_cannot_leave_the_folder() {
    let options = options_of(FileContent::Data, &[]);
    let prefixed = options.clone().with_name_prefix("e12-").unwrap();
    let locations = FileLocations::new(&table(-1), &prefixed, &Context::system()).unwrap();
    assert!(locations.new_shared_file(".parquet").unwrap().path.name().starts_with("e12-00000-"));
    for prefix in ["../", "a/b", "é", " "] {
        let error = options.clone().with_name_prefix(prefix).unwrap_err();
        assert_eq!(error.kind(), datashard_spec::ErrorKind::InvalidInput, "{prefix}");
    }
}

#[test]
fn trap_29_awkward_values_make_the_folders_of_the_reference_implementation() {
    let spec = spec_of(&["p q", "ключ=1"]);
    let found = fixture("part_special_strings");
    let long = "x".repeat(40);
    let values = [
        text(""),
        text("a b"),
        text("a/b"),
        text("a%2Fb"),
        text("a=b"),
        text(".."),
        text("é"),
        text("日本"),
        text("a:b"),
        text("a+b"),
        text("a\\b"),
        text("a'b"),
        text("null"),
        None,
        text(&long),
    ];
    let mut ours = std::collections::BTreeSet::new();
    let locations = locations(&[]);
    for value in values {
        let place = locations.new_file(&spec, &[value, text("k")], ".parquet").unwrap();
        let path = place.path.as_str().strip_prefix("data/").unwrap();
        ours.insert(path.rsplit_once('/').unwrap().0.to_owned());
        assert_eq!(locations.store.location().relative(&place.location).unwrap(), place.path);
    }
    let theirs = found.iter().map(|path| path.rsplit_once('/').unwrap().0.to_owned()).collect();
    assert_eq!(ours, theirs);
}

#[test]
fn hash_folders_are_those_of_the_reference_implementation() {
    let found = fixture("object_storage_paths");
    assert_eq!(found.len(), 3);
    for path in found {
        let mut parts = path.splitn(5, '/');
        let hash: Vec<&str> = parts.by_ref().take(4).collect();
        let rest = parts.next().unwrap();
        assert_eq!(hash_folders(rest), hash.join("/"), "{rest}");
        let (folder, name) = rest.split_once('/').unwrap();
        assert_eq!(Layout::ObjectStorage { partitioned: true }.path(folder, name), path);
    }
}

#[test]
fn object_storage_layout_hashes_what_follows_it() {
    let spec = spec_of(&["s"]);
    for (set, folder, joint) in [
        (vec![("write.object-storage.enabled", "true")], "s=a+b/", '/'),
        (
            vec![
                ("write.object-storage.enabled", "true"),
                ("write.object-storage.partitioned-paths", "false"),
            ],
            "",
            '-',
        ),
    ] {
        let locations = locations(&set);
        let path = locations.new_file(&spec, &[text("a b")], ".parquet").unwrap().path;
        let name = format!("{folder}00000-{}.parquet", locations.writer);
        assert_eq!(path.as_str(), format!("data/{}{joint}{name}", hash_folders(&name)));
        assert!(path.as_str()[5..28].bytes().all(|b| b"01/".contains(&b)), "{path}");
    }
}

#[test]
fn only_void_fields_make_no_folder() {
    let mut spec = spec_of(&["s"]);
    spec.fields[0].transform = datashard_spec::transform::Transform::Void;
    let path = locations(&[]).new_file(&spec, &[None], ".parquet").unwrap().path;
    assert_eq!(path.folder(), "data");
}

#[test]
fn values_too_long_for_a_folder_are_cut_between_escapes() {
    let spec = spec_of(&["a", "b", "c", "d"]);
    let locations = locations(&[]);
    let tuple = [text(&"é".repeat(500)), text(&"y".repeat(1_000)), text("z"), text("z")];
    let path = locations.new_file(&spec, &tuple, ".parquet").unwrap().path;
    let folders: Vec<&str> = path.folder().split('/').collect();
    // `a=` and as many whole escapes of three characters as fit into 255.
    assert_eq!(folders[1], format!("a={}", "%C3%A9".repeat(42)));
    assert_eq!(folders[2].len(), 255);
    assert!(path.folder().len() <= "data/".len() + MAX_PARTITION_BYTES);
}

#[test]
fn data_path_below_the_table_is_used_as_it_is_spelled() {
    let spec = spec_of(&[]);
    for data in ["memory://lake/t/elsewhere/deep", "memory://lake/t/elsewhere/deep/"] {
        let place = locations(&[("write.data.path", data)]).new_file(&spec, &[], ".parquet").unwrap();
        assert_eq!(place.path.folder(), "elsewhere/deep");
        assert!(place.location.starts_with("memory://lake/t/elsewhere/deep/00000-"), "{}", place.location);
    }
    let place =
        locations(&[("write.data.path", "memory://lake/t")]).new_file(&spec, &[], ".parquet").unwrap();
    assert_eq!(place.path.folder(), "");
}

#[test]
fn data_path_outside_of_the_table_is_refused() {
    for data in ["memory://lake/other", "memory://lake/t2/data", "s3://lake/t/data", "data", "/t/data", ""] {
        let options = options_of(FileContent::Data, &[("write.data.path", data)]);
        let error = FileLocations::new(&table(-1), &options, &Context::system()).unwrap_err();
        assert_eq!(error.kind(), datashard_spec::ErrorKind::Unsupported, "{data}");
        assert!(error.to_string().contains("write.data.path"), "{error}");
    }
}

#[cfg(feature = "local")]
#[test]
fn manifests_name_files_as_the_table_spells_its_location() {
    let spec = spec_of(&["s"]);
    let store = || {
        let location = Location::parse("/srv/a b").unwrap();
        let memory = std::sync::Arc::new(object_store::memory::InMemory::new());
        TableStore::from_object_store(memory, "t", location, Context::system()).unwrap()
    };
    let options = options_of(FileContent::Data, &[]);
    // Escapes of the URL and of folders cannot be told apart, so there the plain path is used.
    for (table, start) in [
        ("/srv/a b", "/srv/a b/data/s=x/00000-"),
        ("file:/srv/a b", "file:/srv/a b/data/s=x/00000-"),
        ("file:///srv/a b/", "file:///srv/a b/data/s=x/00000-"),
        ("file:///srv/a%20b", "file:///srv/a%20b/data/s=x/00000-"),
    ] {
        let options = options.clone().with_table_location(table);
        let locations = FileLocations::new(&store(), &options, &Context::system()).unwrap();
        let place = locations.new_file(&spec, &[text("x")], ".parquet").unwrap();
        assert!(place.location.starts_with(start), "{}", place.location);
        let place = locations.new_file(&spec, &[text("x/y")], ".parquet").unwrap();
        assert_eq!(place.path.folder(), "data/s=x%2Fy");
        assert_eq!(store().location().relative(&place.location).unwrap(), place.path);
    }
    let options = options.with_table_location("/srv/b");
    let error = FileLocations::new(&store(), &options, &Context::system()).unwrap_err();
    assert_eq!(error.kind(), datashard_spec::ErrorKind::InvalidInput);
}

proptest! {
    /// Whatever the values are, the file lies below the table's data, and its name leads back to it.
    #[test]
    fn any_values_make_usable_paths(values in prop::collection::vec(prop::option::of(".{0,300}"), 3), hashed: bool) {
        let spec = spec_of(&["a", "b", "c"]);
        let tuple: Vec<Option<Value>> = values.iter().map(|v| v.as_deref().map(Value::from)).collect();
        let locations = locations(&[("write.object-storage.enabled", if hashed { "true" } else { "false" })]);
        let place = locations.new_file(&spec, &tuple, ".parquet").unwrap();
        prop_assert!(place.path.as_str().starts_with("data/"));
        prop_assert_eq!(&locations.store.location().relative(&place.location).unwrap(), &place.path);
        prop_assert!(object_store::path::Path::parse(place.path.as_str()).is_ok());
    }
}

#[test]
fn specs_of_one_partition_need_no_tuple() {
    let spec = PartitionSpec::unpartitioned(PartitionSpecId(3));
    assert_eq!(partition_folders(&spec, &[]), "");
}
