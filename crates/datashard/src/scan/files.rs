//! From the locations in metadata to files of the store. A table that was moved is read where it is: a location counts if it lies below
//! the place where the table was opened, or below the one that its metadata records.

use datashard_io::{InputFile, Location, TablePath, TableStore};

use crate::error::Error;

/// The files of a table, by the locations that metadata gives.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) store: TableStore,
    recorded: String,
    moved_from: Option<Location>,
}

impl Files {
    pub(super) fn new(store: &TableStore, recorded: &str) -> Self {
        let moved_from = Location::parse(recorded).ok();
        Self { store: store.clone(), recorded: recorded.to_owned(), moved_from }
    }

    pub(super) fn path(&self, file: &str) -> Result<TablePath, Error> {
        let here = self.store.location().relative(file).ok();
        let path = here.or_else(|| self.moved_from.as_ref()?.relative(file).ok());
        path.ok_or_else(|| Error::Outside {
            file: file.to_owned(),
            location: self.store.location().to_string(),
            recorded: self.recorded.clone(),
        })
    }

    pub(super) fn input(&self, file: &str) -> Result<InputFile, Error> {
        Ok(InputFile::new(self.store.clone(), self.path(file)?, file))
    }
}
