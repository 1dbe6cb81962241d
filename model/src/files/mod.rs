//! [`Files`]: who may delete a file that nothing refers to, without a clock (R4, R8).
//!
//! A file carries in its name the version that its writer knew when it made it, its epoch. The collector first commits a higher file floor,
//! then deletes what lies below it and is not referenced by that very version. Everybody stalls between any two steps, for ever if they like.

mod steps;

use std::sync::Arc;

use datashard_txn::protocol::{CommitState, Generation, Limits};
use datashard_txn::{Mutation, Rules};
use stateright::{Model, Property};

/// A version: its commit state as the library makes it, and the files that it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Version {
    state: CommitState,
    files: Vec<File>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct File {
    epoch: u8,
    writer: u8,
    number: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Begins,
    Read,
    /// The file is there; nothing refers to it.
    Wrote(File),
    /// This version is to be created after its base.
    Prepared(File, Arc<Version>),
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Writer {
    phase: Phase,
    base: u8,
    /// Files that it made.
    made: u8,
    /// Commits that it has still to make.
    left: u8,
    /// Whether its commits also drop the oldest file, as deletes and compaction do.
    removes: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Collector {
    Idle,
    /// A version with the new floor is to be created after `base`, which it has read.
    Prepared {
        base: u8,
        made: Arc<Version>,
        read: Arc<Version>,
    },
    /// It deletes files below the floor that this version does not refer to.
    Sweeps {
        floor: u8,
        view: Arc<Version>,
    },
}

/// A state of the file model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    chain: Vec<Arc<Version>>,
    files: Vec<File>,
    writers: Vec<Writer>,
    collectors: Vec<Collector>,
    rounds: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Act {
    Read(usize),
    Write(usize),
    Build(usize),
    Create(usize),
    /// The writer dies and leaves its file.
    Abandon(usize),
    /// This collector reads the newest version and means to raise the file floor to that one.
    CollectorReads(usize, u8),
    CollectorCreates(usize),
    /// This collector deletes the file of this index.
    Delete(usize, usize),
    SweepEnds(usize),
}

/// Something that happens. The numbers are those of writers, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action(Act);

/// What a collector may do wrong (R8), or a commit (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unruly {
    /// Commits ignore the file floor (R4): [`Mutation::IgnoreFileFloor`].
    Commits,
    /// The collector deletes by what it has read, without committing the floor first (R8).
    ReadsOnly,
    /// The collector commits the floor on a newer version and judges by the older one that it had read (R8).
    LateView,
}

impl Unruly {
    /// All of them, with the names that tools take.
    pub const ALL: [(&'static str, Self); 3] =
        [("no-rule", Self::Commits), ("read-only", Self::ReadsOnly), ("late-view", Self::LateView)];
}

/// The model of files: writers that add and remove them, and collectors.
#[derive(Debug, Clone)]
pub struct Files {
    writers: u8,
    operations: u8,
    collectors: u8,
    last_version: u8,
    rounds: u8,
    unruly: Option<Unruly>,
    limits: Limits,
}

impl Files {
    /// Writers with one commit each, or up to two with two each; one collector, and two rounds of collection in all.
    pub fn new(writers: u8, unruly: Option<Unruly>) -> Self {
        let rules = match unruly {
            Some(Unruly::Commits) => Rules::without(Mutation::IgnoreFileFloor),
            Some(Unruly::ReadsOnly | Unruly::LateView) | None => Rules::all(),
        };
        Self {
            writers,
            operations: if writers > 2 { 1 } else { 2 },
            collectors: 1,
            last_version: 6,
            rounds: 2,
            unruly,
            // Sessions are not what this model is about: the shortest memory keeps it small.
            limits: Limits::default().with_floor_distance(0).with_rules(rules),
        }
    }

    /// With so many collectors at once.
    #[must_use]
    pub fn with_collectors(mut self, collectors: u8) -> Self {
        self.collectors = collectors;
        self
    }
}

impl Model for Files {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let writer = |index| Writer {
            phase: Phase::Begins,
            base: 0,
            made: 0,
            left: self.operations,
            removes: index == 1,
        };
        vec![State {
            chain: vec![Arc::new(Version { state: CommitState::new(Generation(1)), files: Vec::new() })],
            files: Vec::new(),
            writers: (0..self.writers).map(writer).collect(),
            collectors: vec![Collector::Idle; usize::from(self.collectors)],
            rounds: self.rounds,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, &mut |act| actions.push(Action(act)));
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        self.step(&mut state, action.0).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::<Self>::always("G1 every file of the newest version exists", |_, state: &State| {
                state.newest().files.iter().all(|file| state.files.contains(file))
            }),
            Property::<Self>::sometimes("G2 an orphan is collected", |_, state: &State| {
                let gave_up = |writer: &Writer| writer.phase == Phase::Done && writer.left > 0;
                let has_made = |writer: &Writer| writer.made > 0;
                state.files.is_empty()
                    && state.writers.iter().any(gave_up)
                    && state.writers.iter().any(has_made)
            }),
            Property::<Self>::sometimes("G3 everybody commits", |_, state: &State| {
                state.writers.iter().all(|writer| writer.left == 0)
            }),
            Property::<Self>::sometimes(
                "G4 a file below the floor is written anew",
                |model, state: &State| {
                    state.writers.iter().any(|writer| writer.left == 0 && writer.made > model.operations)
                },
            ),
        ]
    }
}
