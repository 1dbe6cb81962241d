//! The full runs: too long for every test round, done before a rule is changed and before a release.

/// A run that explores all states of a setting, or as many as fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// What it is called on the command line: a [`Setting`](crate::Setting), or `files=`, writers, `x`, collectors.
    pub setting: &'static str,
    /// Where it ends if not all is seen by then.
    pub most_transitions: usize,
}

const fn whole(setting: &'static str) -> Run {
    Run { setting, most_transitions: 80_000_000 }
}

const fn bounded(setting: &'static str) -> Run {
    Run { setting, most_transitions: 12_000_000 }
}

/// Settings that are explored, the ones that can be seen whole first.
pub const RUNS: &[Run] = &[
    // Each pair of faults.
    whole("lost=2"),
    whole("dup=2"),
    whole("v=3,lost=1,dup=1"),
    whole("v=3,lost=1,crash=1"),
    whole("v=3,lost=1,foreign=1"),
    whole("v=3,dup=1,crash=1"),
    whole("v=3,dup=1,foreign=1"),
    whole("v=3,crash=1,foreign=1"),
    whole("v=3,lost=2,foreign=1,del=0"),
    whole("v=3,lost=1,dup=1,foreign=1,del=0"),
    // Floors further behind, more operations, the next one staged ahead.
    whole("v=3,l=2,lost=1,dup=1"),
    whole("v=3,ops=2,lost=1,del=0"),
    whole("v=3,ops=2,dup=1,del=0"),
    whole("v=3,ops=2,l=2,lost=1,del=0"),
    whole("v=4,ops=2,del=0"),
    whole("v=4,ops=2,l=2,del=0"),
    whole("w=1,ops=3,l=2,v=4,pipe=1,lost=1,foreign=1,del=0"),
    // Keys, with crashes and restarts.
    whole("v=3,idemp=1,crash=2,del=0"),
    whole("v=3,idemp=1,crash=1,lost=1,del=0"),
    whole("v=3,idemp=1,ops=2,crash=1,del=0"),
    // Readers.
    whole("v=3,reads=1,lost=1,del=0"),
    whole("v=3,reads=2,del=0"),
    whole("v=3,reads=1,foreign=1,del=0"),
    // Three writers.
    whole("w=3,v=3,del=0,probe=0"),
    // Without intents: what a writer does that folds nothing.
    whole("intents=0,v=4,lost=1,dup=1,foreign=1"),
    whole("intents=0,v=4,ops=2,lost=1,crash=1"),
    whole("intents=0,w=3,v=4,lost=1,foreign=1"),
    // Clones of one session.
    whole("clone=1,v=3,lost=1,dup=1,del=0"),
    whole("clone=1,v=4,lost=1,del=0"),
    whole("clone=1,ops=2,v=4,intents=0,lost=1"),
    whole("clone=1,ops=2,v=5,intents=0,lost=1,dup=1"),
    whole("clone=1,idemp=1,v=3,lost=1,crash=1,del=0"),
    // A table that is being founded, and one whose commit state gets lost.
    whole("found=1,v=3,lost=1,dup=1,del=0"),
    whole("found=1,ops=2,v=4,intents=0,lost=1,dup=1"),
    whole("v=3,lost=1,foreign=1,drop=1,del=0"),
    whole("ops=2,v=4,intents=0,lost=1,dup=1,foreign=1,drop=1"),
    whole("v=4,intents=0,lost=1,foreign=2,drop=2"),
    // A session map that is too small.
    whole("cap=1,l=3,v=4,lost=1,del=0"),
    whole("cap=1,l=4,ops=2,v=5,intents=0,lost=1,dup=1"),
    // Larger ones, breadth first as far as they go.
    bounded("v=3,ops=2,l=2,pipe=1,lost=1,del=0"),
    bounded("v=3,lost=1,dup=1,crash=1,foreign=1"),
    bounded("reads=2,foreign=1,lost=1,del=0"),
    bounded("ops=2,lost=1,dup=1"),
    bounded("ops=2,lost=1,foreign=2,v=5"),
    bounded("ops=2,v=5,intents=0,lost=1,foreign=2,drop=2"),
    bounded("w=3,lost=1,del=0"),
    bounded("w=3,v=3,lost=1,dup=1"),
    bounded("intents=0,ops=2,lost=2,dup=1,crash=1,foreign=1,v=5"),
    bounded("intents=0,w=3,lost=2,dup=1,foreign=1,v=5"),
    bounded("clone=1,w=3,v=4,lost=1,del=0"),
    bounded("w=3,cap=2,l=4,v=5,lost=1,del=0"),
    // Files and their collectors.
    whole("files=2"),
    whole("files=3"),
    whole("files=1x2"),
    whole("files=2x2"),
];

/// Random walks through settings that cannot be explored: setting, seed, number of walks.
pub const WALKS: &[(&str, u64, u64)] = &[
    ("w=3,ops=3,l=2,v=20,lost=3,dup=2,foreign=2,reads=2", 7, 20_000),
    ("w=3,ops=3,l=3,v=16,lost=3,dup=2,crash=3,foreign=2,idemp=1", 11, 20_000),
    ("w=3,ops=4,l=3,v=24,lost=4,dup=3,foreign=2,reads=1,pipe=1", 13, 20_000),
    ("intents=0,w=4,ops=3,l=2,v=24,lost=4,dup=3,foreign=2,reads=1", 17, 20_000),
    ("clone=1,w=4,ops=3,l=3,v=24,lost=4,dup=3", 19, 20_000),
    ("w=4,ops=3,cap=2,l=8,v=24,lost=4,dup=3,foreign=3,drop=1", 23, 20_000),
];
