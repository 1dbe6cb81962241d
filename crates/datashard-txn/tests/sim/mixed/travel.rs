//! [`travel`]: old snapshots, asked for by id and by time, as users do.

use datashard_spec::id::SnapshotId;
use datashard_txn::Committer;

use crate::site::Site;

/// Asks for some of all snapshots that ever were, by id and by the times at which they were current.
///
/// # Errors
/// What was answered that is not true.
pub(crate) async fn travel(site: &Site, table: &Committer) -> Result<(), String> {
    let base = table.refresh().await.map_err(|e| e.to_string())?;
    // Others may have gone on since.
    let (snapshots, log, known) = {
        let annals = site.annals()?;
        let version = annals.versions.iter().find(|version| version.number == base.version.0);
        let version = version.ok_or_else(|| format!("version {} was found and never was", base.version))?;
        let log = annals.log.iter().filter(|(_, number, _)| *number <= version.number);
        let log: Vec<(i64, SnapshotId)> = log.map(|(at_ms, _, id)| (*at_ms, *id)).collect();
        (annals.snapshots.clone(), log, version.known.clone())
    };
    let sample = |length: usize| (length / 8).max(1);
    for id in snapshots.keys().step_by(sample(snapshots.len())) {
        let found = table.find_snapshot(&base, *id).await.map_err(|e| format!("snapshot {id}: {e}"))?;
        let is_right = match &found {
            Some(found) => {
                found.snapshot == snapshots[id]
                    && known.contains(id)
                    && found.is_moved != base.metadata.has_snapshot(*id)
            }
            None => !known.contains(id),
        };
        if !is_right {
            return Err(format!("snapshot {id} was asked for, and found was {found:?}"));
        }
    }
    for (at_ms, _) in log.iter().step_by(sample(log.len())) {
        let found = table.find_snapshot_at(&base, *at_ms).await.map_err(|e| format!("at {at_ms}: {e}"))?;
        let Some(found) = found.map(|found| found.snapshot.id) else { continue };
        let current = log.iter().rev().find(|(from_ms, _)| from_ms <= at_ms).map(|(_, id)| *id);
        // Of several that were current within one millisecond any may be told.
        let is_right = Some(found) == current || log.contains(&(*at_ms, found));
        if !is_right {
            return Err(format!(
                "at {at_ms} was snapshot {current:?} the current one, and found was {found}"
            ));
        }
    }
    Ok(())
}
