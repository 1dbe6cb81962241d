//! The clocks of a simulated process: one that can be wrong and jump, and one that only ever goes forward.

/// The wall-clock time at which every simulation starts: 2024-01-01 00:00 UTC, in ms since 1970.
pub(crate) const START_MS: i64 = 1_704_067_200_000;

/// Both clocks of a process, as functions of the simulation's own time.
#[derive(Debug, Clone)]
pub(super) struct ProcessClock {
    /// Where the wall clock stands beside the other, in ms since 1970.
    wall_base_ms: i64,
    /// The own clock at the time of the last change of rate, and that time.
    base_ns: u64,
    since_ns: u64,
    drift_ppm: i32,
}

impl ProcessClock {
    /// Right wall clock, right rate. `own` decides how long ago the machine was booted: up to about 12 days.
    pub(super) fn new(now_ns: u64, own: u64) -> Self {
        let up_ns = own >> 14;
        Self {
            wall_base_ms: START_MS.saturating_add(to_ms(now_ns)).saturating_sub(to_ms(up_ns)),
            base_ns: up_ns,
            since_ns: now_ns,
            drift_ppm: 0,
        }
    }

    pub(super) fn elapsed_ns(&self, now_ns: u64) -> u64 {
        let passed = now_ns.saturating_sub(self.since_ns);
        self.base_ns.saturating_add(scale(passed, rate(self.drift_ppm), 1_000_000))
    }

    pub(super) fn wall_ms(&self, now_ns: u64) -> i64 {
        self.wall_base_ms.saturating_add(to_ms(self.elapsed_ns(now_ns)))
    }

    /// How long the simulation takes until this clock has moved by `own_ns`, and not less: a sleep of 1 ns on a fast clock that took no
    /// time at all would be slept again and again.
    pub(super) fn true_ns(&self, own_ns: u64) -> u64 {
        let rate = rate(self.drift_ppm);
        let taken = scale(own_ns, 1_000_000, rate);
        taken.saturating_add(u64::from(scale(taken, rate, 1_000_000) < own_ns))
    }

    pub(super) fn jump(&mut self, by_ms: i64) {
        self.wall_base_ms = self.wall_base_ms.saturating_add(by_ms);
    }

    pub(super) fn set_drift(&mut self, now_ns: u64, ppm: i32) {
        self.base_ns = self.elapsed_ns(now_ns);
        self.since_ns = now_ns;
        self.drift_ppm = ppm;
    }
}

/// Own millionths per true second: at least half and at most twice as fast.
fn rate(drift_ppm: i32) -> u64 {
    u64::try_from(i64::from(drift_ppm).clamp(-500_000, 1_000_000).saturating_add(1_000_000)).unwrap_or(1)
}

fn scale(ns: u64, by: u64, of: u64) -> u64 {
    if by == of {
        return ns;
    }
    let scaled = u128::from(ns).saturating_mul(u128::from(by)).checked_div(u128::from(of)).unwrap_or(0);
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// ns as ms.
pub(crate) fn to_ms(ns: u64) -> i64 {
    i64::try_from(ns / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_fast_clock_sleeps_shorter_and_shows_more() {
        let mut clock = ProcessClock::new(0, 0);
        clock.set_drift(0, 1_000_000);
        assert_eq!(clock.elapsed_ns(SECOND), 2 * SECOND);
        assert_eq!(clock.true_ns(2 * SECOND), SECOND);
        clock.set_drift(SECOND, 0);
        assert_eq!(clock.elapsed_ns(2 * SECOND), 3 * SECOND);
    }

    #[test]
    fn the_shortest_sleep_moves_every_clock() {
        for drift_ppm in [-500_000, -1, 0, 1, 333_333, 1_000_000] {
            let mut clock = ProcessClock::new(0, 0);
            clock.set_drift(0, drift_ppm);
            for own_ns in [1, 2, 3, 1_000_003] {
                assert!(clock.elapsed_ns(clock.true_ns(own_ns)) >= own_ns, "{drift_ppm} ppm, {own_ns} ns");
            }
        }
    }

    #[test]
    fn a_jump_moves_the_wall_clock_only() {
        let mut clock = ProcessClock::new(0, u64::MAX);
        let before = clock.elapsed_ns(0);
        assert_eq!(clock.wall_ms(0), START_MS);
        clock.jump(-3_600_000);
        assert_eq!(clock.wall_ms(SECOND), START_MS - 3_599_000);
        assert_eq!(clock.elapsed_ns(SECOND), before + SECOND);
    }
}
