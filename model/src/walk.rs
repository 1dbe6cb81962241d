//! [`walk`]: seeded random ways through a model, far deeper than all of them together can be followed.

use std::fmt::Debug;

use stateright::{Expectation, Model};

/// The longest way that is followed, in steps.
const LONGEST: usize = 400;

/// A model that can be walked through at random.
pub trait Walkable: Model {
    /// Whether this happens seldom: faults and collection must not drown the ordinary steps.
    fn is_rare(action: &Self::Action) -> bool;

    /// Whether nothing of interest can come after this state.
    fn is_over(state: &Self::State) -> bool;

    /// How many operations were acknowledged up to this state.
    fn acknowledged(state: &Self::State) -> u64;

    /// Whether somebody was told "unknown".
    fn has_unknown(state: &Self::State) -> bool;
}

/// What random ways found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Walked {
    /// Ways that were followed.
    pub walks: u64,
    /// Their steps in all.
    pub steps: u64,
    /// Operations acknowledged in all.
    pub acknowledged: u64,
    /// Ways that came to their end.
    pub ended: u64,
    /// Ways on which somebody was told "unknown".
    pub unknown: u64,
    /// The first property that was violated, and the way there.
    pub violated: Option<(&'static str, Vec<String>)>,
}

/// Follows `walks` ways, each begun and chosen by `seed`, up to the first violation.
pub fn walk<M>(model: &M, seed: u64, walks: u64) -> Walked
where
    M: Walkable,
    M::Action: Clone + Debug,
{
    let mut random = Random(seed | 1);
    let mut properties = model.properties();
    properties.retain(|property| matches!(property.expectation, Expectation::Always));
    let mut found = Walked::default();
    let mut actions = Vec::new();
    while found.walks < walks {
        found.walks += 1;
        let Some(mut state) = model.init_states().pop() else { return found };
        let mut way = Vec::new();
        for _ in 0..LONGEST {
            actions.clear();
            model.actions(&state, &mut actions);
            let Some(action) = random.one_of(&actions, M::is_rare) else { break };
            let Some(next) = model.next_state(&state, action.clone()) else { continue };
            way.push(action);
            state = next;
            found.steps += 1;
            if let Some(broken) = properties.iter().find(|property| !(property.condition)(model, &state)) {
                let way = way.iter().map(|action| format!("{action:?}")).collect();
                found.violated = Some((broken.name, way));
                return found;
            }
            if M::is_over(&state) {
                found.ended += 1;
                break;
            }
        }
        found.acknowledged += M::acknowledged(&state);
        found.unknown += u64::from(M::has_unknown(&state));
    }
    found
}

/// Xorshift: the same ways for the same seed, for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// One of these, rare ones a quarter as often; `None` of none.
    fn one_of<A: Clone>(&mut self, actions: &[A], is_rare: fn(&A) -> bool) -> Option<A> {
        if actions.is_empty() {
            return None;
        }
        loop {
            let action = &actions[self.below(actions.len())];
            if !is_rare(action) || self.below(4) == 0 {
                return Some(action.clone());
            }
        }
    }
}
