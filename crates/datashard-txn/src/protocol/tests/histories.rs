//! Random histories of a table: what [`resolve`] and [`look_back`] say of each operation is held against what became of it.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::protocol::{AppKey, ChainHash, Fate, LookBack, Pending, Standing, continues, look_back, resolve};

/// What an owner does before the next version is made.
#[derive(Debug, Clone)]
struct Deed {
    owner: usize,
    /// After how many more versions its operation enters one, as others fold it; 0 if its owner commits it at once.
    delay: usize,
    has_key: bool,
    /// Whether the version that holds it is made at all, or the request lost for good.
    arrives: bool,
}

fn deeds() -> impl Strategy<Value = Vec<Vec<Deed>>> {
    let deed = (0..4_usize, 0..4_usize, proptest::bool::weighted(0.2), proptest::bool::weighted(0.9))
        .prop_map(|(owner, delay, has_key, arrives)| Deed { owner, delay, has_key, arrives });
    vec(vec(deed, 0..3), 1..14)
}

/// An operation as its owner sent it, and what became of it.
#[derive(Debug)]
struct Sent {
    owner: usize,
    pending: Pending,
    member: Member,
    due: usize,
    arrives: bool,
    committed: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Owner {
    session: SessionId,
    number: u64,
    before: ChainHash,
}

#[derive(Debug, Default)]
struct History {
    states: Vec<CommitState>,
    sent: Vec<Sent>,
    owners: Vec<Option<Owner>>,
    tags: u64,
    sessions: u64,
}

impl History {
    /// Lets owners act, version by version; the first two are clones of one session.
    fn of(deeds: &[Vec<Deed>], limits: Limits) -> Self {
        let mut history = Self { states: vec![CommitState::new(GENERATION)], ..Self::default() };
        history.sessions = 10;
        let begun = |id| Some(Owner { session: session(id), number: 1, before: ChainHash::default() });
        history.owners = vec![begun(0), begun(0), begun(2), begun(3)];
        for (base, deeds) in deeds.iter().enumerate() {
            deeds.iter().for_each(|deed| history.send(deed, base, limits));
            history.make(base, limits);
        }
        history
    }

    fn send(&mut self, deed: &Deed, base: usize, limits: Limits) {
        // An owner waits for what is under way.
        let Some(owner) = self.owners[deed.owner] else { return };
        self.tags += 1;
        let tag = OperationTag(self.tags);
        let key = deed.has_key.then(|| AppKey::new(format!("app{}", self.tags), 1));
        let (version, state) = (v(base as u64), &self.states[base]);
        let mut pending = Pending::new(owner.session, owner.number, owner.before, tag).with_key(key.clone());
        if resolve(&pending, version, Some(state), limits) == (Standing::Uncommitted { new_session: true }) {
            self.sessions += 1;
            pending = pending.in_new_session(session(self.sessions), tag);
        }
        pending.known_uncommitted(version, Some(state), GENERATION);
        let member = Member::direct(pending.session, pending.number, tag).after(pending.before).with_key(key);
        let member = if deed.delay > 0 { member.staged_on(version) } else { member };
        self.owners[deed.owner] = None;
        self.sent.push(Sent {
            owner: deed.owner,
            pending,
            member,
            due: base + deed.delay,
            arrives: deed.arrives,
            committed: None,
        });
    }

    /// The next version holds what is due and may enter; owners go on from what became of it.
    fn make(&mut self, base: usize, limits: Limits) {
        let mut members = Vec::new();
        for sent in self.sent.iter_mut().filter(|sent| sent.due == base && sent.arrives) {
            members.push(sent.member.clone());
            if advance(Some(&self.states[base]), base as u64, &members, limits).is_ok() {
                sent.committed = Some(base as u64 + 1);
            } else {
                members.pop();
            }
        }
        let advanced = advance(Some(&self.states[base]), base as u64, &members, limits).unwrap();
        assert!(advanced.fates.iter().all(|fate| *fate == Fate::Applied));
        self.states.push(advanced.state);
        for sent in self.sent.iter().filter(|sent| sent.due == base) {
            let next = Owner {
                session: sent.pending.session,
                number: sent.pending.number,
                before: sent.pending.before,
            };
            let next = match sent.committed {
                Some(_) => Owner { number: next.number + 1, before: sent.pending.chain, ..next },
                None => next,
            };
            self.owners[sent.owner] = Some(next);
        }
    }

    /// Where an operation stands as of a version, with those older ones that are retained.
    fn standing(
        &self,
        sent: &Sent,
        version: usize,
        limits: Limits,
        is_retained: impl Fn(usize) -> bool,
    ) -> Standing {
        let mut pending = sent.pending.clone();
        loop {
            let standing = resolve(&pending, v(version as u64), Some(&self.states[version]), limits);
            if standing != Standing::AskHistory {
                return standing;
            }
            let known = pending.uncommitted.unwrap().0 as usize;
            let mut older = (known + 1..version).rev().filter(|older| is_retained(*older));
            loop {
                let Some(older) = older.next() else { return Standing::Unknown };
                let state = Some(&self.states[older]);
                match look_back(&pending, v(older as u64), state) {
                    LookBack::Committed(found) => return Standing::Committed(found),
                    LookBack::Uncommitted => {
                        pending.known_uncommitted(v(older as u64), state, GENERATION);
                        break;
                    }
                    LookBack::Older => {}
                }
            }
        }
    }

    /// Every operation, as of every version from the one it was sent on.
    fn check(&self, limits: Limits, is_retained: impl Fn(usize) -> bool, may_be_unknown: bool) {
        for sent in &self.sent {
            let from = sent.pending.uncommitted.unwrap().0 as usize;
            for version in from..self.states.len() {
                let is_in = sent.committed.is_some_and(|committed| committed <= version as u64);
                match self.standing(sent, version, limits, &is_retained) {
                    Standing::Committed(_) => assert!(is_in, "as of {version}: {sent:?}"),
                    Standing::Uncommitted { .. } => assert!(!is_in, "as of {version}: {sent:?}"),
                    other => assert!(may_be_unknown, "{other:?} as of {version}: {sent:?}"),
                }
            }
        }
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    (0..5_u64, 1..5_usize).prop_map(|(distance, sessions)| {
        Limits::default().with_floor_distance(distance).with_sessions(sessions)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn r5_with_all_history_every_answer_is_the_truth(deeds in deeds(), limits in limits()) {
        History::of(&deeds, limits).check(limits, |_| true, false);
    }

    #[test]
    fn r5_with_part_of_history_an_answer_is_the_truth_or_unknown(
        deeds in deeds(),
        limits in limits(),
        retained in any::<u16>(),
    ) {
        History::of(&deeds, limits).check(limits, |version| retained >> version & 1 == 1, true);
    }

    #[test]
    fn r1_r4_h6_versions_continue_each_other_and_floors_hold(deeds in deeds(), limits in limits()) {
        let history = History::of(&deeds, limits);
        for (version, pair) in (1_u64..).zip(history.states.windows(2)) {
            let [before, after] = pair else { unreachable!("windows of two") };
            prop_assert_eq!(continues(Some(before), Some(after)), Ok(()));
            prop_assert!(after.intent_floor.0 >= version.saturating_sub(limits.floor_distance));
            prop_assert!(after.intent_floor <= v(version));
            let own = after.sessions.values().filter(|entry| entry.version == v(version)).count();
            prop_assert!(after.sessions.len() <= limits.sessions.max(own));
            prop_assert!(after.sessions.values().all(|entry| entry.version >= after.intent_floor));
            let text = after.to_text();
            prop_assert_eq!(&CommitState::parse(&text, v(version)).unwrap(), after);
        }
    }
}
