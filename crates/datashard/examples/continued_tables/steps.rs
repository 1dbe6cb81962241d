//! [`Continued`]: a table that is gone on with, and what its rows have to be after each step.

use std::sync::Arc;
use std::time::Duration;

use datashard::Table;
use datashard_io::arrow::array::RecordBatch;
use datashard_io::delete::PositionDeleteWriter;
use datashard_io::write::{TableWriter, WriteOptions};
use datashard_spec::expr::Predicate;
use datashard_spec::id::SnapshotId;
use datashard_spec::manifest::{DataFile, FileContent};
use datashard_spec::metadata::FormatVersion;
use datashard_spec::property::{IsolationLevel, TableProperties};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::schema::{PrimitiveType, Type};
use datashard_spec::sort_order::NullOrder;
use datashard_spec::transform::Transform;
use datashard_txn::action::{
    Append, CherryPick, DeleteFiles, DeleteWhere, ExpireSnapshots, MergeManifests, Overwrite,
    ReplacePartitions, ReplaceSortOrder, RewriteFiles, RewriteManifests, RollbackTo, RowDelta,
    SetCurrentSnapshot, SetProperties, Transaction, UpdatePartitionSpec, UpdateRefs, UpdateSchema,
    UpgradeFormatVersion,
};
use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::{Base, CommitError, Operation, epoch};

/// A table that is gone on with.
pub(crate) struct Continued {
    table: Table,
    name: String,
    /// Its rows at first.
    rows: Vec<RecordBatch>,
    /// How often each of them is there now, but for so many rows.
    times: usize,
    minus: usize,
}

impl Continued {
    pub(crate) fn new(table: Table, name: &str) -> Self {
        Self { table, name: name.to_owned(), rows: Vec::new(), times: 1, minus: 0 }
    }

    async fn base(&self) -> Arc<Base> {
        self.table.refresh().await.unwrap()
    }

    fn fail(&self, step: &str, error: &dyn std::fmt::Display) -> ! {
        panic!("{}: {step}: {error}", self.name)
    }

    /// Commits, and tells what the rows are now.
    async fn commit<O: Operation + 'static>(&self, step: &str, operation: O) -> Option<SnapshotId> {
        match self.table.committer().commit(operation, None).await {
            Ok(committed) => {
                self.tell(step).await;
                committed.snapshot_id
            }
            Err(error) => self.fail(step, &error),
        }
    }

    /// The same, where it may be that nothing is due.
    async fn commit_if_due<O: Operation + 'static>(&self, step: &str, operation: O) {
        match self.table.committer().commit(operation, None).await {
            Ok(_) => self.tell(step).await,
            Err(CommitError::Rejected { reason, .. }) if reason.contains("are due") => {
                println!("{}", serde_json::json!({"table": self.name, "step": step, "not due": reason}));
            }
            Err(error) => self.fail(step, &error),
        }
    }

    async fn tell(&self, step: &str) {
        let base = self.base().await;
        let own = self.table.scan().count().await.unwrap_or_else(|e| self.fail(step, &e));
        let before: usize = self.rows.iter().map(RecordBatch::num_rows).sum();
        let expected = (before * self.times).saturating_sub(self.minus);
        if !self.rows.is_empty() {
            assert_eq!(usize::try_from(own), Ok(expected), "{}: {step}: what we count ourselves", self.name);
        }
        let file = format!("{}/metadata/v{}.metadata.json", base.metadata.location(), base.version);
        println!(
            "{}",
            serde_json::json!({
                "table": self.name, "step": step, "version": base.version.0, "metadata": file,
                "times": self.times, "minus": self.minus,
                "format-version": base.metadata.format_version().number(),
            })
        );
    }

    /// Data files with the table's first rows, as the table is now.
    async fn files(&self) -> Vec<DataFile> {
        let base = self.base().await;
        let metadata = &base.metadata;
        let schema = metadata.current_schema();
        let properties = TableProperties::new(metadata.properties());
        let order = metadata.default_sort_order();
        let (options, _) =
            WriteOptions::from_properties(schema, order, properties, FileContent::Data).unwrap();
        let options = options.with_table_location(metadata.location());
        let options = options.with_name_prefix(&epoch::prefix(base.version)).unwrap();
        let store = self.table.store();
        let spec = metadata.default_partition_spec();
        let mut writer = TableWriter::new(store, schema, spec, &options, store.context()).unwrap();
        for batch in &self.rows {
            // Columns that came later are null in these rows.
            if let Err(error) = writer.write(batch).await {
                self.fail("write", &error);
            }
        }
        writer.finish().await.unwrap().files
    }

    async fn append(&self) -> (Append, Vec<String>) {
        let files = self.files().await;
        let locations = files.iter().map(|file| file.file_path.clone()).collect();
        let base = self.base().await;
        let spec = base.metadata.default_spec_id();
        (Append::new(base.metadata.current_schema_id()).with_files(spec, files), locations)
    }

    async fn head(&self) -> Option<SnapshotId> {
        self.base().await.metadata.current_snapshot_id()
    }

    /// Does everything once.
    pub(crate) async fn begin(&mut self) {
        self.tell("as it was").await;
        self.rows = match self.table.scan().to_batches().await {
            Ok(rows) => rows,
            Err(error) => self.fail("read", &error),
        };
        self.rows.retain(|batch| batch.num_rows() > 0);
        self.change_files().await;
        self.change_form().await;
        self.change_history().await;
        self.replace_rows().await;
    }

    async fn change_files(&mut self) {
        self.commit("properties", SetProperties::new().set("continued", "yes")).await;
        let (append, first) = self.append().await;
        self.times = 2;
        self.commit("append", append).await;
        let overwrite = Overwrite::new().removing(first).validated_from(self.head().await);
        let (overwrite, second) = self.add_to(overwrite).await;
        self.commit("overwrite", overwrite).await;
        let rewrite = RewriteFiles::new(self.head().await).removing(second);
        let base = self.base().await;
        let files = self.files().await;
        let third: Vec<DataFile> = files.clone();
        let (schema, spec) = (base.metadata.current_schema_id(), base.metadata.default_spec_id());
        let rewrite = files.into_iter().fold(rewrite, |one, file| one.with_file(schema, spec, file));
        self.commit("rewrite files", rewrite).await;
        self.delete_a_row("row delta", &third).await;
        self.commit_if_due("rewrite manifests", RewriteManifests::new().with_delete_manifests()).await;
        self.commit_if_due("merge manifests", MergeManifests::new()).await;
    }

    async fn add_to(&self, overwrite: Overwrite) -> (Overwrite, Vec<String>) {
        let base = self.base().await;
        let (schema, spec) = (base.metadata.current_schema_id(), base.metadata.default_spec_id());
        let files = self.files().await;
        let locations = files.iter().map(|file| file.file_path.clone()).collect();
        (files.into_iter().fold(overwrite, |one, file| one.with_file(schema, spec, file)), locations)
    }

    /// Deletes the first row of the first of these files, as the format version has it. Version 1 has no way to.
    async fn delete_a_row(&mut self, step: &str, files: &[DataFile]) {
        let base = self.base().await;
        let Some(file) = files.first() else { return };
        let mut delta = RowDelta::new().validated_from(self.head().await, IsolationLevel::Serializable);
        match base.metadata.format_version() {
            FormatVersion::V1 => return,
            FormatVersion::V2 => {
                let metadata = &base.metadata;
                let (schema, spec) = (metadata.current_schema(), metadata.default_partition_spec());
                let properties = TableProperties::new(metadata.properties());
                let (options, _) = WriteOptions::from_properties(
                    schema,
                    metadata.default_sort_order(),
                    properties,
                    FileContent::PositionDeletes,
                )
                .unwrap();
                let options = options.with_table_location(metadata.location());
                let store = self.table.store();
                let mut writer =
                    PositionDeleteWriter::new(store, spec, &options, FormatVersion::V2, store.context())
                        .unwrap();
                writer.delete(&file.partition, &file.file_path, [0]).await.unwrap();
                for deletes in writer.finish().await.unwrap().files {
                    delta = delta.with_delete_file(metadata.current_schema_id(), spec.id, deletes);
                }
            }
            _ => delta = delta.deleting_rows(&file.file_path, DeletionVector::from_positions([0]).unwrap()),
        }
        self.minus += 1;
        self.commit(step, delta).await;
    }

    async fn change_form(&mut self) {
        let column = NewColumn::optional("added_later", PrimitiveType::Int);
        self.commit("add a column", UpdateSchema::new(SchemaUpdate::new().add_column(column))).await;
        let rename = SchemaUpdate::new().rename_column("added_later", "renamed_later");
        self.commit("rename a column", UpdateSchema::new(rename)).await;
        let widen = SchemaUpdate::new().change_type("renamed_later", PrimitiveType::Long);
        self.commit("widen a column", UpdateSchema::new(widen)).await;
        self.commit("drop a column", UpdateSchema::new(SchemaUpdate::new().delete_column("renamed_later")))
            .await;
        let base = self.base().await;
        let simple = |kind: &Type| {
            matches!(kind, Type::Primitive(PrimitiveType::Int | PrimitiveType::Long | PrimitiveType::String))
        };
        let source = base.metadata.current_schema().fields().iter().find(|field| simple(&field.field_type));
        if let Some(source) = source.map(|field| field.name.clone()) {
            let mut spec =
                UpdatePartitionSpec::new().add_named_field("continued_bucket", &source, Transform::Bucket(3));
            // ClickHouse names fields like their columns, which new specs may not.
            let old = base.metadata.default_partition_spec();
            let is_misnamed = |name: &str| base.metadata.current_schema().field_by_name(name).is_some();
            for field in &old.fields {
                if !matches!(field.transform, Transform::Identity | Transform::Void)
                    && is_misnamed(&field.name)
                {
                    spec = spec.rename_field(&field.name, format!("{}_{}", field.name, field.field_id));
                }
            }
            self.commit("partition spec", spec).await;
            self.commit("sort order", ReplaceSortOrder::new().asc(&source, NullOrder::First)).await;
        }
        let (append, fourth) = self.append_files().await;
        self.times += 1;
        self.commit("append under the new spec", append).await;
        let next = match base.metadata.format_version() {
            FormatVersion::V1 => FormatVersion::V2,
            _ => FormatVersion::V3,
        };
        if base.metadata.format_version() < next {
            self.commit("format version", UpgradeFormatVersion::to(next)).await;
            self.delete_a_row("row delta after the upgrade", &fourth).await;
        }
    }

    async fn append_files(&self) -> (Append, Vec<DataFile>) {
        let files = self.files().await;
        let base = self.base().await;
        let append = Append::new(base.metadata.current_schema_id());
        (append.with_files(base.metadata.default_spec_id(), files.clone()), files)
    }

    async fn change_history(&mut self) {
        let refs =
            UpdateRefs::new().create_tag("continued_tag", None).create_branch("continued_branch", None);
        self.commit("branch and tag", refs).await;
        let (append, _) = self.append().await;
        self.commit("append to a branch", append.to_branch("continued_branch")).await;
        let (append, _) = self.append().await;
        let staged = self.commit("stage", append.staged("continued-1")).await.unwrap();
        let (append, fifth) = self.append().await;
        self.times += 1;
        self.commit("append beside what is staged", append).await;
        self.times += 1;
        self.commit("cherry-pick", CherryPick::new(staged)).await;
        let before = self.head().await.unwrap();
        self.times -= 1;
        self.commit("delete files", DeleteFiles::new(fifth)).await;
        let after = self.head().await.unwrap();
        self.times += 1;
        self.commit("roll back", RollbackTo::snapshot(before).from(after)).await;
        self.times -= 1;
        self.commit("set current", SetCurrentSnapshot::to(after).from(Some(before))).await;
    }

    async fn replace_rows(&mut self) {
        let (times, minus) = (self.times, self.minus);
        (self.times, self.minus) = (0, 0);
        self.commit("delete where", DeleteWhere::new(Predicate::always_true())).await;
        let (append, _) = self.append().await;
        self.times = 1;
        self.commit("append to an empty table", append).await;
        assert!(times > 1 && minus < 3, "there was something to delete");
        let files = self.files().await;
        let base = self.base().await;
        let (schema, spec) = (base.metadata.current_schema_id(), base.metadata.default_spec_id());
        let (append, _) = self.append().await;
        (self.times, self.minus) = (1, 0);
        let transaction = Transaction::new()
            .with(DeleteWhere::new(Predicate::always_true()))
            .with(append)
            .with(SetProperties::new().set("emptied", "and filled"));
        self.commit("transaction", transaction).await;
        let replace =
            files.into_iter().fold(ReplacePartitions::new(), |one, file| one.with_file(schema, spec, file));
        self.commit("replace partitions", replace).await;
    }

    /// Lets go of what is not needed any more.
    pub(crate) async fn finish(&mut self) {
        self.tell("before the clean-up").await;
        let refs = UpdateRefs::new().remove_tag("continued_tag").remove_branch("continued_branch");
        self.commit("remove branch and tag", refs).await;
        let base = self.base().await;
        let later_ms = base.metadata.last_updated_ms() + 1;
        let is_ours = base.metadata.properties().get("gc.enabled").is_none_or(|value| value == "true");
        if is_ours {
            let expire = ExpireSnapshots::new().older_than_ms(later_ms).keep_last(1);
            self.commit("expire", expire.removing_unused_definitions()).await;
            let committer = self.table.committer();
            committer.retire(&RetireOptions::default()).await.unwrap_or_else(|e| self.fail("retire", &e));
            let sweep = SweepOptions::default().with_grace(Duration::ZERO);
            committer.sweep(&sweep).await.unwrap_or_else(|e| self.fail("sweep", &e));
        }
        self.tell("swept").await;
    }
}
