//! What must hold in every state of the commit model, and what must be reachable so that this says something.

use datashard_txn::protocol::{Generation, continues};
use stateright::Property;

use super::Commits;
use super::state::{Phase, Reader, State};

impl Commits {
    /// The index of a writer's operation among the ghosts. Operations count from 1.
    pub(super) fn ghost(&self, writer: usize, operation: u8) -> usize {
        writer * usize::from(self.setting.operations) + usize::from(operation) - 1
    }

    /// Whether what was acknowledged is applied exactly once.
    fn holds(&self, applied: &[u8], acknowledged: impl Iterator<Item = u8>) -> bool {
        acknowledged
            .enumerate()
            .all(|(writer, last)| (1..=last).all(|operation| applied[self.ghost(writer, operation)] == 1))
    }
}

pub(super) fn all() -> Vec<Property<Commits>> {
    vec![
        Property::<Commits>::always("S1 no operation is applied twice", |_, state: &State| {
            let counting = state.chain.iter().skip(usize::from(state.retired)).flatten();
            counting.flat_map(|version| &version.applied).all(|times| *times <= 1)
        }),
        Property::<Commits>::always(
            "S2 what is acknowledged is in the table once",
            |model, state: &State| {
                let (_, newest) = state.newest_content();
                model.holds(&newest.applied, state.writers.iter().map(|writer| writer.acknowledged))
            },
        ),
        Property::<Commits>::always("S3 no operation disappears", |_, state: &State| {
            state.neighbours().all(|(before, after)| {
                before.applied.iter().zip(&after.applied).all(|(before, after)| before <= after)
            })
        }),
        Property::<Commits>::always("S4 no gap above the retire boundary", |_, state: &State| {
            (state.retired..=state.newest()).all(|version| state.at(version).is_some())
        }),
        Property::<Commits>::always(
            "S5 a read sees what was acknowledged before it",
            |model, state: &State| match &state.reader {
                Reader::Has(content, acknowledged) => {
                    model.holds(&content.applied, acknowledged.iter().copied())
                }
                _ => true,
            },
        ),
        Property::<Commits>::always("S6 unknown is said only where history is gone", |_, state: &State| {
            !state.gave_up_early
        }),
        Property::<Commits>::always("S7 each version continues the one before", |_, state: &State| {
            let mut neighbours = state.neighbours();
            !state.torn
                && neighbours
                    .all(|(before, after)| continues(before.state.as_ref(), after.state.as_ref()).is_ok())
        }),
        Property::<Commits>::sometimes("R1 everybody can finish", |_, state: &State| {
            state.writers.iter().all(|writer| writer.phase == Phase::Done)
        }),
        Property::<Commits>::sometimes("R2 one commit carries two operations", |_, state: &State| {
            let total = |applied: &[u8]| applied.iter().map(|times| u32::from(*times)).sum::<u32>();
            let mut neighbours = state.neighbours();
            neighbours.any(|(before, after)| total(&after.applied) >= total(&before.applied) + 2)
        }),
        Property::<Commits>::sometimes("R3 an outcome stays unknown", |_, state: &State| {
            state.writers.iter().any(|writer| writer.phase == Phase::Unknown)
        }),
        Property::<Commits>::sometimes(
            "R4 a session is renewed and its owner finishes",
            |_, state: &State| {
                state.writers.iter().any(|writer| writer.phase == Phase::Done && writer.renewals > 0)
            },
        ),
        Property::<Commits>::sometimes("R5 a new generation begins", |_, state: &State| {
            let mut states = state.chain.iter().flatten().filter_map(|version| version.state.as_ref());
            states.any(|state| state.generation != Generation(1))
        }),
    ]
}
