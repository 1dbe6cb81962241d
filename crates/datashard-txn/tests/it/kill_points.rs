//! Crash points: the calls of the file system before or after which a process is killed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datashard_io::sim::disk::Call;

use crate::disk_watched::{Moment, Seen, Watcher};

/// A moment in the work of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Point {
    /// Before or after call number so and so, from 0 on.
    Numbered(Moment, u64),
    /// Before or after the first call of this kind for a path that holds this text.
    First(Moment, Call, String),
    /// Before or after the first call of the second kind, once the first kind was called for a path that holds this text.
    Then(Moment, Call, Call, String),
}

impl Point {
    pub(crate) fn before(call: Call, part: &str) -> Self {
        Self::First(Moment::Before, call, part.to_owned())
    }

    pub(crate) fn after(call: Call, part: &str) -> Self {
        Self::First(Moment::After, call, part.to_owned())
    }

    /// Calls `reached` at this point.
    pub(crate) fn watcher(self, reached: impl Fn() + Send + Sync + 'static) -> Watcher {
        let begun = AtomicBool::new(false);
        Arc::new(move |now, seen: &Seen<'_>| {
            let holds = |part: &str| seen.path.contains(part) || seen.to.is_some_and(|to| to.contains(part));
            let is_here = match &self {
                Self::Numbered(moment, number) => (now, seen.number) == (*moment, *number),
                Self::First(moment, call, part) => (now, seen.call) == (*moment, *call) && holds(part),
                Self::Then(moment, first, call, part) => {
                    let follows = begun.load(Ordering::SeqCst) && (now, seen.call) == (*moment, *call);
                    if seen.call == *first && holds(part) {
                        begun.store(true, Ordering::SeqCst);
                    }
                    follows
                }
            };
            if is_here {
                reached();
            }
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbered(moment, number) => write!(f, "{moment:?} {number}"),
            Self::First(moment, call, part) => write!(f, "{moment:?} {call:?} {part}"),
            Self::Then(moment, first, call, part) => write!(f, "{moment:?} {first:?} {call:?} {part}"),
        }
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let call = |name: &str| {
            let found = Call::ALL.into_iter().find(|call| format!("{call:?}") == name);
            found.ok_or_else(|| format!("no call is named {name}"))
        };
        let words: Vec<&str> = text.split(' ').collect();
        let moment = match words.first() {
            Some(&"Before") => Moment::Before,
            Some(&"After") => Moment::After,
            _ => return Err(format!("no point: {text}")),
        };
        match words[1..] {
            [number] => Ok(Self::Numbered(moment, number.parse().map_err(|_| text.to_owned())?)),
            [name, part] => Ok(Self::First(moment, call(name)?, part.to_owned())),
            [first, second, part] => Ok(Self::Then(moment, call(first)?, call(second)?, part.to_owned())),
            _ => Err(format!("no point: {text}")),
        }
    }
}

#[test]
fn points_are_told_and_read_alike() {
    for point in [
        Point::Numbered(Moment::After, 7),
        Point::before(Call::RenameNew, "/v3."),
        Point::Then(Moment::After, Call::RenameNew, Call::SyncFolder, "/v3.".to_owned()),
    ] {
        assert_eq!(point.to_string().parse(), Ok(point));
    }
}
