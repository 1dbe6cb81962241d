//! The next version, made from a base, intents and one's own operation: [`advance`] decides, ghosts follow.

use datashard_spec::id::MetadataVersion;
use datashard_txn::protocol::{CommitId, Fate, Generation, Member, Step, advance};

use super::Commits;
use super::owner::numbered;
use super::state::Writer;
use super::version::{Content, Intent, Version};

impl Commits {
    /// The intent of the operation that a writer has under way, on its base.
    pub(super) fn own_intent(&self, writer: &Writer, index: usize) -> Intent {
        let (base, _) = writer.base.as_ref().expect("an operation is staged on a base");
        Intent {
            base: *base,
            session: writer.pending.session,
            number: writer.pending.number,
            before: writer.pending.before,
            generation: writer.pending.generation.expect("an operation is staged once it has looked"),
            writer: index as u8,
            operation: writer.operation,
            has_key: self.setting.has_keys,
        }
    }

    /// The generation of a version that this writer makes.
    pub(super) fn generation_after(&self, writer: &Writer, version: u8, base: &Content) -> Generation {
        let begun = Self::new_generation(writer.pending.session, version);
        base.state.as_ref().map_or(begun, |state| state.generation)
    }

    /// The version after a writer's base that holds these operations; `None` if one of them may not enter.
    pub(super) fn fold(
        &self,
        writer: &Writer,
        index: usize,
        folded: &[Intent],
        with_own: bool,
    ) -> Option<Content> {
        let (version, base) = writer.base.as_ref()?;
        let mut members: Vec<(Intent, Member)> =
            folded.iter().map(|intent| (*intent, intent.folded())).collect();
        if with_own {
            let own = self.own_intent(writer, index);
            members.push((own, own.direct()));
        }
        members.sort_by_key(|(intent, _)| (intent.session, intent.number, intent.base));
        let (intents, members): (Vec<Intent>, Vec<Member>) = members.into_iter().unzip();
        let step = Step {
            commit: CommitId::default(),
            generation: self.generation_after(writer, *version, base),
            file_floor: MetadataVersion(0),
        };
        let advanced = advance(base.state.as_ref(), numbered(*version), &members, step, self.limits).ok()?;
        let mut applied = base.applied.clone();
        for (intent, fate) in intents.iter().zip(&advanced.fates) {
            if *fate == Fate::Applied {
                applied[self.ghost(intent.writer.into(), intent.operation)] += 1;
            }
        }
        Some(Version::made(advanced.state, applied))
    }
}
