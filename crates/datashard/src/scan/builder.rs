//! [`Scan`]: what to read.

use std::sync::Arc;

use datashard_io::arrow::array::RecordBatch;
use datashard_io::read::ReadRequest;
use datashard_io::row::deserialize;
use datashard_spec::expr::Predicate;
use datashard_spec::id::{FieldId, SnapshotId};
use datashard_spec::schema::Schema;
use datashard_spec::snapshot::Snapshot;
use datashard_txn::Base;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use serde::de::DeserializeOwned;

use super::plan::ScanPlan;
use crate::error::Error;
use crate::history;
use crate::table::Table;

/// Files opened at the same time where nothing else is said.
const CONCURRENCY: usize = 8;

/// What to read of a table: everything in the newest snapshot of `main`, unless said otherwise.
///
/// # Examples
/// See the [crate](crate).
#[derive(Debug, Clone)]
#[must_use = "nothing is read yet"]
pub struct Scan {
    table: Table,
    of: Of,
    select: Option<Vec<String>>,
    pub(super) filter: Option<Predicate>,
    pub(super) limit: Option<u64>,
    pub(super) batch_rows: usize,
    pub(super) concurrency: usize,
    pub(super) case_sensitive: bool,
    pub(super) verify: bool,
}

#[derive(Debug, Clone)]
enum Of {
    Current,
    Snapshot(SnapshotId),
    Time(i64),
    Ref(String),
}

impl Scan {
    pub(crate) fn new(table: Table) -> Self {
        Self {
            table,
            of: Of::Current,
            select: None,
            filter: None,
            limit: None,
            batch_rows: ReadRequest::DEFAULT_BATCH_ROWS,
            concurrency: CONCURRENCY,
            case_sensitive: true,
            verify: true,
        }
    }

    /// These columns only, by full name: `a`, or `a.b` of a struct. They come in the order of the table.
    pub fn select<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.select = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// The rows for which this is true, of those for which earlier filters are.
    pub fn filter(mut self, filter: Predicate) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(earlier) => earlier.and(filter),
            None => filter,
        });
        self
    }

    /// [`filter`](Self::filter), as text: `id > 1 and country in ('is', 'fo')`.
    ///
    /// # Errors
    /// `Filter` tells where in the text something else was expected.
    pub fn filter_text(self, filter: &str) -> Result<Self, Error> {
        let filter = filter.parse::<Predicate>().map_err(|e| Error::Filter { source: Box::new(e.into()) })?;
        Ok(self.filter(filter))
    }

    /// At most so many rows: the first ones.
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Of this snapshot, with the schema of then. History segments are looked through as well.
    pub fn snapshot(mut self, id: SnapshotId) -> Self {
        self.of = Of::Snapshot(id);
        self
    }

    /// As of this time, in ms since 1970-01-01 UTC, with the schema of then.
    pub fn as_of(mut self, time_ms: i64) -> Self {
        self.of = Of::Time(time_ms);
        self
    }

    /// Of a branch, with the schema of now, or of a tag, with the schema of then.
    pub fn reference(mut self, name: impl Into<String>) -> Self {
        self.of = Of::Ref(name.into());
        self
    }

    /// With at most so many rows in a batch, at least 1.
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.max(1);
        self
    }

    /// With so many files opened at a time, at least 1. Rows and their order do not depend on it.
    pub fn concurrency(mut self, files: usize) -> Self {
        self.concurrency = files.max(1);
        self
    }

    /// Whether names of columns differ by case. They do by default.
    pub fn case_sensitive(mut self, sensitive: bool) -> Self {
        self.case_sensitive = sensitive;
        self
    }

    /// Whether checksums are verified, where files have them. They are by default.
    pub fn verification(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// The files to read.
    ///
    /// # Errors
    /// `NoSnapshot`, `NoColumn`, `Filter` for what does not fit; `Corrupt`, `Outside`; of the store.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn plan(&self) -> Result<ScanPlan, Error> {
        let base = self.table.refresh().await?;
        let (snapshot, table_schema) = self.target(&base).await?;
        let schema = self.projected(&table_schema)?;
        ScanPlan::make(self, self.table.store(), &base, snapshot, table_schema, schema).await
    }

    /// The rows, as a stream of batches.
    ///
    /// # Errors
    /// As [`plan`](Self::plan); the stream, as reading files.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn to_stream(&self) -> Result<BoxStream<'static, Result<RecordBatch, Error>>, Error> {
        Ok(self.plan().await?.to_stream())
    }

    /// The rows, as batches. None if there are no rows: the columns are then [`ScanPlan::arrow_schema`]'s.
    ///
    /// # Errors
    /// As [`to_stream`](Self::to_stream).
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn to_batches(&self) -> Result<Vec<RecordBatch>, Error> {
        self.to_stream().await?.try_collect().await
    }

    /// The rows, each as a record whose members are columns.
    ///
    /// # Errors
    /// As [`to_stream`](Self::to_stream); `InvalidInput` names row and column of a value that does not fit the record.
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn rows<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let plan = self.plan().await?;
        let mut batches = plan.to_stream();
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            for row in deserialize(&batch, plan.schema())? {
                rows.push(row?);
            }
        }
        Ok(rows)
    }

    /// How many rows there are. From metadata alone as far as neither deletes nor the filter ask for more.
    ///
    /// # Errors
    /// As [`to_stream`](Self::to_stream).
    ///
    /// # Cancel safety
    /// Nothing is written.
    pub async fn count(&self) -> Result<u64, Error> {
        self.plan().await?.count().await
    }

    async fn target(&self, base: &Base) -> Result<(Option<Snapshot>, Arc<Schema>), Error> {
        let metadata = &base.metadata;
        let damaged = |source| Error::corrupt(history::file_of(base), source);
        let snapshot = match &self.of {
            Of::Current => {
                let current = metadata.current_snapshot().map_err(damaged)?.cloned();
                return Ok((current, Arc::clone(metadata.current_schema())));
            }
            Of::Ref(name) => {
                if !metadata.refs().contains_key(name) {
                    return Err(Error::NoSnapshot { what: format!("branch or tag `{name}`") });
                }
                let snapshot = metadata.snapshot_of_ref(name).map_err(damaged)?.clone();
                let schema = metadata.schema_for_ref(name).map_err(damaged)?;
                return Ok((Some(snapshot), Arc::clone(schema)));
            }
            Of::Snapshot(id) => {
                let found = self.table.committer().find_snapshot(base, *id).await?;
                found.ok_or_else(|| Error::NoSnapshot { what: format!("snapshot {id}") })?.snapshot
            }
            Of::Time(time_ms) => history::at(&self.table, base, *time_ms).await?,
        };
        let schema = snapshot.schema_id.and_then(|id| metadata.schema(id));
        let schema = Arc::clone(schema.unwrap_or_else(|| metadata.current_schema()));
        Ok((Some(snapshot), schema))
    }

    fn projected(&self, schema: &Arc<Schema>) -> Result<Arc<Schema>, Error> {
        let Some(select) = &self.select else { return Ok(Arc::clone(schema)) };
        let mut ids: Vec<FieldId> = Vec::new();
        for column in select {
            let field = match self.case_sensitive {
                true => schema.field_by_name(column),
                false => schema.field_by_name_ignoring_case(column),
            };
            let names = || schema.fields().iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", ");
            let field = field.ok_or_else(|| Error::NoColumn { column: column.clone(), known: names() })?;
            ids.push(field.id);
        }
        let part = schema.project(&ids).map_err(|e| Error::Schema { source: Box::new(e.into()) })?;
        Ok(Arc::new(part))
    }
}
