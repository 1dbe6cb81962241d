//! The tables of `testdata/`: where they lie here, what their metadata says, what their expectation files say.

use std::path::{Path, PathBuf};

use datashard_spec::metadata::TableMetadata;
use serde_json::Value as Json;

/// One table of `testdata/` with its `expected.json`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) expected: Json,
}

impl Fixture {
    /// All tables, by name. Panics if one is missing, so that a lost folder cannot pass as success.
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

    /// The metadata that the expectation file is about, compressed or not.
    pub(crate) fn metadata(&self) -> TableMetadata {
        let file = self.expected["metadata-file"].as_str().unwrap();
        let bytes = std::fs::read(self.dir.join(file)).unwrap();
        TableMetadata::from_bytes(&bytes).unwrap_or_else(|e| panic!("{}/{file}: {e}", self.name))
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
