//! The tables of `testdata/`, where they lie here and what their expectation files say.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

/// One table of `testdata/` with its `expected.json`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) expected: Json,
}

impl Fixture {
    /// All tables, by name. Panics if there are suspiciously few, so that a lost folder cannot pass as success.
    pub(crate) fn all() -> Vec<Self> {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
        let mut fixtures = Vec::new();
        for group in ["iceberg-java", "iceberg-other"] {
            for entry in std::fs::read_dir(testdata.join(group)).unwrap() {
                let dir = entry.unwrap().path();
                let Ok(expected) = std::fs::read(dir.join("expected.json")) else { continue };
                let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
                fixtures.push(Self { name, dir, expected: serde_json::from_slice(&expected).unwrap() });
            }
        }
        assert_eq!(fixtures.len(), 63, "testdata is not complete");
        fixtures.sort_by(|a, b| a.name.cmp(&b.name));
        fixtures
    }

    /// The table with this name.
    pub(crate) fn named(name: &str) -> Self {
        Self::all().into_iter().find(|fixture| fixture.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// All metadata files, as (file name, bytes), oldest version first.
    pub(crate) fn metadata_files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<(u64, String, Vec<u8>)> = self
            .metadata_dir()
            .filter(|path| path.to_str().unwrap().ends_with(".metadata.json"))
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                let digits: String =
                    name.chars().skip_while(|c| *c == 'v').take_while(char::is_ascii_digit).collect();
                (digits.parse().unwrap(), name, std::fs::read(&path).unwrap())
            })
            .collect();
        assert!(!files.is_empty(), "{}: no metadata", self.name);
        files.sort();
        files.into_iter().map(|(_, name, bytes)| (name, bytes)).collect()
    }

    fn metadata_dir(&self) -> impl Iterator<Item = PathBuf> {
        std::fs::read_dir(self.dir.join("metadata")).unwrap().map(|entry| entry.unwrap().path())
    }

    /// The bytes of the file that the table's own (absolute) location names.
    pub(crate) fn read(&self, location: &str) -> Vec<u8> {
        std::fs::read(self.dir.join(self.relative(location)))
            .unwrap_or_else(|e| panic!("{}: {location}: {e}", self.name))
    }

    /// A location of the table's metadata, relative to the table.
    pub(crate) fn relative(&self, location: &str) -> String {
        let inside = format!("/tmp/iceberg-fixtures/{}/", self.name);
        let (_, relative) =
            location.split_once(&inside).unwrap_or_else(|| panic!("{}: {location} is outside", self.name));
        relative.to_owned()
    }
}

/// The Avro files of a table's metadata folder, as (file name, bytes): manifest lists or manifests.
pub(crate) fn avro_files(fixture: &Fixture, lists: bool) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = fixture
        .metadata_dir()
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            let is_list = name.starts_with("snap-");
            (name.ends_with(".avro") && is_list == lists).then(|| (name, std::fs::read(&path).unwrap()))
        })
        .collect();
    files.sort();
    files
}
