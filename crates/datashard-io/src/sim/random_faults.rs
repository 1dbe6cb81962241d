//! [`RandomFaults`]: what goes wrong now and then.

use std::time::Duration;

use super::answer::Answer;
use super::fault::{Delivery, Effect, Loss};
use crate::request::RequestKind;

/// Faults that strike at random.
#[derive(Debug, Clone, Default)]
pub struct RandomFaults {
    rules: Vec<(RequestKind, f64, Effect)>,
}

impl RandomFaults {
    /// None at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The troubles that real stores and networks have, together at the rate `rate` (1.0 is every request), for writes,
    /// deletions, reads and listings alike.
    ///
    /// A read's wrong content is not among them: nothing in this layer can notice a flipped bit.
    pub fn usual(rate: f64) -> Self {
        let answer_lost = [Loss::Closed, Loss::Reset, Loss::Cut, Loss::Silence].map(Effect::LoseAnswer);
        let acted = [503, 500, 502, 504].map(|s| Effect::LoseAnswer(Loss::Answer(Answer::status(s))));
        let not_acted = [
            Effect::Answer(Answer::slow_down().with_retry_after(Duration::from_secs(1))),
            Effect::Answer(Answer::internal_error()),
            Effect::Answer(Answer::too_many_requests()),
            Effect::NoConnection,
            Effect::LoseRequest(Loss::Reset),
            Effect::LoseRequest(Loss::Silence),
            Effect::Delay(Duration::from_secs(5)),
        ];
        let twice = [
            Effect::Twice { gap: Duration::ZERO, answer: Delivery::Second },
            Effect::Twice { gap: Duration::from_secs(3), answer: Delivery::First },
            Effect::Late { after: Duration::from_secs(2), meanwhile: Loss::Closed },
            Effect::Late { after: Duration::from_secs(45), meanwhile: Loss::Silence },
        ];
        let mut faults = Self::none();
        let mut add = |kind, effects: Vec<Effect>| {
            let each = rate / f64::from(u32::try_from(effects.len()).unwrap_or(u32::MAX).max(1));
            for effect in effects {
                faults.rules.push((kind, each, effect));
            }
        };
        let write: Vec<Effect> = [&answer_lost[..], &acted, &not_acted, &twice].concat();
        add(RequestKind::Put, [&write[..], &[Effect::Answer(Answer::conflict())]].concat());
        add(RequestKind::Delete, [&write[..], &[Effect::DeleteHalf]].concat());
        add(RequestKind::Get, [&not_acted[..], &[Effect::ShortBody, Effect::BrokenBody]].concat());
        add(RequestKind::Head, not_acted.to_vec());
        add(RequestKind::List, not_acted.to_vec());
        faults
    }

    /// The same and this effect on requests of this kind, at this rate (1.0 is every request).
    #[must_use]
    pub fn with(mut self, kind: RequestKind, rate: f64, effect: Effect) -> Self {
        self.rules.push((kind, rate, effect));
        self
    }

    pub(super) fn draw(&self, kind: RequestKind, random: &mut fastrand::Rng) -> Option<Effect> {
        if self.rules.is_empty() {
            return None;
        }
        let mut left = random.f64();
        for (of, rate, effect) in &self.rules {
            if *of == kind {
                if left < *rate {
                    return Some(effect.clone());
                }
                left -= rate;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_faults_come_at_their_rate() {
        let mut random = fastrand::Rng::with_seed(3);
        let faults = RandomFaults::usual(0.1);
        for kind in RequestKind::ALL {
            let struck = (0..10_000).filter(|_| faults.draw(kind, &mut random).is_some()).count();
            assert!((850..1_150).contains(&struck), "{kind}: {struck}");
        }
    }
}
