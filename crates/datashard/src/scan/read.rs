//! The rows of a plan: files are opened side by side and read in order.

use std::sync::Arc;

use datashard_io::arrow::array::RecordBatch;
use datashard_io::read::{FileReader, ReadRequest, identity_constants};
use datashard_spec::manifest::applies::LiveFile;
use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::plan::{ScanPlan, ScanTask};
use crate::error::Error;

impl ScanPlan {
    /// The rows. Files are opened some at a time; their rows come in the order of the plan.
    pub fn to_stream(&self) -> BoxStream<'static, Result<RecordBatch, Error>> {
        let opened: Vec<_> = self.tasks.iter().map(|task| self.open(task)).collect();
        let batches = stream::iter(opened).buffered(self.scan.concurrency);
        let batches = batches.map_ok(|reader| reader.into_stream().map_err(Error::from)).try_flatten();
        let Some(limit) = self.scan.limit else { return batches.boxed() };
        if limit == 0 {
            return stream::empty().boxed();
        }
        let first = batches.scan(limit, |left, batch| {
            ready(match batch {
                _ if *left == 0 => None,
                Err(error) => Some(Err(error)),
                Ok(batch) => {
                    let rows = usize::try_from(*left).unwrap_or(usize::MAX).min(batch.num_rows());
                    *left = left.saturating_sub(u64::try_from(rows).unwrap_or(u64::MAX));
                    Some(Ok(batch.slice(0, rows)))
                }
            })
        });
        first.boxed()
    }

    pub(super) async fn count(mut self) -> Result<u64, Error> {
        let limit = self.scan.limit.unwrap_or(u64::MAX);
        let mut rows = 0_u64;
        let has_deletes = self.has_deletes;
        self.tasks.retain(|task| {
            let known = u64::try_from(task.file.record_count).ok();
            let known = known.filter(|_| !has_deletes && task.residual.is_always_true());
            rows = rows.saturating_add(known.unwrap_or(0));
            known.is_none()
        });
        let mut batches = self.to_stream();
        while rows < limit
            && let Some(batch) = batches.try_next().await?
        {
            rows = rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
        }
        Ok(rows.min(limit))
    }

    fn open(&self, task: &ScanTask) -> impl Future<Output = Result<FileReader, Error>> + Send + use<> {
        let (file, spec) = (Arc::clone(&task.file), Arc::clone(&task.spec));
        let (loader, files, sequence_number) =
            (self.loader.clone(), self.files.clone(), task.sequence_number);
        let mut request = ReadRequest::new(Arc::clone(&self.schema))
            .with_table_schema(Arc::clone(&self.table_schema))
            .with_constants(identity_constants(&spec, &self.table_schema, &file.partition))
            .with_data_sequence_number(sequence_number)
            .with_partition(&spec, &file.partition)
            .with_record_count(file.record_count)
            .with_batch_rows(self.scan.batch_rows)
            .with_verification(self.scan.verify)
            .with_filter(task.residual.clone());
        if let Some(mapping) = &self.name_mapping {
            request = request.with_name_mapping(Arc::clone(mapping));
        }
        if let Some(id) = file.first_row_id {
            request = request.with_first_row_id(id);
        }
        async move {
            let live = LiveFile { file: &file, sequence_number, spec: &spec };
            let deletes = loader.load(live).await?;
            let mut input = files.input(&file.file_path)?;
            if let Ok(size) = u64::try_from(file.file_size_in_bytes) {
                input = input.with_size_bytes(size);
            }
            let request = request.with_deletes(Arc::new(deletes));
            Ok(FileReader::open(input, &file.file_format, request).await?)
        }
    }
}
