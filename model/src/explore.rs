//! [`explore`]: every state that can be reached, breadth first.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use stateright::{Checker, Expectation, HasDiscoveries, Model};

/// What an exploration found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explored {
    /// States that were come upon, each as often as something leads to it.
    pub transitions: usize,
    /// Different states.
    pub states: usize,
    /// The longest way from the beginning to a state, as shortest ways go.
    pub depth: usize,
    /// Whether all states were seen: no limit was met, and nothing ended it.
    pub is_complete: bool,
    /// What does not hold, each with a shortest way there.
    pub violated: BTreeMap<&'static str, Vec<String>>,
    /// What holds in every state seen.
    pub held: Vec<&'static str>,
    /// What can be reached.
    pub reached: Vec<&'static str>,
    /// What was not reached.
    pub unreached: Vec<&'static str>,
}

impl Explored {
    /// Whether a property whose name begins with this is violated.
    pub fn violates(&self, name: &str) -> bool {
        self.violated.keys().any(|violated| violated.starts_with(name))
    }
}

/// Explores a model until all is seen, `most_transitions` is met, or, if so asked, something is violated.
pub fn explore<M>(model: M, most_transitions: usize, ends_at_violation: bool) -> Explored
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + PartialEq + Hash + Debug + Send + Sync + 'static,
    M::Action: Debug + Clone + PartialEq + Send + Sync,
{
    let properties: Vec<_> =
        model.properties().iter().map(|property| (property.name, property.expectation.clone())).collect();
    let builder = model.checker().target_state_count(most_transitions);
    let builder = if ends_at_violation { builder.finish_when(HasDiscoveries::AnyFailures) } else { builder };
    let checker = builder.spawn_bfs().join();
    let mut found = Explored {
        transitions: checker.state_count(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        is_complete: checker.state_count() < most_transitions,
        violated: BTreeMap::new(),
        held: Vec::new(),
        reached: Vec::new(),
        unreached: Vec::new(),
    };
    for (name, expectation) in properties {
        match (checker.discovery(name), expectation) {
            (Some(path), Expectation::Always | Expectation::Eventually) => {
                let actions = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
                found.violated.insert(name, actions);
            }
            (Some(_), Expectation::Sometimes) => found.reached.push(name),
            (None, Expectation::Sometimes) => found.unreached.push(name),
            (None, _) => found.held.push(name),
        }
    }
    found.is_complete &= !ends_at_violation || found.violated.is_empty();
    found
}
