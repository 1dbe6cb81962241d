//! Old snapshots that somebody names again, by a branch or a tag, while somebody else expires them and sweeps: either the name is there and
//! all of its files are, or it was refused.

use std::time::Duration;

use datashard_io::sim::{Profile, SimStore, Simulation};
use datashard_spec::expr::Predicate;
use datashard_spec::id::SnapshotId;
use datashard_txn::action::{
    CherryPick, DeleteWhere, ExpireSnapshots, RollbackTo, SetCurrentSnapshot, UpdateRefs,
};
use datashard_txn::{CommitError, Committed, Committer};

use crate::clean_up::{options, without_grace};
use crate::support::rows::{endless, row};
use crate::time_travel::is_whole;

const ROUND_TRIP: Duration = Duration::from_millis(10);
const HOUR: Duration = Duration::from_secs(3_600);

/// How an old snapshot comes to be named.
#[derive(Debug, Clone, Copy)]
enum Naming {
    Tag,
    Branch,
    Rollback,
    Current,
    CherryPick,
}

impl Naming {
    async fn commit(
        self,
        table: &Committer,
        old: SnapshotId,
        staged: SnapshotId,
    ) -> Result<Committed, CommitError> {
        match self {
            Self::Tag => table.commit(UpdateRefs::new().create_tag("old", old), None).await,
            Self::Branch => table.commit(UpdateRefs::new().create_branch("old", old), None).await,
            Self::Rollback => table.commit(RollbackTo::snapshot(old), None).await,
            Self::Current => table.commit(SetCurrentSnapshot::to(old), None).await,
            Self::CherryPick => table.commit(CherryPick::new(staged), None).await,
        }
    }
}

async fn open(bucket: &SimStore, simulation: &Simulation) -> Committer {
    Committer::open(bucket.table(simulation.context()), options()).await.unwrap()
}

/// The last snapshot with rows that were deleted since, and a staged one.
async fn with_a_past(bucket: &SimStore, simulation: &Simulation) -> (SnapshotId, SnapshotId) {
    let store = bucket.table(simulation.context());
    let (table, _) = Committer::create(store, endless(), options()).await.unwrap();
    let mut old = None;
    for name in ["a", "b", "c"] {
        old = table.append(row(&table, name, "0")).await.unwrap().snapshot_id;
    }
    table.commit(row(&table, "staged", "0").staged("audit"), None).await.unwrap();
    let base = table.base().unwrap();
    let staged = base.metadata.snapshot_ids().find(|id| {
        !base.metadata.refs().values().any(|reference| {
            base.metadata.ancestors(reference.snapshot_id).any(|snapshot| snapshot.unwrap().id == *id)
        })
    });
    table.commit(DeleteWhere::new(Predicate::always_true()), None).await.unwrap();
    for name in ["d", "e", "f", "g", "h"] {
        table.append(row(&table, name, "0")).await.unwrap();
    }
    (old.unwrap(), staged.unwrap())
}

/// Whether the name was given; what is listed in the end is whole.
async fn race(simulation: &Simulation, naming: Naming, after: Duration) -> bool {
    let bucket = SimStore::new(simulation, Profile::every(ROUND_TRIP));
    let (old, staged) = with_a_past(&bucket, simulation).await;
    let clock = simulation.context().clock;
    clock.sleep(100 * HOUR).await;
    let (ours, theirs) = (open(&bucket, simulation).await, open(&bucket, simulation).await);
    let begins = simulation.context().clock;
    let cleaner = simulation.spawn(async move {
        begins.sleep(ROUND_TRIP * 8).await;
        theirs.commit(ExpireSnapshots::new().older_than_ms(i64::MAX), None).await.unwrap();
        theirs.sweep(&without_grace()).await.unwrap();
    });
    clock.sleep(after).await;
    let named = naming.commit(&ours, old, staged).await;
    cleaner.await.unwrap();
    clock.sleep(100 * HOUR).await;
    let table = open(&bucket, simulation).await;
    table.sweep(&without_grace()).await.unwrap();

    let base = table.base().unwrap();
    for snapshot in base.metadata.snapshots() {
        let snapshot = snapshot.unwrap();
        let list = snapshot.manifest_list().unwrap();
        assert!(is_whole(table.store(), list).await, "{naming:?} after {after:?}: {} is not", snapshot.id);
    }
    let target = if matches!(naming, Naming::CherryPick) { staged } else { old };
    match named {
        Ok(_) if matches!(naming, Naming::CherryPick) => true,
        Ok(_) => {
            assert!(base.metadata.has_snapshot(target), "{naming:?} after {after:?}");
            true
        }
        Err(CommitError::Conflict { .. } | CommitError::Rejected { .. }) => {
            assert!(!base.metadata.has_snapshot(target), "{naming:?} after {after:?}");
            false
        }
        Err(other) => panic!("{naming:?} after {after:?}: {other}"),
    }
}

#[test]
fn e5_an_old_snapshot_that_is_named_while_it_is_expired_and_swept_is_whole_or_refused() {
    for naming in [Naming::Tag, Naming::Branch, Naming::Rollback, Naming::Current, Naming::CherryPick] {
        let mut named = Vec::new();
        for step in 0..16_u32 {
            let simulation = Simulation::new(u64::from(step)).with_time_limit(1_000 * HOUR);
            let after = ROUND_TRIP * step + Duration::from_millis(1);
            named.push(simulation.run(race(&simulation, naming, after)).unwrap());
        }
        assert!(named.contains(&true) && named.contains(&false), "{naming:?} has one end only: {named:?}");
    }
}
