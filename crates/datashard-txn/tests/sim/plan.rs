//! [`Plan`]: what happens in a world, all of it drawn from the seed.

use std::time::Duration;

use datashard_io::request::RequestKind;
use datashard_io::sim::{Answer, Delivery, Effect, Fault, Loss, Profile, RandomFaults};
use datashard_io::store::RetryPolicy;
use datashard_txn::Rules;
use datashard_txn::protocol::Limits;

use crate::chance::Chance;

/// How time goes in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Operations follow each other as fast as they can: contention.
    Busy,
    /// Minutes lie between them, and writers stand still for hours: old versions are retired under them.
    Slow,
}

/// What a writer that knows nothing of the protocol does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    Absent,
    /// It commits versions that carry the commit state along as it was.
    Carries,
    /// Now and then it drops the commit state.
    Drops,
}

/// Which snapshots a table keeps without being asked to expire any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    All,
    /// So many are listed, and all others moved into history segments.
    Segments(u64),
    /// The newest.
    Newest(u64),
}

/// What is so in a world where all operations are mixed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixed {
    /// Rows are deleted by deletion vectors, and not by position delete files.
    pub(crate) has_vectors: bool,
    /// Partition specs change; else rows are deleted by equality, too.
    pub(crate) changes_specs: bool,
    pub(crate) keeps: Keeps,
    /// How long sweeps leave writers and readers alone.
    pub(crate) grace: Duration,
    /// The longest time between planning and committing.
    pub(crate) patience: Duration,
}

/// What happens in a world.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) mood: Mood,
    pub(crate) profile: Profile,
    pub(crate) limits: Limits,
    pub(crate) retry: RetryPolicy,
    /// For how long a commit is tried.
    pub(crate) timeout: Duration,
    pub(crate) strict: bool,
    pub(crate) group_limit: usize,
    pub(crate) workers: u64,
    pub(crate) lanes: u64,
    /// Operations of each worker.
    pub(crate) operations: u64,
    /// The longest pause between two operations of a lane.
    pub(crate) think: Duration,
    pub(crate) readers: u64,
    /// Applications whose numbered operations are sent by one worker or by two.
    pub(crate) apps: u64,
    /// The rate of random faults.
    pub(crate) fault_rate: f64,
    pub(crate) faults: Vec<Fault>,
    /// Things that befall processes: crashes, pauses, clock jumps, partitions.
    pub(crate) disturbances: u64,
    /// The longest time that a process stands still or is cut off.
    pub(crate) longest_pause: Duration,
    pub(crate) clones: bool,
    pub(crate) retires: bool,
    pub(crate) sweeps: bool,
    pub(crate) foreign: Foreign,
    /// Whether all operations are mixed, and how.
    pub(crate) mixed: Option<Mixed>,
}

impl Plan {
    /// The plan of a seed, under these rules: every second world mixes all operations.
    pub(crate) fn of(seed: u64, rules: Rules) -> Self {
        let mut plan = Self::of_appends(seed, rules);
        if seed % 2 == 1 {
            plan.mixed = Some(Mixed::of(seed, plan.mood == Mood::Slow));
            // What may go wrong beside a sweep is rare.
            plan.sweeps |= !Chance::new(seed, "sweeps").one_in(3);
        }
        plan
    }

    /// The plan of a seed for a world of appends.
    pub(crate) fn of_appends(seed: u64, rules: Rules) -> Self {
        let mut chance = Chance::new(seed, "plan");
        let mood = if chance.one_in(3) { Mood::Slow } else { Mood::Busy };
        let is_slow = mood == Mood::Slow;
        let mut profile = chance.pick(&[
            Profile::s3(),
            Profile::s3(),
            Profile::gcs(),
            Profile::express(),
            Profile::every(Duration::from_millis(10)),
            Profile::instant(),
        ]);
        if !chance.one_in(8) {
            // Else a process whose clock is wrong by more than 15 minutes gets nothing done.
            profile.signature_age = None;
        }
        let distance = chance.pick(&[512, 8, 3, 2, 1]);
        let sessions = chance.pick(&[4_096, 4_096, 3]);
        let limits =
            Limits::default().with_floor_distance(distance).with_sessions(sessions).with_rules(rules);
        let seconds = Duration::from_secs;
        let (request_timeout, deadline) = chance.pick(&[(1, 2), (2, 6), (5, 20), (30, 60)]);
        let retry = RetryPolicy::default()
            .with_request_timeout(seconds(request_timeout))
            .with_deadline(seconds(deadline));
        let fault_rate = chance.pick(&[0.0, 0.02, 0.05, 0.1, 0.2]);
        let workers = chance.within(1, 5);
        let operations = chance.within(2, 24 / workers + 3);
        let faults = (0..chance.pick(&[0, 1, 2, 5])).map(|_| script(&mut chance)).collect();
        let clones = chance.one_in(8);
        if clones {
            // A clone has the wrong clock of the machine that it is one of, and nobody sets it right.
            profile.signature_age = None;
        }
        Self {
            seed,
            mood,
            profile,
            limits,
            retry,
            timeout: seconds(chance.pick(&[1, 2, 5, 20])),
            strict: chance.one_in(6),
            group_limit: chance.pick(&[1, 2, 1_024, 1_024]),
            workers,
            lanes: chance.within(1, 3),
            operations,
            think: if is_slow {
                seconds(1_200)
            } else {
                chance.pick(&[Duration::ZERO, Duration::from_millis(200), seconds(2)])
            },
            readers: chance.below(2),
            apps: chance.below(3),
            fault_rate,
            faults,
            disturbances: chance.pick(&[0, 1, 3, 6, 10]),
            longest_pause: if is_slow { seconds(4 * 3_600) } else { seconds(60) },
            clones,
            retires: is_slow && !chance.one_in(6),
            sweeps: chance.one_in(4),
            foreign: chance.pick(&[
                Foreign::Absent,
                Foreign::Absent,
                Foreign::Absent,
                Foreign::Carries,
                Foreign::Drops,
            ]),
            mixed: None,
        }
    }

    /// How operations are mixed.
    pub(crate) fn mixed(&self) -> Mixed {
        self.mixed.expect("operations are mixed")
    }

    /// Whether nothing at all goes wrong, so that every operation has to succeed.
    pub(crate) fn is_calm(&self) -> bool {
        self.fault_rate == 0.0
            && self.faults.is_empty()
            && self.disturbances == 0
            && !self.clones
            && !self.sweeps
            && self.foreign != Foreign::Drops
            && self.timeout >= Duration::from_secs(20)
    }

    pub(crate) fn random_faults(&self) -> RandomFaults {
        RandomFaults::usual(self.fault_rate)
    }
}

impl Mixed {
    fn of(seed: u64, is_slow: bool) -> Self {
        let mut chance = Chance::new(seed, "mixed");
        let seconds = Duration::from_secs;
        Self {
            has_vectors: !chance.one_in(3),
            changes_specs: chance.one_in(2),
            keeps: chance.pick(&[Keeps::All, Keeps::Segments(4), Keeps::Segments(8), Keeps::Newest(6)]),
            grace: match is_slow {
                true => chance.pick(&[Duration::ZERO, seconds(60), seconds(1_200), seconds(3_600)]),
                false => chance.pick(&[Duration::ZERO, Duration::from_millis(500), seconds(3)]),
            },
            patience: if is_slow { seconds(600) } else { chance.pick(&[Duration::ZERO, seconds(1)]) },
        }
    }
}

/// Something that goes wrong with the creates of metadata, as the rows of section B have it.
fn script(chance: &mut Chance) -> Fault {
    let seconds = Duration::from_secs;
    let loss = chance.pick(&[
        Loss::Closed,
        Loss::Reset,
        Loss::Silence,
        Loss::Answer(Answer::status(503)),
        Loss::Answer(Answer::internal_error()),
    ]);
    let effect = chance.pick(&[
        Effect::LoseAnswer(loss.clone()),
        Effect::LoseAnswer(loss.clone()),
        Effect::LoseRequest(loss.clone()),
        Effect::Late { after: seconds(1), meanwhile: loss.clone() },
        Effect::Late { after: seconds(40), meanwhile: loss },
        Effect::Twice { gap: Duration::ZERO, answer: Delivery::Second },
        Effect::Twice { gap: seconds(10), answer: Delivery::First },
        Effect::Answer(Answer::conflict()),
        Effect::Answer(Answer::precondition_failed()),
        Effect::Answer(Answer::slow_down().with_retry_after(seconds(3))),
        Effect::Answer(Answer::access_denied()),
        Effect::Delay(seconds(3)),
    ]);
    let (kind, pattern) = chance.pick(&[
        (RequestKind::Put, "*/metadata/v*.metadata.json"),
        (RequestKind::Put, "*/metadata/v*.metadata.json"),
        (RequestKind::Put, "*/metadata/v*.metadata.json"),
        (RequestKind::Put, "*.avro"),
        (RequestKind::Put, "*/data/*"),
        (RequestKind::Get, "*/metadata/v*.metadata.json"),
    ]);
    Fault::on(kind, pattern).skip(chance.below(20)).times(chance.within(1, 3)).doing(effect)
}
