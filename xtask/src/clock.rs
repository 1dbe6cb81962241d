//! Time for the terminal: how long steps took, and waiting with a bound. Nothing is replayed here.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(20);

#[expect(clippy::disallowed_methods, reason = "times for the terminal; nothing is replayed here")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Asks again and again, for at most so long; whether it came true.
pub(crate) fn wait_until(longest: Duration, mut true_yet: impl FnMut() -> bool) -> bool {
    let begun = now();
    loop {
        if true_yet() {
            return true;
        }
        if begun.elapsed() >= longest {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_what_is_waited_for_or_with_the_time() {
        let mut asked = 0;
        assert!(wait_until(Duration::from_secs(60), || {
            asked += 1;
            asked == 3
        }));
        assert_eq!(asked, 3);
        assert!(!wait_until(Duration::ZERO, || false));
    }

    #[test]
    fn seconds_have_one_decimal() {
        assert_eq!(seconds(Duration::from_millis(1_250)), "1.2 s");
    }
}
