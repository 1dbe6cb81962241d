//! Which versions to ask for, and when the newest is known: a search over answers, without a store.
//!
//! Versions have no gaps from the retire boundary on, so "version n exists" is the same as "n is not above the newest", and the
//! newest lies between the highest that was found and the lowest that was absent. The search widens that bracket by doubling
//! until both ends are known, and narrows it with many questions at once, since a round costs the same however many it asks.

/// How many doublings the first round of galloping asks for: far enough for 131,072 versions.
const FIRST_GALLOP: u32 = 18;
/// How many versions of a bracket are asked for at once. 40 is the least that takes 65,536 apart in three rounds.
const WIDTH: u64 = 40;

/// A search for the newest version.
///
/// Versions may be created meanwhile; the answer was then the newest at some moment of the search. Versions that are retired
/// meanwhile look absent: the caller has to read the boundary again afterwards.
#[derive(Debug, Clone)]
pub(super) struct Search {
    /// The lowest version that counts: what lies below may be gone, or be the work of a writer that slept.
    floor: u64,
    /// The best guess of the newest.
    start: u64,
    started: bool,
    /// The highest version known to exist.
    found: Option<u64>,
    /// The lowest version above `found` known to be absent.
    absent: Option<u64>,
    /// The next doubling to ask for.
    exponent: u32,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Ask for all of these at once. Never empty, never below the floor, ascending.
    Probe(Vec<u64>),
    /// This is the newest.
    Newest(u64),
    /// There is no version from the floor on.
    Nothing,
}

impl Search {
    /// Starts at the hint, or where it is missing or lags behind the boundary, at the boundary.
    pub(super) fn new(hint: Option<u64>, retired: u64) -> Self {
        let floor = retired.max(1);
        let start = hint.unwrap_or(0).max(floor);
        Self { floor, start, started: false, found: None, absent: None, exponent: 0 }
    }

    /// Starts above a version that is known to exist.
    pub(super) fn above(found: u64) -> Self {
        Self { found: Some(found), ..Self::new(Some(found), found) }
    }

    /// The version to start with.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Takes the answers of one round, each a version and whether it exists.
    pub(super) fn answer(&mut self, answers: &[(u64, bool)]) {
        let galloped = self.started && self.absent.is_none();
        self.started = true;
        let existing = answers.iter().filter(|(_, exists)| *exists).map(|(version, _)| *version).max();
        self.found = self.found.max(existing);
        // What was absent and does not lie above what exists now was created in between.
        let found = self.found;
        let missing = answers.iter().filter(|(_, exists)| !exists).map(|(version, _)| *version);
        self.absent =
            missing.chain(self.absent).filter(|version| found.is_none_or(|found| *version > found)).min();
        let go_on = galloped && self.absent.is_none() && self.exponent == 0;
        self.exponent = if go_on { FIRST_GALLOP } else { 0 };
    }

    /// What to do with what is known.
    pub(super) fn step(&self) -> Step {
        if !self.started {
            let next = self.start.checked_add(1);
            let first = if self.found == Some(self.start) { None } else { Some(self.start) };
            return match (first, next) {
                (None, None) => Step::Newest(self.start),
                _ => Step::Probe(first.into_iter().chain(next).collect()),
            };
        }
        match (self.found, self.absent) {
            (Some(found), None) => self.gallop(found),
            (Some(found), Some(absent)) if absent.checked_sub(1) == Some(found) => Step::Newest(found),
            (Some(found), Some(absent)) => Step::Probe(between(found, absent)),
            (None, Some(absent)) if absent <= self.floor => Step::Nothing,
            (None, Some(absent)) => Step::Probe(self.below(absent)),
            (None, None) => Step::Nothing,
        }
    }

    /// Nothing absent is known yet: 1, 2, 4, ... above what was found; the second time as far as numbers go.
    fn gallop(&self, found: u64) -> Step {
        let ahead = |exponents: std::ops::Range<u32>| -> Vec<u64> {
            exponents.filter_map(|exponent| found.checked_add(1_u64.checked_shl(exponent)?)).collect()
        };
        let last = if self.exponent == 0 { FIRST_GALLOP } else { u64::BITS };
        let mut versions = ahead(self.exponent..last);
        if versions.is_empty() {
            versions = ahead(0..FIRST_GALLOP);
        }
        if versions.is_empty() { Step::Newest(found) } else { Step::Probe(versions) }
    }

    /// The guess was too high and nothing is known to exist: 1, 2, 4, ... below it, for a guess that is nearly right, and above the
    /// floor, for one that is nonsense.
    fn below(&self, absent: u64) -> Vec<u64> {
        let down = (0..FIRST_GALLOP).filter_map(|exponent| absent.checked_sub(1_u64.checked_shl(exponent)?));
        let up = (0..u64::BITS).filter_map(|exponent| self.floor.checked_add(1_u64.checked_shl(exponent)?));
        let mut versions: Vec<_> = down
            .filter(|version| *version > self.floor)
            .chain(up.filter(|version| *version < absent))
            .chain([self.floor])
            .collect();
        versions.sort_unstable();
        versions.dedup();
        versions
    }
}

/// Evenly spaced versions between two, all of them if they are few.
fn between(found: u64, absent: u64) -> Vec<u64> {
    let gap = absent.saturating_sub(found);
    if gap <= WIDTH.saturating_add(1) {
        return (found.saturating_add(1)..absent).collect();
    }
    let pieces = u128::from(WIDTH).saturating_add(1);
    (1..=u128::from(WIDTH))
        .filter_map(|i| {
            let offset = u128::from(gap).checked_mul(i)?.checked_div(pieces)?;
            found.checked_add(u64::try_from(offset).ok()?)
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
