//! [`Fault`]: what goes wrong with a request, and with which one, by kind, path, process, count and time.

use std::ops::Range;
use std::time::Duration;

use super::answer::Answer;
use super::hash::nanos;
use super::process::{Process, ProcessId};
use crate::request::RequestKind;

/// What the caller gets instead of the true answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// The connection is closed without an answer.
    Closed,
    /// The connection is reset.
    Reset,
    /// The answer stops in the middle of its headers.
    Cut,
    /// Another answer, such as 503 by a gateway.
    Answer(Answer),
    /// Nothing, ever.
    Silence,
}

/// Which answer of a request that was delivered twice comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Delivery {
    /// The first.
    First,
    /// The second, which for a create is "exists already".
    Second,
}

/// What goes wrong. An effect on answers of one kind, such as a short body, changes nothing in those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// An answer before the store looks at the request: not acted on.
    Answer(Answer),
    /// There is no connection: certainly not acted on, and the caller can tell.
    NoConnection,
    /// The request is lost on the way: not acted on, but the caller cannot tell.
    LoseRequest(Loss),
    /// The store acts, and the answer is lost.
    LoseAnswer(Loss),
    /// The request is delivered and acted on twice, the second time `gap` after the first.
    Twice {
        /// Time between the two.
        gap: Duration,
        /// The answer that comes back.
        answer: Delivery,
    },
    /// The caller gets `meanwhile`; so long `after` the request should have arrived it does arrive, and is acted on.
    Late {
        /// How much later than it should.
        after: Duration,
        /// What the caller gets at once.
        meanwhile: Loss,
    },
    /// The request arrives so much later; all else is as it should be.
    Delay(Duration),
    /// A read: the body ends early, without an error; what was announced is the whole length.
    ShortBody,
    /// A read: the connection breaks in the middle of the body.
    BrokenBody,
    /// A read: the announced length is wrong by so many bytes; all of the body comes.
    WrongLength(i64),
    /// A read: one bit of the body is another.
    FlippedBit,
    /// A read or a look: "not found", although it is there.
    Missing,
    /// A page of a listing: some of the names are left out.
    PartialPage,
    /// A page of a listing: the names are in no order.
    ShuffledPage,
    /// A page of a listing: some names come twice.
    RepeatedNames,
    /// A deletion of many: every second one fails, and the answer says which.
    DeleteHalf,
}

/// A fault and the requests that it befalls.
///
/// # Examples
/// The second PUT of a metadata file is acted on, but its answer is lost:
/// ```
/// use datashard_io::request::RequestKind;
/// use datashard_io::sim::{Effect, Fault, Loss};
///
/// let fault = Fault::on(RequestKind::Put, "*/v*.metadata.json").skip(1).doing(Effect::LoseAnswer(Loss::Reset));
/// # let _ = fault;
/// ```
#[derive(Debug, Clone)]
pub struct Fault {
    occasion: Occasion,
    effect: Effect,
}

/// The requests that a fault befalls: by default the first one of its kind and path.
#[derive(Debug, Clone)]
#[must_use = "`doing` makes a fault of it"]
pub struct Occasion {
    kind: RequestKind,
    pattern: String,
    process: Option<ProcessId>,
    skip: u64,
    times: u64,
    during_ns: Range<u64>,
}

impl Fault {
    /// Requests of this kind whose key fits the pattern, in which `*` stands for any text. Keys are whole: they begin with the
    /// table's own path. For a listing the key is its prefix.
    pub fn on(kind: RequestKind, pattern: &str) -> Occasion {
        Occasion {
            kind,
            pattern: pattern.to_owned(),
            process: None,
            skip: 0,
            times: 1,
            during_ns: 0..u64::MAX,
        }
    }

    /// The effect on this request, if it befalls it.
    pub(super) fn strike(
        &mut self,
        kind: RequestKind,
        key: &str,
        process: ProcessId,
        now_ns: u64,
    ) -> Option<Effect> {
        let occasion = &mut self.occasion;
        let fits = occasion.times > 0
            && occasion.kind == kind
            && occasion.process.is_none_or(|own| own == process)
            && occasion.during_ns.contains(&now_ns)
            && matches(&occasion.pattern, key);
        if !fits {
            return None;
        }
        if occasion.skip > 0 {
            occasion.skip = occasion.skip.saturating_sub(1);
            return None;
        }
        occasion.times = occasion.times.saturating_sub(1);
        Some(self.effect.clone())
    }

    /// Whether it will not strike again.
    pub(super) fn is_spent(&self) -> bool {
        self.occasion.times == 0
    }
}

impl Occasion {
    /// Only requests of this process.
    pub fn by(mut self, process: &Process) -> Self {
        self.process = Some(process.id());
        self
    }

    /// Not the first `count` of them.
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// `count` of them instead of one.
    pub fn times(mut self, count: u64) -> Self {
        self.times = count;
        self
    }

    /// All of them.
    pub fn always(mut self) -> Self {
        self.times = u64::MAX;
        self
    }

    /// Only those sent in this part of the simulated time.
    pub fn during(mut self, times: Range<Duration>) -> Self {
        self.during_ns = nanos(times.start)..nanos(times.end);
        self
    }

    /// What befalls them.
    pub fn doing(self, effect: Effect) -> Fault {
        Fault { occasion: self, effect }
    }
}

/// Whether the key fits the pattern, in which `*` stands for any text.
fn matches(pattern: &str, key: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == key };
    let Some(mut left) = key.strip_prefix(first) else { return false };
    let Some((middle, last)) = rest.rsplit_once('*') else { return left.ends_with(rest) };
    for part in middle.split('*') {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_whole_keys() {
        let check = |pattern: &str, key: &str, fits: bool| {
            assert_eq!(matches(pattern, key), fits, "{pattern} {key}");
        };
        check("*", "", true);
        check("a/b", "a/b", true);
        check("a/b", "a/bc", false);
        check("*/v*.metadata.json", "table/metadata/v7.metadata.json", true);
        check("*/v*.metadata.json", "table/metadata/v7.metadata.json.tmp", false);
        check("a*a", "a", false);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "acb", false);
        check("**", "x", true);
    }

    #[test]
    fn a_fault_strikes_after_those_it_skips_and_so_often_as_it_should() {
        let mut fault = Fault::on(RequestKind::Put, "a*").skip(1).times(2).doing(Effect::NoConnection);
        let mut strike = |kind, key| fault.strike(kind, key, ProcessId::MAIN, 0).is_some();
        assert!(!strike(RequestKind::Get, "a"));
        assert!(!strike(RequestKind::Put, "b"));
        let puts: Vec<bool> = (0..4).map(|_| strike(RequestKind::Put, "a")).collect();
        assert_eq!(puts, [false, true, true, false]);
        assert!(fault.is_spent());
    }
}
