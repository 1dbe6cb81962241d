//! [`Writer`]: a program that has work to do and does it, through crashes: what it was told, and what it has not done, is kept outside.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use datashard_io::sim::Process;
use datashard_txn::action::{Append, SetProperties};
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitError, CommitToken, Committed, Committer, Resolution};
use futures_util::future::{Either, join_all, select};

use crate::chance::Chance;
use crate::ledger::What;
use crate::mixed;
use crate::site::Site;

/// Something to do.
#[derive(Debug, Clone)]
pub(crate) enum Task {
    /// An append of so many files.
    Append(u64),
    /// A property of its own.
    Property(String),
    /// Whatever comes to mind, planned on what is there.
    Anything,
    /// The operations of an application, with keys, in order: those from this number to that one.
    Job { app: String, next: u64, last: u64 },
}

/// A program that has work to do. Its processes may crash; then another one takes its work up.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) name: String,
    lanes: u64,
    queue: Mutex<VecDeque<Task>>,
    /// What the lanes are doing.
    current: Mutex<Vec<Option<Task>>>,
    is_done: Mutex<bool>,
    has_crashed: Mutex<bool>,
}

impl Writer {
    pub(crate) fn new(name: String, lanes: u64, tasks: Vec<Task>) -> Arc<Self> {
        let current = (0..lanes).map(|_| None).collect();
        Arc::new(Self {
            name,
            lanes,
            queue: Mutex::new(tasks.into()),
            current: Mutex::new(current),
            is_done: Mutex::new(false),
            has_crashed: Mutex::new(false),
        })
    }

    pub(crate) fn is_done(&self) -> bool {
        *self.is_done.lock().unwrap()
    }

    /// Whether it crashed in the middle of something since this was last asked.
    pub(crate) fn has_crashed(&self) -> bool {
        std::mem::take(&mut self.has_crashed.lock().unwrap())
    }

    /// Starts it, anew after a crash, in this process: operations with keys that were under way are sent again.
    pub(crate) fn start(self: &Arc<Self>, site: &Site, process: &Process, chance: Chance) {
        let interrupted: Vec<Task> =
            self.current.lock().unwrap().iter_mut().filter_map(Option::take).collect();
        for task in interrupted {
            if matches!(task, Task::Job { .. }) {
                self.queue.lock().unwrap().push_front(task);
            }
        }
        let run = Run { site: site.clone(), writer: Arc::clone(self), process: process.clone(), chance };
        drop(process.spawn(run.live()));
    }
}

/// A process of a writer; a lane of it.
#[derive(Clone)]
struct Run {
    site: Site,
    writer: Arc<Writer>,
    process: Process,
    chance: Chance,
}

impl Run {
    async fn sleep(&self, time: Duration) {
        self.process.context().clock.sleep(time).await;
    }

    async fn live(mut self) {
        let table = self.table().await;
        let mut lanes = Vec::new();
        for number in 0..self.writer.lanes {
            let chance = Chance::new(self.chance.next(), "lane");
            let lane = Self { chance, ..self.clone() };
            // A clone shares its handle with others; else it has one of its own.
            let shares = !self.chance.one_in(3);
            let table = table.clone();
            lanes.push(self.process.spawn(async move {
                let table = if shares { table } else { lane.clone().open().await };
                lane.work(usize::try_from(number).unwrap(), table).await;
            }));
        }
        join_all(lanes).await;
        *self.writer.is_done.lock().unwrap() = true;
    }

    /// The table, made if there is none.
    async fn table(&mut self) -> Committer {
        loop {
            // After a crash a program knows that there is a table, or does not.
            if self.site.ledger().tables_made > 0 && !self.chance.one_in(4) {
                return self.clone().open().await;
            }
            let (store, options) = (self.site.table(&self.process), self.site.options(&self.process));
            match Committer::create(store, self.site.create_table(), options).await {
                Ok((table, committed)) => {
                    let mut ledger = self.site.ledger();
                    ledger.tables_made += 1;
                    ledger.acknowledged = ledger.acknowledged.max(committed.version.0);
                    return table;
                }
                Err(CommitError::TableExists { .. } | CommitError::CommitStateUnknown { .. }) => {
                    if let Some(table) = self.try_open().await {
                        return table;
                    }
                }
                Err(error) => self.check(&error),
            }
            let pause = self.chance.time_up_to(Duration::from_secs(5));
            self.sleep(pause).await;
        }
    }

    async fn try_open(&self) -> Option<Committer> {
        let opened = Committer::open(self.site.table(&self.process), self.site.options(&self.process)).await;
        opened.inspect_err(|error| self.check(error)).ok()
    }

    async fn open(mut self) -> Committer {
        loop {
            if let Some(table) = self.try_open().await {
                return table;
            }
            let pause = self.chance.time_up_to(Duration::from_secs(5));
            self.sleep(pause).await;
        }
    }

    /// Nothing is ever damaged here.
    fn check(&self, error: &CommitError) {
        if let CommitError::Corrupt { path, reason } = error {
            self.site.ledger().complaints.push(format!("{path} is damaged: {reason}"));
        }
    }

    async fn work(mut self, lane: usize, table: Committer) {
        loop {
            let task = self.writer.queue.lock().unwrap().pop_front();
            self.writer.current.lock().unwrap()[lane] = task.clone();
            match task {
                Some(Task::Append(files)) => self.append(&table, files).await,
                Some(Task::Property(name)) => self.property(&table, name).await,
                Some(Task::Anything) => self.anything(&table).await,
                Some(Task::Job { app, next, last }) => self.job(lane, &table, app, next, last).await,
                None => return,
            }
            let pause = self.chance.time_up_to(self.site.plan.think);
            self.sleep(pause).await;
        }
    }

    /// The operation's files, in half of the cases with the epoch in their names.
    fn files(&mut self, table: &Committer, files: u64) -> (Append, Vec<String>) {
        let has_epoch = self.chance.one_in(2);
        if self.site.plan.mixed.is_some() {
            let base = table.base().ok();
            return mixed::append(
                &self.site,
                table.store(),
                base.as_deref(),
                has_epoch,
                &mut self.chance,
                files,
            );
        }
        let epoch = table.base().ok().filter(|_| has_epoch).map(|base| base.version);
        self.site.append(table.store(), files, epoch)
    }

    /// Now and then the process stands still or crashes in the middle of what comes next.
    fn stumble(&mut self) {
        if self.site.plan.disturbances == 0 || !self.chance.one_in(8) {
            return;
        }
        let (process, writer) = (self.process.clone(), Arc::clone(&self.writer));
        let clock = self.site.nemesis.context().clock;
        let before = self.chance.time_up_to(Duration::from_millis(300));
        let pause = self.chance.time_up_to(self.site.plan.longest_pause);
        let crashes = self.chance.one_in(4);
        drop(self.site.nemesis.spawn(async move {
            clock.sleep(before).await;
            if crashes {
                if process.is_alive() && !writer.is_done() {
                    process.kill();
                    *writer.has_crashed.lock().unwrap() = true;
                }
                return;
            }
            process.pause();
            clock.sleep(pause).await;
            process.resume();
        }));
    }

    async fn append(&mut self, table: &Committer, files: u64) {
        self.stumble();
        let (append, files) = self.files(table, files);
        let record = self.site.ledger().begin(What::Append, files);
        let patience = self.chance.one_in(20).then(|| self.chance.time_up_to(Duration::from_secs(1)));
        self.settle(table, record, table.append(append), patience).await;
    }

    /// Plans something on a version that it knows, takes its time, and commits it.
    async fn anything(&mut self, table: &Committer) {
        if self.chance.one_in(2)
            && let Err(error) = table.refresh().await
        {
            return self.check(&error);
        }
        let Ok(base) = table.base() else { return };
        let planned = match mixed::plan(&self.site, table.store(), &base, &mut self.chance) {
            Ok(Some(planned)) => planned,
            Ok(None) => return,
            Err(what) => return self.site.ledger().complaints.push(format!("while planning: {what}")),
        };
        let pause = self.chance.time_up_to(self.site.plan.mixed().patience);
        self.sleep(pause).await;
        self.stumble();
        let what = What::Deeds(planned.tag, Arc::new(planned.deeds));
        let record = self.site.ledger().begin(what, planned.files);
        let patience = self.chance.one_in(20).then(|| self.chance.time_up_to(Duration::from_secs(1)));
        self.settle(table, record, table.commit(planned.operation, None), patience).await;
    }

    async fn property(&mut self, table: &Committer, name: String) {
        let record = self.site.ledger().begin(What::Property(name.clone()), Vec::new());
        let change = SetProperties::new().set(name, "set");
        self.settle(table, record, table.commit(change, None), None).await;
    }

    /// Waits for the outcome, or goes away after a while; asks later where it is not known.
    async fn settle(
        &mut self,
        table: &Committer,
        record: usize,
        outcome: impl Future<Output = Result<Committed, CommitError>>,
        patience: Option<Duration>,
    ) {
        let Some(answer) = self.heard(outcome, patience).await else { return };
        self.site.ledger().end(record, &answer);
        if let Err(CommitError::CommitStateUnknown { token, .. }) = answer {
            self.resolve(table, record, &token).await;
        }
    }

    async fn heard<T>(&self, outcome: impl Future<Output = T>, patience: Option<Duration>) -> Option<T> {
        let began = self.process.context().clock.elapsed();
        let answer = match patience {
            None => Some(outcome.await),
            Some(time) => match select(Box::pin(outcome), Box::pin(self.sleep(time))).await {
                Either::Left((answer, _)) => Some(answer),
                Either::Right(_) => None,
            },
        };
        let took = self.process.context().clock.elapsed() - began;
        let mut ledger = self.site.ledger();
        ledger.longest = ledger.longest.max(took);
        drop(ledger);
        answer
    }

    async fn resolve(&mut self, table: &Committer, record: usize, token: &CommitToken) {
        for _ in 0..self.chance.below(4) {
            let pause = self.chance.time_up_to(Duration::from_secs(60));
            self.sleep(pause).await;
            match table.resolve(token).await {
                Ok(Resolution::Open) => {}
                Ok(resolution) => return self.site.ledger().resolved(record, token, resolution),
                Err(error) => self.check(&error),
            }
        }
    }

    /// Sends the operations of an application one after the other, each until it is known to be applied.
    async fn job(&mut self, lane: usize, table: &Committer, app: String, first: u64, last: u64) {
        for number in first..=last {
            let task = Task::Job { app: app.clone(), next: number, last };
            self.writer.current.lock().unwrap()[lane] = Some(task);
            if !self.keyed(table, AppKey::new(app.clone(), number)).await {
                return;
            }
            let pause = self.chance.time_up_to(self.site.plan.think);
            self.sleep(pause).await;
        }
    }

    /// Whether the operation is applied at last.
    async fn keyed(&mut self, table: &Committer, key: AppKey) -> bool {
        for _ in 0..8 {
            let files = self.chance.within(1, 2);
            let (append, files) = self.files(table, files);
            let record = self.site.ledger().begin(What::Keyed(key.clone()), files);
            loop {
                self.stumble();
                let answer = table.commit(append.clone(), Some(key.clone())).await;
                self.site.ledger().end(record, &answer);
                match answer {
                    Ok(_) => return true,
                    // The same once more, or with other files: either may be sent.
                    Err(CommitError::CommitStateUnknown { .. }) if self.chance.one_in(2) => {
                        self.site.ledger().again(record);
                    }
                    Err(_) => break,
                }
                let pause = self.chance.time_up_to(Duration::from_secs(5));
                self.sleep(pause).await;
            }
            let pause = self.chance.time_up_to(Duration::from_secs(30));
            self.sleep(pause).await;
        }
        false
    }
}
