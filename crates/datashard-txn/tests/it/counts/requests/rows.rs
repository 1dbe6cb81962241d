//! What is counted.

use std::time::Duration;

use datashard_io::request::RequestKind;
use datashard_io::sim::{Answer, Effect, Fault, Loss};
use datashard_spec::expr::Predicate;
use datashard_spec::id::{PartitionSpecId, SchemaId};
use datashard_spec::metadata::{FormatVersion, StatisticsFile};
use datashard_spec::puffin::DeletionVector;
use datashard_spec::schema::PrimitiveType;
use datashard_spec::schema::evolution::{NewColumn, SchemaUpdate};
use datashard_spec::sort_order::NullOrder;
use datashard_spec::transform::Transform;
use datashard_txn::action::*;
use datashard_txn::maintain::{RetireOptions, SweepOptions};
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitError, IsolationLevel};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::fixture::{Lab, created};
use crate::support::costs::Cost;
use crate::support::rows::row;

pub(super) struct Row {
    /// What it is, as the documentation says it.
    pub(super) what: &'static str,
    pub(super) run: for<'a> fn(&'a Lab<'a>) -> LocalBoxFuture<'a, Cost>,
}

const SPEC: PartitionSpecId = PartitionSpecId(0);
const SCHEMA: SchemaId = SchemaId(0);
const LEVEL: IsolationLevel = IsolationLevel::Serializable;

macro_rules! rows {
    ($($what:literal: |$lab:ident| $run:expr;)*) => {
        pub(super) const ROWS: &[Row] = &[$(Row { what: $what, run: |$lab| async move { $run }.boxed_local() }),*];
    };
}

rows! {
    "`CreateTable`": |lab| lab.create_another(created()).await;
    "`ReplaceTable`": |lab| lab.commit(ReplaceTable::new(created())).await;
    "`Append` of a file that is there": |lab| lab.commit(lab.new_append()).await;
    "`Append` that writes its data file": |lab| lab.commit(row(&lab.committer, "new", "0")).await;
    "`Append` under a key, sent again": |lab| {
        let key = || Some(AppKey::new("loader", 7));
        lab.committer.commit(lab.new_append(), key()).await.unwrap();
        lab.settle().await;
        lab.call(async |table| table.commit(lab.new_append(), key()).await.unwrap()).await
    };
    "`DeleteFiles`, one of three": |lab| lab.commit(DeleteFiles::new([lab.file(0)])).await;
    "`DeleteWhere`, all three files": |lab| lab.commit(DeleteWhere::new(Predicate::always_true())).await;
    "`Overwrite` of one file by another": |lab| {
        let overwrite = Overwrite::new().removing([lab.file(0)]).with_file(SCHEMA, SPEC, lab.new_file());
        lab.commit(overwrite.validated_from(lab.head()).at_level(LEVEL)).await
    };
    "`ReplacePartitions`": |lab| {
        lab.commit(ReplacePartitions::new().with_file(SCHEMA, SPEC, lab.new_file())).await
    };
    "`RewriteFiles`, two into one": |lab| {
        let rewrite = RewriteFiles::new(lab.head()).removing([lab.file(0), lab.file(1)]);
        let mut file = lab.new_file();
        file.record_count = 2;
        lab.commit(rewrite.with_file(SCHEMA, SPEC, file)).await
    };
    "`RowDelta` that deletes a row": |lab| {
        let rows = DeletionVector::from_positions([0]).unwrap();
        lab.commit(RowDelta::new().deleting_rows(lab.file(0), rows).validated_from(lab.head(), LEVEL)).await
    };
    "`MergeManifests`, two of three": |lab| {
        lab.prepare(SetProperties::new().set("commit.manifest.min-count-to-merge", "2")).await;
        let cost = lab.commit(MergeManifests::new()).await;
        let base = lab.committer.base().unwrap();
        let summary = &base.metadata.current_snapshot().unwrap().unwrap().summary;
        assert_eq!(summary.count("manifests-replaced"), Some(2));
        cost
    };
    "`RewriteManifests`, three into one": |lab| lab.commit(RewriteManifests::new()).await;
    "`CherryPick` of a staged snapshot on the head": |lab| {
        lab.prepare(lab.new_append().staged("audit")).await;
        lab.commit(CherryPick::new(*lab.snapshot_ids().last().unwrap())).await
    };
    "`CherryPick` of a staged snapshot, others were committed": |lab| {
        lab.prepare(lab.new_append().staged("audit")).await;
        let staged = *lab.snapshot_ids().last().unwrap();
        lab.prepare(row(&lab.committer, "other", "0")).await;
        lab.commit(CherryPick::new(staged)).await
    };
    "`SetProperties`": |lab| lab.commit(SetProperties::new().set("owner", "ada")).await;
    "`UpdateSchema`": |lab| {
        let column = NewColumn::optional("note", PrimitiveType::String);
        lab.commit(UpdateSchema::new(SchemaUpdate::new().add_column(column))).await
    };
    "`UpdatePartitionSpec`": |lab| {
        lab.commit(UpdatePartitionSpec::new().add_field("row", Transform::Bucket(4))).await
    };
    "`ReplaceSortOrder`": |lab| lab.commit(ReplaceSortOrder::new().asc("row", NullOrder::First)).await;
    "`UpgradeFormatVersion`": |lab| {
        let older = lab.another(created().with_format_version(FormatVersion::V2), 3).await;
        older.commit(UpgradeFormatVersion::to(FormatVersion::V3)).await
    };
    "`SetLocation`": |lab| {
        let here = lab.committer.store().location().to_string();
        lab.commit(SetLocation::to(here)).await
    };
    "`UpdateStatistics`": |lab| {
        let file = StatisticsFile::new(lab.head().unwrap(), lab.place("metadata/s.stats"), 10, 1);
        lab.commit(UpdateStatistics::new().set(file)).await
    };
    "`UpdateRefs`": |lab| lab.commit(UpdateRefs::new().create_tag("q1", lab.head())).await;
    "`RollbackTo`": |lab| lab.commit(RollbackTo::snapshot(lab.snapshot_ids()[0])).await;
    "`SetCurrentSnapshot`": |lab| lab.commit(SetCurrentSnapshot::to(lab.snapshot_ids()[0])).await;
    "`ExpireSnapshots`, two of three": |lab| {
        lab.commit(ExpireSnapshots::new().older_than_ms(i64::MAX)).await
    };
    "`ExpireSnapshots` that removes unused definitions, one spec": |lab| {
        lab.commit(ExpireSnapshots::new().older_than_ms(i64::MAX).removing_unused_definitions()).await
    };
    "`ExpireSnapshots` that removes unused definitions, two specs, one snapshot stays": |lab| {
        lab.prepare(UpdatePartitionSpec::new().add_field("row", Transform::Bucket(4))).await;
        lab.commit(ExpireSnapshots::new().older_than_ms(i64::MAX).removing_unused_definitions()).await
    };
    "`Transaction` of an append and a property": |lab| {
        let property = SetProperties::new().set("loaded", "yes");
        lab.commit(Transaction::new().with(lab.new_append()).with(property)).await
    };
    "open": |lab| lab.open().await;
    "refresh, nothing new": |lab| lab.call(async |table| table.refresh().await.unwrap()).await;
    "snapshot by id or time, listed": |lab| {
        let base = lab.committer.base().unwrap();
        let (id, at_ms) = (lab.snapshot_ids()[0], base.metadata.snapshot_log()[0].timestamp_ms);
        lab.call(async |table| {
            assert!(table.find_snapshot(&base, id).await.unwrap().is_some());
            assert!(table.find_snapshot_at(&base, at_ms).await.unwrap().is_some());
        }).await
    };
    "snapshot by time, in a history segment": |lab| {
        let began_ms = lab.committer.base().unwrap().metadata.last_updated_ms();
        let past = lab.another(created().with_property("datashard.history.keep-snapshots", "4"), 20).await;
        let base = past.committer.base().unwrap();
        past.call(async |table| {
            let found = table.find_snapshot_at(&base, began_ms + 15_000).await.unwrap();
            assert!(found.unwrap().is_moved);
        }).await
    };
    "resolve, the slot is another's": |lab| {
        let lost = Effect::LoseRequest(Loss::Answer(Answer::internal_error()));
        let fault = Fault::on(RequestKind::Put, "*/metadata/v*.metadata.json").always();
        lab.store.add_fault(fault.doing(lost));
        let error = lab.committer.commit(lab.new_append(), None).await.unwrap_err();
        lab.store.clear_faults();
        let CommitError::CommitStateUnknown { token, .. } = error else { panic!("{error}") };
        lab.prepare(SetProperties::new().set("owner", "ada")).await;
        lab.call(async |table| table.resolve(&token).await.unwrap()).await
    };
    "retire, nothing to do": |lab| {
        lab.call(async |table| table.retire(&RetireOptions::default()).await.unwrap()).await
    };
    "retire, three versions": |lab| {
        for number in 3..514 {
            lab.prepare(SetProperties::new().set("n", number.to_string())).await;
        }
        lab.wait(Duration::from_secs(10_000)).await;
        lab.call(async |table| {
            let report = table.retire(&RetireOptions::default()).await.unwrap();
            assert_eq!(report.deleted.len(), 3);
        }).await
    };
    "sweep, nothing to do": |lab| {
        lab.call(async |table| table.sweep(&SweepOptions::default()).await.unwrap()).await
    };
}
