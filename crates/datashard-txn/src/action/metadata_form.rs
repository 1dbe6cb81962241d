//! Forms of table metadata that this library does not write, and properties that are not the caller's to set.

use std::collections::BTreeMap;

use datashard_spec::property::{MetadataCompression, TableProperties, table, write};

use crate::base::Base;
use crate::protocol::COMMIT_STATE;
use crate::refusal::Refusal;
use crate::segments::HISTORY;

/// The base, if there is one and versions after it are written in a form that is safe.
///
/// # Errors
/// `NoTable` without a base; `Unsupported` if the table asks for compressed or encrypted metadata.
pub(super) fn existing<'b>(base: Option<&'b Base>, operation: &'static str) -> Result<&'b Base, Refusal> {
    let base = base.ok_or(Refusal::NoTable)?;
    let properties = base.metadata.properties();
    check_not_compressed(properties, operation)?;
    if TableProperties::new(properties).text(&table::ENCRYPTION_KEY_ID).is_some() {
        let key = table::ENCRYPTION_KEY_ID.key;
        let reason =
            format!("the table is encrypted (`{key}` is set), and manifests would be written in the clear");
        return Err(Refusal::Unsupported { operation, reason });
    }
    Ok(base)
}

/// Compressed metadata has another name, so one version could be made twice, once under each.
///
/// # Errors
/// `Unsupported` if the properties ask for it.
pub(super) fn check_not_compressed(
    properties: &BTreeMap<String, String>,
    operation: &'static str,
) -> Result<(), Refusal> {
    let codec = TableProperties::new(properties).value(&write::METADATA_COMPRESSION_CODEC);
    if codec == MetadataCompression::None {
        return Ok(());
    }
    Err(Refusal::Unsupported {
        operation,
        reason: format!(
            "`{}` is `{}`: compressed metadata has a second name for each version, so two writers could both win; set it to `none`",
            write::METADATA_COMPRESSION_CODEC.key,
            codec.as_str()
        ),
    })
}

/// The commit state is the protocol's.
///
/// # Errors
/// `Rejected` if it is among the keys.
pub(super) fn check_not_commit_state<'k>(
    mut keys: impl Iterator<Item = &'k String>,
    operation: &'static str,
) -> Result<(), Refusal> {
    if let Some(key) = keys.find(|key| [COMMIT_STATE, HISTORY].contains(&key.as_str())) {
        let reason = format!("the property `{key}` is kept by commits and cannot be set or removed");
        return Err(Refusal::Rejected { operation, reason });
    }
    Ok(())
}
