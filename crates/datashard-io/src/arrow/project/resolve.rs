//! [`Resolution`]: where each column of the read schema comes from, in one file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::datatypes::Schema as ArrowSchema;
use datashard_spec::id::FieldId;
use datashard_spec::name_mapping::NameMapping;
use datashard_spec::schema::Schema;
use datashard_spec::value::Value;

use super::bind::Binder;
use super::column::{FileColumn, IdSource, columns};
use super::missing::Missing;
use super::projector::Projector;
use crate::arrow::schema_to_arrow;
use crate::data_error::DataError;

/// Where each column of the read schema comes from: a column of the file, a constant, its initial default, null.
#[derive(Debug, Clone)]
pub(crate) struct Resolution {
    location: Arc<str>,
    read: Arc<Schema>,
    ids: IdSource,
    constants: HashMap<FieldId, Option<Value>>,
    leaves: Vec<usize>,
    leaf_of: HashMap<FieldId, usize>,
    found: HashSet<FieldId>,
}

impl Resolution {
    /// Resolves the columns of `read` in a file with columns `file`, by field ids, or by the name mapping where the file has none at all.
    ///
    /// `constants` are used for columns that the file lacks.
    ///
    /// # Errors
    /// `InvalidData` for a required column that the file lacks and for ids that contradict each other; `InvalidInput` for a column of a type
    /// that cannot become the table's, and for a file without ids where there is no mapping; `Unsupported` for a shredded variant.
    pub(crate) fn new(
        location: &str,
        file: &ArrowSchema,
        read: &Arc<Schema>,
        constants: &HashMap<FieldId, Option<Value>>,
        name_mapping: Option<&NameMapping>,
    ) -> Result<Self, DataError> {
        let (ids, columns) = identified(location, file, read, name_mapping)?;
        let mut binder = Binder::new(Missing { location, constants }, None);
        for (field, target) in read.fields().iter().zip(schema_to_arrow(read)?.fields()) {
            binder.column(field, target, &columns)?;
        }
        let Binder { mut leaves, leaf_of, found, .. } = binder;
        leaves.sort_unstable();
        leaves.dedup();
        Ok(Self {
            location: location.into(),
            read: Arc::clone(read),
            ids,
            constants: constants.clone(),
            leaves,
            leaf_of,
            found,
        })
    }

    /// The columns that were asked for.
    pub(crate) fn read_schema(&self) -> &Schema {
        &self.read
    }

    /// The primitive columns of the file to decode, counted depth first over its schema, ascending. Where no field of a struct is in the
    /// file, one of its leaves is here all the same, for the nulls of the struct.
    pub(crate) fn leaves(&self) -> &[usize] {
        &self.leaves
    }

    /// The primitive column of the file that holds a primitive field of the read schema; `None` for a field that the file lacks, that lies in
    /// a list or map, or that is not primitive.
    pub(crate) fn leaf(&self, id: FieldId) -> Option<usize> {
        self.leaf_of.get(&id).copied()
    }

    /// Whether a column of the read schema, or a field of a struct in it, is in the file.
    pub(crate) fn is_in_file(&self, id: FieldId) -> bool {
        self.found.contains(&id)
    }

    /// How to turn batches of the schema that the decoder gives (some or all of the file's columns) into the read schema. With `only`,
    /// just these top-level columns, in the order of the read schema.
    ///
    /// # Errors
    /// As [`new`](Self::new); `Internal` if the decoder left out what [`leaves`](Self::leaves) ask for.
    pub(crate) fn projector(
        &self,
        decoded: &ArrowSchema,
        only: Option<&[FieldId]>,
    ) -> Result<Projector, DataError> {
        let columns = columns(&self.location, decoded, &self.ids)?;
        let missing = Missing { location: &self.location, constants: &self.constants };
        let mut binder = Binder::new(missing, Some(&self.found));
        let target = schema_to_arrow(&self.read)?;
        let mut plans = Vec::with_capacity(target.fields().len());
        for (field, target) in self.read.fields().iter().zip(target.fields()) {
            if only.is_none_or(|only| only.contains(&field.id)) {
                plans.push(binder.column(field, target, &columns)?);
            }
        }
        Ok(Projector::new(Arc::clone(&self.location), plans))
    }
}

/// The file's columns with the ids that they have or that the mapping gives them.
fn identified(
    location: &str,
    file: &ArrowSchema,
    read: &Schema,
    name_mapping: Option<&NameMapping>,
) -> Result<(IdSource, Vec<FileColumn>), DataError> {
    let own = columns(location, file, &IdSource::Fields)?;
    let has_ids = own.iter().any(FileColumn::has_ids);
    // Nothing is asked of a file without columns, and nothing of any file where no column is wanted.
    if !NameMapping::applies_to(has_ids) || own.is_empty() || read.fields().is_empty() {
        return Ok((IdSource::Fields, own));
    }
    let Some(mapping) = name_mapping else {
        return Err(DataError::WrongColumns {
            place: format!("`{location}`"),
            reason: format!(
                "its columns have no field ids, and the table has no name mapping to find them by; set the table property {}",
                NameMapping::PROPERTY
            ),
        });
    };
    let ids = IdSource::Mapping(Arc::new(mapping.clone()));
    let mapped = columns(location, file, &ids)?;
    Ok((ids, mapped))
}
