//! [`run`]: a world from its beginning to its end, and the audit of what is left.

use std::sync::Arc;
use std::time::Duration;

use datashard_io::sim::{Process, SimStore, Simulation};
use datashard_txn::action::SetProperties;
use datashard_txn::{CommitError, Committer, Resolution, Rules};

use crate::auditor::{STRANGERS, audit};
use crate::bystanders::Bystander;
use crate::chance::Chance;
use crate::director::Director;
use crate::ledger::{Fate, What};
use crate::mixed;
use crate::plan::{Foreign, Plan};
use crate::site::{InProcess, Site};
use crate::writer::{Task, Writer};

/// The longest that a commit may take, pauses of its process apart: its own timeout, and the requests that were under way then.
const LONGEST: Duration = Duration::from_secs(900);

/// What came of a world.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) committed: usize,
    pub(crate) failed: usize,
    /// Operations whose outcome their sender did not hear, or not in time.
    pub(crate) unclear: usize,
    pub(crate) duplicates: u64,
    pub(crate) versions: u64,
    pub(crate) retired: u64,
    pub(crate) reads: u64,
    pub(crate) forgotten: usize,
    pub(crate) swept: u64,
    /// The same for two runs that did the same.
    pub(crate) trace: u64,
}

impl std::ops::AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.committed += other.committed;
        self.failed += other.failed;
        self.unclear += other.unclear;
        self.duplicates += other.duplicates;
        self.versions += other.versions;
        self.retired += other.retired;
        self.reads += other.reads;
        self.forgotten += other.forgotten;
        self.swept += other.swept;
        self.trace ^= other.trace;
    }
}

/// Runs the world of a seed under these rules.
///
/// # Errors
/// What does not hold, with what it takes to see it again.
pub(crate) fn run(seed: u64, rules: Rules) -> Result<Outcome, String> {
    run_plan(Plan::of(seed, rules))
}

/// Runs a world by this plan.
pub(crate) fn run_plan(plan: Plan) -> Result<Outcome, String> {
    let simulation = Simulation::new(plan.seed).with_step_limit(2_000_000);
    let store = SimStore::new(&simulation, plan.profile.clone());
    let shows_requests = std::env::var_os("DATASHARD_SIM_LOG").is_some();
    if plan.mixed.is_some() {
        store.keep_first_objects();
    }
    store.set_log_capacity(if shows_requests { 100_000 } else { 0 });
    for key in STRANGERS {
        store.insert(key, key).unwrap();
    }
    let site = Site::new(store, plan, simulation.process("nemesis"));
    let told = |what: String| format!("seed {}: {what}\n{:?}", site.plan.seed, site.plan);
    let outcome = simulation.run(live(&simulation, &site));
    if shows_requests {
        site.store.requests().iter().for_each(|request| eprintln!("{request:?}"));
    }
    let outcome = outcome.map_err(|e| told(e.to_string()))?;
    let mut outcome = outcome.map_err(told)?;
    outcome.trace = simulation.trace_hash();
    Ok(outcome)
}

async fn live(simulation: &Simulation, site: &Site) -> Result<Outcome, String> {
    let plan = &site.plan;
    site.store.set_random_faults(plan.random_faults());
    plan.faults.iter().for_each(|fault| site.store.add_fault(fault.clone()));
    let mut director = Director::new(simulation, site, writers(plan));
    start_bystanders(simulation, site, &mut director);
    director.direct().await?;
    // Quiet: what was late arrives, and all that is left must come out.
    site.store.clear_faults();
    simulation.context().clock.sleep(Duration::from_secs(120)).await;
    let clerk = simulation.process("clerk");
    let handle = clerk.spawn(finish(site.clone(), clerk.clone()));
    handle.await.map_err(|e| e.to_string())?
}

/// The work of a world, dealt out to its writers.
fn writers(plan: &Plan) -> Vec<Arc<Writer>> {
    let mut chance = Chance::new(plan.seed, "work");
    let mut names = 0;
    let mut tasks: Vec<Vec<Task>> = Vec::new();
    for _ in 0..plan.workers {
        let of_one = (0..plan.operations).map(|_| {
            if plan.mixed.is_some() && !chance.one_in(5) {
                return Task::Anything;
            }
            if chance.one_in(8) {
                names += 1;
                return Task::Property(format!("sim.{names}"));
            }
            Task::Append(chance.within(1, 3))
        });
        tasks.push(of_one.collect());
    }
    for number in 0..plan.apps {
        let job = Task::Job { app: format!("app{number}"), next: 1, last: chance.within(1, 4) };
        for _ in 0..chance.within(1, 2) {
            let index = usize::try_from(chance.below(plan.workers)).unwrap();
            let at = usize::try_from(chance.below(plan.operations)).unwrap();
            tasks[index].insert(at, job.clone());
        }
    }
    let deal = |(number, tasks)| Writer::new(format!("writer{number}"), plan.lanes, tasks);
    tasks.into_iter().enumerate().map(deal).collect()
}

fn start_bystanders(simulation: &Simulation, site: &Site, director: &mut Director<'_>) {
    let plan = &site.plan;
    let start = |name: &str| {
        let process = simulation.process(name);
        let chance = Chance::new(plan.seed, name);
        Bystander { site: site.clone(), process, chance }
    };
    for number in 0..plan.readers {
        let reader = start(&format!("reader{number}"));
        director.may_pause(&reader.process);
        drop(reader.process.clone().spawn(reader.read()));
    }
    if plan.retires {
        let retirer = start("retirer");
        drop(match plan.mixed {
            Some(_) => retirer.process.clone().spawn(retirer.keep_versions()),
            None => retirer.process.clone().spawn(retirer.retire()),
        });
    }
    if plan.sweeps {
        let sweeper = start("sweeper");
        drop(match plan.mixed {
            Some(_) => sweeper.process.clone().spawn(sweeper.keep_files()),
            None => sweeper.process.clone().spawn(sweeper.sweep()),
        });
    }
    if plan.foreign != Foreign::Absent {
        let foreign = start("foreign");
        director.may_pause(&foreign.process);
        drop(foreign.process.clone().spawn(foreign.meddle()));
    }
}

/// Asks for every token, commits once more, and audits.
async fn finish(site: Site, process: Process) -> Result<Outcome, String> {
    let options = site.options(&process).with_background(Arc::new(InProcess(process.clone())));
    let table =
        Committer::open(site.table(&process), options).await.map_err(|e| format!("at the end: {e}"))?;
    // Asked now, a token may be open; later it is not.
    let is_unknown = site.ledger().records.iter().any(|record| matches!(record.fate, Fate::Unknown(_)));
    let before = if is_unknown { Some(audit(&site)?) } else { None };
    let resolved = match &before {
        Some(before) => resolve_all(&site, &table, &before.times).await?,
        None => Resolved::default(),
    };
    // The table can still be written, and this fills any slot that something was sent to.
    let last = SetProperties::new().set("sim.last", "set");
    loop {
        match table.commit(last.clone(), None).await {
            Ok(_) => break,
            // What arrives late may be faster, and the time may be up by then.
            Err(CommitError::Conflict(_)) => {}
            Err(error) => return Err(format!("at the end: {error}")),
        }
    }
    let after = audit(&site)?;
    if before.is_some_and(|before| after.times != before.times) {
        return Err("operations came or went in the end".to_owned());
    }
    let open = resolve_all(&site, &table, &after.times).await?.open;
    if open > 0 {
        return Err(format!("{open} operations are open, and their slots are filled"));
    }
    if site.plan.mixed.is_some() {
        mixed::travel(&site, &table).await?;
    }
    let ledger = site.ledger();
    let count = |is: fn(&Fate) -> bool| ledger.records.iter().filter(|record| is(&record.fate)).count();
    let outcome = Outcome {
        committed: count(|fate| matches!(fate, Fate::Committed(_))),
        failed: count(|fate| matches!(fate, Fate::Failed(_))),
        unclear: ledger.records.iter().filter(|record| record.was_unclear).count(),
        duplicates: ledger.duplicates,
        versions: after.newest,
        retired: after.retired,
        reads: ledger.reads,
        forgotten: resolved.forgotten,
        swept: ledger.swept,
        trace: 0,
    };
    check_progress(&site, &ledger, outcome)?;
    Ok(outcome)
}

fn check_progress(site: &Site, ledger: &crate::ledger::Ledger, outcome: Outcome) -> Result<(), String> {
    // Of mixed operations some stand in each other's way.
    let is_easy = site.plan.is_calm() && site.plan.mixed.is_none();
    if is_easy && outcome.committed != ledger.records.len() {
        let other =
            ledger.records.iter().find(|record| !matches!(record.fate, Fate::Committed(_) | Fate::Unheard));
        if let Some(other) = other {
            return Err(format!("nothing went wrong, and an operation did not succeed: {other:?}"));
        }
    }
    if site.plan.disturbances == 0 && ledger.longest > LONGEST {
        return Err(format!("an operation took {:?}", ledger.longest));
    }
    Ok(())
}

#[derive(Default)]
struct Resolved {
    open: usize,
    forgotten: usize,
}

/// Every token tells the truth.
async fn resolve_all(site: &Site, table: &Committer, times: &[usize]) -> Result<Resolved, String> {
    let records = site.ledger().records.clone();
    let mut resolved = Resolved::default();
    for (record, times) in records.iter().zip(times) {
        let (Fate::Unknown(token) | Fate::Forgotten(token)) = &record.fate else { continue };
        let told = table.resolve(token).await.map_err(|e| format!("{record:?}: {e}"))?;
        let is_true = match told {
            // That of a key is one for all operations that have it.
            Resolution::Committed(_) => {
                *times == 1 || matches!(record.what, What::Keyed(_)) || !mixed::leaves_mark(&record.what)
            }
            Resolution::NotCommitted => *times == 0,
            Resolution::Open => {
                resolved.open += 1;
                *times == 0
            }
            Resolution::Forgotten => {
                resolved.forgotten += 1;
                true
            }
        };
        if !is_true {
            return Err(format!("{record:?} is {times} times in the table, and its token says {told:?}"));
        }
    }
    Ok(resolved)
}
