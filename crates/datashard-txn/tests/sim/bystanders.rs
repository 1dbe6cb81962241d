//! The other processes of a world: readers, a clean-up of old versions (R7), a sweep of files (R8), a writer that knows no rule (R9).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use datashard_io::head::{HintAdvance, metadata_path};
use datashard_io::sim::Process;
use datashard_io::{TablePath, TableStore};
use datashard_spec::id::MetadataVersion;
use datashard_spec::metadata::{ApplyContext, TableMetadata, TableUpdate};
use datashard_txn::protocol::{COMMIT_STATE, CommitId, CommitState};
use datashard_txn::{Base, CommitError, Committer, epoch};

use crate::auditor::reachable;
use crate::chance::Chance;
use crate::mixed;
use crate::plan::{Foreign, Mood};
use crate::site::Site;

/// A process that goes on until the world ends.
#[derive(Clone)]
pub(crate) struct Bystander {
    pub(crate) site: Site,
    pub(crate) process: Process,
    pub(crate) chance: Chance,
}

impl Bystander {
    pub(crate) async fn pause(&mut self) {
        let most = match self.site.plan.mood {
            Mood::Busy => Duration::from_secs(3),
            Mood::Slow => Duration::from_secs(2_400),
        };
        let time = self.chance.time_up_to(most);
        self.process.context().clock.sleep(time).await;
    }

    /// Reads the newest version again and again: it never goes back, and it holds what was acknowledged before.
    pub(crate) async fn read(mut self) {
        let table = loop {
            match Committer::open(self.site.table(&self.process), self.site.options(&self.process)).await {
                Ok(table) => break table,
                Err(_) => self.pause().await,
            }
        };
        let mut last = 0;
        loop {
            let acknowledged = self.site.ledger().acknowledged;
            let clock = self.process.context().clock;
            let began = clock.elapsed();
            let read = table.refresh().await;
            if self.site.plan.mixed.is_some()
                && let Ok(base) = &read
                && let Some(key) = mixed::unreadable(&self.site, &base.metadata, clock.elapsed() - began)
            {
                let version = base.version;
                self.site.ledger().complaints.push(format!("a reader of version {version} misses {key}"));
            }
            self.note_read(read, acknowledged, &mut last);
            for _ in 0..4 {
                self.pause().await;
            }
        }
    }

    fn note_read(&self, read: Result<Arc<Base>, CommitError>, acknowledged: u64, last: &mut u64) {
        let mut ledger = self.site.ledger();
        match read {
            Ok(base) => {
                let found = base.version.0;
                ledger.reads += 1;
                if found < *last || found < acknowledged {
                    ledger.complaints.push(format!(
                        "a reader found version {found} after {last}; {acknowledged} was acknowledged before"
                    ));
                }
                *last = found;
            }
            Err(CommitError::Storage(_)) => {}
            Err(error) => ledger.complaints.push(format!("a reader was told: {error}")),
        }
    }

    /// Retires old versions by R7: the newest few stay, and every version whose successor is younger than an hour by the store's clock.
    pub(crate) async fn retire(mut self) {
        let table = self.site.table(&self.process);
        loop {
            self.pause().await;
            let Ok(Some(head)) = table.find_head().await else { continue };
            let keep = self.chance.within(1, 6);
            let mut to = table.retired().await.map_or(1, |retired| retired.0.max(1));
            let most = head.version.0.saturating_sub(keep);
            while to < most && self.is_an_hour_old(&table, to + 1).await {
                to += 1;
            }
            self.clean_up(&table, MetadataVersion(to)).await;
        }
    }

    async fn is_an_hour_old(&self, table: &TableStore, version: u64) -> bool {
        let path = metadata_path(MetadataVersion(version)).unwrap();
        let made_ms = table.info(&path).await.map_or(i64::MAX, |file| file.modified_ms);
        made_ms.saturating_add(3_600_000) <= self.site.store.now_ms()
    }

    async fn clean_up(&mut self, table: &TableStore, to: MetadataVersion) {
        let outcome = match table.advance_hint(to).await {
            HintAdvance::Deferred => table.flush_hint().await,
            outcome => Some(outcome),
        };
        let hinted = matches!(
            outcome, Some(HintAdvance::Written(told) | HintAdvance::Already(told)) if told >= to
        );
        if !hinted {
            return;
        }
        if let Ok(retired) = table.raise_retired(to).await {
            let mut versions: Vec<u64> = (1..retired.0).collect();
            self.chance.shuffle(&mut versions);
            for version in versions {
                let path = metadata_path(MetadataVersion(version)).unwrap();
                let is_there = self.site.store.object(&format!("table/{path}")).is_some();
                if is_there && !self.chance.one_in(5) {
                    let _ = table.delete(&path).await;
                }
            }
        }
    }

    /// Deletes files that nothing refers to by R8: first a version with a higher file floor, then what lies below it and is not reachable
    /// from that very version.
    pub(crate) async fn sweep(mut self) {
        let table = self.site.table(&self.process);
        loop {
            for _ in 0..8 {
                self.pause().await;
            }
            let Ok(Some(head)) = table.find_head().await else { continue };
            let base = TableMetadata::from_bytes(&head.metadata).unwrap();
            let Ok(Some(mut state)) = CommitState::of_properties(base.properties(), head.version) else {
                continue;
            };
            state.parent = state.commit;
            state.commit = CommitId(u128::from(self.chance.next()) << 64 | u128::from(self.chance.next()));
            // Files of writers that began a little earlier are spared, in most cases.
            let floor = (head.version.0 + 1).saturating_sub(self.chance.pick(&[0, 3, 10]));
            state.file_floor = state.file_floor.max(MetadataVersion(floor));
            let Some(version) = self.commit(&table, &base, head.version, Some(state.to_text())).await else {
                continue;
            };
            // R2: a version below the boundary is nobody's.
            if !table.retired().await.is_ok_and(|retired| retired <= version) {
                continue;
            }
            let store = &self.site.store;
            let metadata = store.object(&format!("table/{}", metadata_path(version).unwrap())).unwrap();
            let reachable: BTreeSet<String> =
                match reachable(store, &TableMetadata::from_bytes(&metadata).unwrap()) {
                    Ok(reachable) => reachable,
                    Err(what) => {
                        return self.site.ledger().complaints.push(format!("a sweep found that {what}"));
                    }
                };
            for key in store.keys() {
                let is_old = epoch::of_file(&key).is_some_and(|epoch| epoch < state.file_floor);
                if is_old && !reachable.contains(&key) {
                    let _ = table.delete(&TablePath::parse(&key["table/".len()..]).unwrap()).await;
                }
            }
        }
    }

    /// Commits versions without a look at the rules: the commit state goes along as it is, or is dropped.
    pub(crate) async fn meddle(mut self) {
        let table = self.site.table(&self.process);
        for _ in 0..self.chance.within(1, 6) {
            self.pause().await;
            let Ok(Some(head)) = table.find_head().await else { continue };
            let base = TableMetadata::from_bytes(&head.metadata).unwrap();
            let drops = self.site.plan.foreign == Foreign::Drops && self.chance.one_in(3);
            let state = base.properties().get(COMMIT_STATE).cloned().filter(|_| !drops);
            self.commit(&table, &base, head.version, state).await;
        }
    }

    /// Creates the next version with this commit state, once. Gives its number if the store says that it did.
    async fn commit(
        &mut self,
        table: &TableStore,
        base: &TableMetadata,
        version: MetadataVersion,
        state: Option<String>,
    ) -> Option<MetadataVersion> {
        let note = ("foreign".to_owned(), self.chance.next().to_string());
        let mut updates = vec![TableUpdate::SetProperties { updates: [note].into() }];
        updates.push(match state {
            Some(text) => TableUpdate::SetProperties { updates: [(COMMIT_STATE.to_owned(), text)].into() },
            None => TableUpdate::RemoveProperties { removals: vec![COMMIT_STATE.to_owned()] },
        });
        let now_ms = self.process.context().clock.now_ms().max(base.last_updated_ms());
        let file = table.location().file(&metadata_path(version).unwrap());
        let context = ApplyContext::new(now_ms).with_previous_metadata_file(file);
        let next = base.apply(&updates, &context).unwrap();
        let version = MetadataVersion(version.0 + 1);
        let created = table.create(&metadata_path(version).unwrap(), Bytes::from(next.to_json())).await;
        created.is_ok_and(|created| created.is_yes()).then_some(version)
    }
}
