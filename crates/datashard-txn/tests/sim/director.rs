//! [`Director`]: lets processes crash, stand still, lose their way to the store, and have wrong clocks, until all work is done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use datashard_io::sim::{Partition, Process, Simulation};

use crate::chance::Chance;
use crate::plan::Mood;
use crate::site::Site;
use crate::writer::Writer;

/// A writer with the process that it runs in.
struct Actor {
    writer: Arc<Writer>,
    process: Process,
    starts: u64,
}

#[derive(Debug, Clone)]
enum Event {
    /// Something is to befall somebody.
    Disturb,
    Restart(usize),
    Resume(Process),
    Heal(Process),
    /// The wall clock is moved by so many ms.
    Jump(Process, i64),
}

/// Lets things befall processes.
pub(crate) struct Director<'a> {
    simulation: &'a Simulation,
    site: &'a Site,
    actors: Vec<Actor>,
    others: Vec<Process>,
    agenda: BTreeMap<(Duration, u64), Event>,
    chance: Chance,
    noted: u64,
}

impl<'a> Director<'a> {
    /// Starts the writers.
    pub(crate) fn new(simulation: &'a Simulation, site: &'a Site, writers: Vec<Arc<Writer>>) -> Self {
        let mut director = Self {
            simulation,
            site,
            actors: Vec::new(),
            others: Vec::new(),
            agenda: BTreeMap::new(),
            chance: Chance::new(site.plan.seed, "director"),
            noted: 0,
        };
        for writer in writers {
            let process = director.process_for(&writer, 0);
            writer.start(site, &process, Chance::new(director.chance.next(), "writer"));
            director.actors.push(Actor { writer, process, starts: 1 });
        }
        let plan = &site.plan;
        let horizon = match plan.mood {
            Mood::Busy => Duration::from_secs(2) + plan.think * u32::try_from(plan.operations).unwrap(),
            Mood::Slow => plan.think * u32::try_from(plan.operations).unwrap(),
        };
        for _ in 0..plan.disturbances {
            let at = director.chance.time_up_to(horizon);
            director.note(at, Event::Disturb);
        }
        director
    }

    /// This process may be made to stand still.
    pub(crate) fn may_pause(&mut self, process: &Process) {
        self.others.push(process.clone());
    }

    /// A process of its own, or one that gives the same ids as the first writer's from here on, like a virtual machine that was started twice.
    fn process_for(&mut self, writer: &Writer, starts: u64) -> Process {
        let name = format!("{}.{starts}", writer.name);
        match self.actors.first() {
            Some(first) if self.site.plan.clones => first.process.snapshot(&name),
            _ => self.simulation.process(&name),
        }
    }

    fn note(&mut self, after: Duration, event: Event) {
        self.noted += 1;
        self.agenda.insert((self.simulation.now() + after, self.noted), event);
    }

    /// Goes on until all work is done.
    ///
    /// # Errors
    /// If it is not done in a sensible time.
    pub(crate) async fn direct(&mut self) -> Result<(), String> {
        let clock = self.simulation.context().clock;
        let step = match self.site.plan.mood {
            Mood::Busy => Duration::from_millis(500),
            Mood::Slow => Duration::from_secs(60),
        };
        while !self.actors.iter().all(|actor| actor.writer.is_done()) {
            let now = self.simulation.now();
            if now > Duration::from_secs(10 * 24 * 3_600) {
                return Err("the work is not done after ten days".to_owned());
            }
            for index in 0..self.actors.len() {
                if self.actors[index].writer.has_crashed() {
                    let after = self.chance.time_up_to(self.site.plan.longest_pause);
                    self.note(after, Event::Restart(index));
                }
            }
            match self.agenda.first_key_value().map(|((at, _), _)| *at) {
                Some(at) if at <= now => {
                    if let Some((_, event)) = self.agenda.pop_first() {
                        self.happen(event);
                    }
                }
                Some(at) => clock.sleep((at - now).min(step)).await,
                None => clock.sleep(step).await,
            }
        }
        while let Some((_, event)) = self.agenda.pop_first() {
            if !matches!(event, Event::Disturb) {
                self.happen(event);
            }
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Disturb => self.disturb(),
            Event::Restart(index) => self.restart(index),
            Event::Resume(process) => process.resume(),
            Event::Heal(process) => self.site.store.heal(&process),
            Event::Jump(process, by_ms) => process.jump_wall_clock(by_ms),
        }
    }

    fn restart(&mut self, index: usize) {
        if self.actors[index].process.is_alive() {
            return;
        }
        let starts = self.actors[index].starts;
        let writer = Arc::clone(&self.actors[index].writer);
        let process = self.process_for(&writer, starts);
        writer.start(self.site, &process, Chance::new(self.chance.next(), "writer"));
        let actor = &mut self.actors[index];
        actor.process = process;
        actor.starts += 1;
    }

    fn disturb(&mut self) {
        let index = usize::try_from(self.chance.below(u64::try_from(self.actors.len()).unwrap())).unwrap();
        let mut process = self.actors[index].process.clone();
        let span = self.chance.time_up_to(self.site.plan.longest_pause);
        match self.chance.below(8) {
            0..=1 => {
                if process.is_alive() && !self.actors[index].writer.is_done() {
                    process.kill();
                    self.note(span, Event::Restart(index));
                }
            }
            2..=4 => {
                if self.chance.one_in(4) && !self.others.is_empty() {
                    process = self.chance.pick(&self.others);
                }
                process.pause();
                self.note(span, Event::Resume(process));
            }
            5 => {
                let how = self.chance.pick(&[Partition::Refused, Partition::Silent, Partition::OneWay]);
                self.site.store.partition(&process, how);
                self.note(span, Event::Heal(process));
            }
            6 => {
                let by_ms = self.chance.pick(&[-3_600_000, -1_000, 60_000, 315_360_000_000]);
                process.jump_wall_clock(by_ms);
                if self.site.plan.profile.signature_age.is_some() {
                    // Such a store lets nobody in whose clock stays wrong.
                    self.note(span, Event::Jump(process, -by_ms));
                }
            }
            _ if self.site.plan.profile.signature_age.is_some() => {}
            _ => process.set_drift_ppm(self.chance.pick(&[-500_000, -10_000, 50_000, 1_000_000])),
        }
    }
}
