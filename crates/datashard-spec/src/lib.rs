//! The Apache Iceberg table format, versions 1 to 3, as values and bytes: no I/O, no async runtime, no clock, no
//! randomness, no Arrow, no TLS. The caller brings the bytes.
//!
//! ```text
//! vN.metadata.json    metadata::TableMetadata      schemas, partition specs, sort orders, properties, refs
//!   └ snapshot        snapshot::Snapshot           read when asked for; kept byte for byte otherwise
//!       └ manifest list   manifest::ManifestFile   a row per manifest: counts, partition summaries
//!           └ manifest    manifest::ManifestEntry  an entry per file: added, existing, deleted
//!               └ file    manifest::DataFile       path, partition, metrics; data, deletes, deletion vector
//! ```
//!
//! | to do | use | section of the specification |
//! | --- | --- | --- |
//! | read and write table metadata | [`metadata::TableMetadata`] | "Table Metadata", "Appendix C" |
//! | change it by the rules | [`metadata::TableUpdate`], [`metadata::TableRequirement`] | "Table Metadata", "Commit Conflict Resolution" |
//! | types and schemas | [`schema::Schema`], [`schema::Type`] | "Schemas and Data Types" |
//! | change a schema | [`schema::evolution::SchemaUpdate`] | "Schema Evolution" |
//! | columns of files without ids | [`name_mapping::NameMapping`] | "Column Projection" |
//! | typed values, bounds, defaults | [`value::Value`] | "Appendix D: Single-value serialization" |
//! | partition | [`partition::PartitionSpec`], [`transform::Transform`] | "Partitioning", "Appendix B" |
//! | sort | [`sort_order::SortOrder`] | "Sorting" |
//! | table properties with defaults | [`property::TableProperties`] | none |
//! | decide what snapshots to expire | [`metadata::retention`] | "Snapshot Retention Policy" |
//! | manifests and manifest lists from and to Avro | `avro` (feature) | "Manifests", "Manifest Lists", "Appendix A" |
//! | what entries inherit | [`manifest::Inheritance`] | "Sequence Number Inheritance", "Row Lineage" |
//! | which deletes reach which files | [`manifest::applies`] | "Scan Planning" |
//! | filter and prune | [`expr`] | "Scan Planning" |
//! | Puffin files and deletion vectors | `puffin` (feature) | "Puffin Spec", "Deletion Vectors" |
//!
//! # Bad input
//! Every byte is taken for hostile. Whatever it is, the answer is a value or a typed error that says what is wrong, where,
//! and what was found ([`SpecError`], and its [`ErrorKind`]); memory and time are bounded by the size of the input and by
//! limits that can be set. Keys, fields and transforms that this version does not know are kept and written again.
//!
//! # Features
//! | feature | default | brings |
//! | --- | --- | --- |
//! | `avro` | yes | manifests and manifest lists: codecs null, deflate, snappy |
//! | `gzip` | yes | compressed table metadata |
//! | `zstd` | yes | the codec zstandard, for Avro blocks and Puffin blobs; compiles C |
//! | `puffin` | no | Puffin files, deletion vectors |
//!
//! # Examples
//! Which files can hold a row that matches:
//! ```
//! # #[cfg(feature = "avro")] {
//! use datashard_spec::avro::{ManifestPlanner, ManifestWriter, WriteOptions};
//! use datashard_spec::expr::{InclusiveMetrics, Predicate};
//! use datashard_spec::id::{FieldId, PartitionSpecId, SnapshotId};
//! use datashard_spec::manifest::{DataFile, FileFormat, ManifestContent};
//! use datashard_spec::metadata::FormatVersion;
//! use datashard_spec::partition::PartitionSpec;
//! use datashard_spec::schema::{NestedField, PrimitiveType, Schema};
//! use datashard_spec::value::Value;
//!
//! let schema = Schema::new(vec![NestedField::required(1, "age", PrimitiveType::Int)])?;
//! let spec = PartitionSpec::unpartitioned(PartitionSpecId(0));
//! let mut writer = ManifestWriter::new(
//!     FormatVersion::V2, &schema, &spec, ManifestContent::Data, SnapshotId(7), &WriteOptions::default(),
//! )?;
//! for (path, oldest) in [("s3://b/t/data/0.parquet", 20), ("s3://b/t/data/1.parquet", 40)] {
//!     let upper = [(FieldId(1), Value::Int(oldest).to_binary()?)].into_iter().collect();
//!     writer.add(DataFile::new(path, FileFormat::Parquet, 100, 4096).with_upper_bounds(upper))?;
//! }
//! let (bytes, _row_of_the_manifest_list) = writer.finish("s3://b/t/metadata/m0.avro")?;
//!
//! let filter = "age > 30".parse::<Predicate>()?.bind(&schema)?;
//! let metrics = InclusiveMetrics::new(&filter);
//! let mut planner = ManifestPlanner::new(&bytes, &filter.field_ids())?;
//! let mut opened = Vec::new();
//! while let Some(entry) = planner.next_entry()? {
//!     if metrics.may_match(&entry) {
//!         opened.push(entry.file_path.to_owned());
//!     }
//! }
//! assert_eq!(opened, ["s3://b/t/data/1.parquet"]);
//! # }
//! # Ok::<(), datashard_spec::SpecError>(())
//! ```

pub mod error;
pub mod expr;
pub mod id;
mod json;
pub mod manifest;
pub mod metadata;
pub mod name_mapping;
pub mod partition;
pub mod property;
pub mod schema;
pub mod snapshot;
pub mod snapshot_ref;
pub mod sort_order;
pub mod transform;
pub mod value;

#[cfg(feature = "avro")]
pub mod avro;
mod avro_error;
#[cfg(feature = "puffin")]
pub mod puffin;
mod puffin_error;

pub use avro_error::{AvroError, AvroFault};
pub use error::{ErrorKind, SpecError};
pub use json::{JsonError, UnknownKeys};
pub use puffin_error::PuffinError;
pub use uuid::Uuid;
