//! What a manifest says about itself in the key-value metadata of its file.

use super::error::ManifestError;
use super::extra::ExtraField;
use super::list::ManifestContent;
use crate::SpecError;
#[cfg(feature = "avro")]
use crate::error::excerpt;
use crate::id::{PartitionSpecId, SchemaId};
use crate::metadata::FormatVersion;
use crate::partition::PartitionSpec;
use crate::schema::{Schema, StructType};

/// The header of a manifest.
///
/// Partition values are those of this header's spec and schema, which need not be the table's current ones.
///
/// # Spec
/// "Manifests", file metadata.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ManifestHeader {
    /// Version of the format that the manifest was written in; 1 where it does not say.
    pub format_version: FormatVersion,
    /// Data or deletes.
    pub content: ManifestContent,
    /// Id of the schema, if it says.
    pub schema_id: Option<SchemaId>,
    /// Id of the spec, if it says.
    pub partition_spec_id: Option<PartitionSpecId>,
    /// The spec, if it says.
    pub partition_spec: Option<PartitionSpec>,
    /// Types of the partition tuple. `unknown` where neither header nor caller can tell: values of such fields come as
    /// the Avro schema describes them.
    pub partition_type: StructType,
    /// Fields that the format does not name.
    pub extra_fields: Vec<ExtraField>,
    /// Whether header or caller tell the partition type.
    #[cfg(feature = "avro")]
    pub(crate) says_partition_type: bool,
    schema_json: Option<String>,
}

impl ManifestHeader {
    /// The schema of the table when the manifest was written; parsed at each call.
    ///
    /// # Errors
    /// `InvalidData` if it is not a schema, or not there.
    pub fn schema(&self) -> Result<Schema, SpecError> {
        match &self.schema_json {
            Some(text) => Schema::from_json(text),
            None => Err(ManifestError::Header { key: "schema", reason: "it is missing".to_owned() }.into()),
        }
    }

    /// Reads the values of the keys. `fallback` is the partition type for a file that does not say.
    #[cfg(feature = "avro")]
    pub(crate) fn parse<'m>(
        value_of: impl Fn(&str) -> Option<&'m [u8]>,
        fallback: Option<&StructType>,
    ) -> Result<Self, SpecError> {
        let text = |key: &'static str| {
            value_of(key)
                .map(|bytes| {
                    std::str::from_utf8(bytes)
                        .map_err(|_| ManifestError::Header { key, reason: "not UTF-8".to_owned() })
                })
                .transpose()
        };
        let number = |key: &'static str| match text(key)? {
            None => Ok(None),
            Some(digits) => digits.trim().parse::<i32>().map(Some).map_err(|_| ManifestError::Header {
                key,
                reason: format!("{:?} is not a number", excerpt(digits)),
            }),
        };
        let format_version = number("format-version")?.unwrap_or(1);
        let format_version =
            FormatVersion::from_number(i64::from(format_version)).ok_or_else(|| ManifestError::Header {
                key: "format-version",
                reason: format!("version {format_version} is not known"),
            })?;
        let content = match text("content")? {
            None => ManifestContent::Data,
            Some(word) if word.eq_ignore_ascii_case("data") => ManifestContent::Data,
            Some(word) if word.eq_ignore_ascii_case("deletes") => ManifestContent::Deletes,
            Some(word) => {
                let reason = format!("expected data or deletes, found {:?}", excerpt(word));
                return Err(ManifestError::Header { key: "content", reason }.into());
            }
        };
        let spec_id = number("partition-spec-id")?.map(PartitionSpecId);
        let spec = text("partition-spec")?
            .map(|json| parse_spec(json, spec_id.unwrap_or(PartitionSpecId(0))))
            .transpose()?;
        let schema_json = text("schema")?.map(str::to_owned);
        let partition_type = match (&spec, &schema_json, fallback) {
            (Some(spec), _, _) if spec.fields.is_empty() => StructType::default(),
            // Parsed only where a partition type asks for it: a wide schema costs more than a small manifest.
            (Some(spec), Some(json), _) => spec.partition_type(&Schema::from_json(json)?),
            (_, _, Some(fallback)) => fallback.clone(),
            (Some(spec), None, None) => spec.partition_type(&Schema::new(Vec::new())?),
            // Then the partition record of the Avro schema tells.
            (None, _, None) => StructType::default(),
        };
        let says_partition_type = spec.is_some() || fallback.is_some();
        Ok(Self {
            format_version,
            content,
            schema_id: number("schema-id")?.map(SchemaId),
            partition_spec_id: spec_id,
            partition_spec: spec,
            partition_type,
            extra_fields: Vec::new(),
            says_partition_type,
            schema_json,
        })
    }
}

/// Reads the list of fields; also the whole spec, which some writers put there.
#[cfg(feature = "avro")]
fn parse_spec(text: &str, id: PartitionSpecId) -> Result<PartitionSpec, SpecError> {
    if text.trim_start().starts_with('{') {
        return Ok(PartitionSpec { id, ..PartitionSpec::from_json(text)? });
    }
    PartitionSpec::fields_from_json(id, text)
}
