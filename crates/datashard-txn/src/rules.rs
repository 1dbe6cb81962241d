//! Which rules are in force. All of them: only a build of the tests can drop one, to show that its absence is noticed.

/// A rule that a build of the tests can drop, and by what it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mutation {
    /// R1: answers are taken at their word. An unclear answer counts as a failure, and the operation begins anew.
    AnswersAreTruth,
    /// R2 after a create: a created version counts wherever the retire boundary is.
    NoCheckAfterCreate,
    /// R2 on reads: a version is used wherever the retire boundary is.
    NoCheckAfterRead,
    /// R3: a session's operations may leave gaps.
    AnyNumber,
    /// R3: nobody looks at the session map.
    NoSessionMap,
    /// R4: entries of sessions that did not take part are dropped at once.
    DropUntouched,
    /// R4: intents live on below the intent floor.
    IgnoreIntentFloor,
    /// R4: files below the file floor are added.
    IgnoreFileFloor,
    /// R8: a collector judges by the version that it knew before it raised the file floor.
    LateView,
    /// R5: absence counts as proof, whatever the floors say.
    NoHistory,
    /// History: a commit that merges segments leaves what was in them out of the index.
    DropSegment,
    /// Conflicts: nobody looks at what was committed since an operation began.
    SkipValidation,
}

impl Mutation {
    /// All of them, with the names that tools take.
    pub const ALL: [(&'static str, Self); 12] = [
        ("answers-are-truth", Self::AnswersAreTruth),
        ("no-check-after-create", Self::NoCheckAfterCreate),
        ("no-check-after-read", Self::NoCheckAfterRead),
        ("any-number", Self::AnyNumber),
        ("no-session-map", Self::NoSessionMap),
        ("drop-untouched", Self::DropUntouched),
        ("ignore-intent-floor", Self::IgnoreIntentFloor),
        ("ignore-file-floor", Self::IgnoreFileFloor),
        ("no-history", Self::NoHistory),
        ("late-view", Self::LateView),
        ("drop-segment", Self::DropSegment),
        ("skip-validation", Self::SkipValidation),
    ];

    /// The mutation of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, mutation)| *mutation)
    }
}

/// The rules in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Rules {
    #[cfg(feature = "mutations")]
    dropped: Option<Mutation>,
}

impl Rules {
    /// All rules.
    pub const fn all() -> Self {
        Self {
            #[cfg(feature = "mutations")]
            dropped: None,
        }
    }

    /// All rules but one.
    #[cfg(feature = "mutations")]
    pub const fn without(mutation: Mutation) -> Self {
        Self { dropped: Some(mutation) }
    }

    /// Whether the rule that this mutation drops is in force.
    pub(crate) fn upholds(self, against: Mutation) -> bool {
        #[cfg(feature = "mutations")]
        return self.dropped != Some(against);
        #[cfg(not(feature = "mutations"))]
        {
            let _ = against;
            true
        }
    }
}
