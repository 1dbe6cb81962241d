//! A process of a race: appends rows one after another, and tells what it was told of each.
//!
//! Half of the writers send each row under a key, again and again until it is answered, also after a crash. The others send each row once
//! and go on, asking later for what became of those that were not answered. One in four has little time for each row, so that many of its
//! rows end without an answer, or as definite failures.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use datashard_io::context::Context;
use datashard_txn::action::SetProperties;
use datashard_txn::protocol::AppKey;
use datashard_txn::{CommitError, CommitOptions, CommitToken, Committed, Committer, Resolution};

use crate::place::Place;
use crate::support::rows::row;

/// How often something is asked for that a spoiled network does not give.
const PATIENCE: u32 = 200;

/// What a writer is told to do.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) place: Place,
    pub(crate) number: usize,
    /// The first row that it is to send, and the number of rows.
    pub(crate) from: usize,
    pub(crate) rows: usize,
    /// How often it was started before.
    pub(crate) life: usize,
}

impl Task {
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        let numbers = [self.number, self.from, self.rows, self.life].map(|number| number.to_string());
        [self.place.to_string()].into_iter().chain(numbers).collect()
    }

    fn of_arguments(arguments: &[String]) -> Result<Self, String> {
        let number = |at: usize| -> Result<usize, String> {
            let text = arguments.get(at).ok_or("too few arguments")?;
            text.parse().map_err(|_| format!("{text} is no number"))
        };
        let place = arguments.first().ok_or("too few arguments")?.parse()?;
        Ok(Self { place, number: number(1)?, from: number(2)?, rows: number(3)?, life: number(4)? })
    }

    /// Whether rows are sent under keys.
    pub(crate) fn has_keys(&self) -> bool {
        self.number.is_multiple_of(2)
    }

    /// How long one row is tried; `None` for as long as the table says.
    fn timeout(&self) -> Option<Duration> {
        let patience = match &self.place {
            Place::Folder { .. } => Duration::from_millis(100),
            Place::Server { .. } => Duration::from_millis(1_500),
        };
        (self.number % 4 == 3).then_some(patience)
    }

    pub(crate) fn row(&self, number: usize) -> String {
        format!("{}-{number}", self.number)
    }
}

/// Tells the parent something, at once.
fn say(what: &str) {
    let mut out = std::io::stdout().lock();
    // Without a parent there is nobody to tell.
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match Task::of_arguments(arguments).and_then(|task| runtime.block_on(Writer::work(task))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("broken {error}"));
            ExitCode::FAILURE
        }
    }
}

struct Writer {
    task: Task,
    committer: Committer,
    context: Context,
    /// Rows that were not answered.
    unknown: Vec<(String, CommitToken)>,
}

impl Writer {
    async fn work(task: Task) -> Result<(), String> {
        let store = task.place.open().await?;
        let context = store.context().clone();
        let mut tries = 0;
        let options = match task.timeout() {
            Some(timeout) => CommitOptions::default().with_timeout(timeout),
            None => CommitOptions::default(),
        };
        let committer = loop {
            match Committer::open(store.clone(), options.clone()).await {
                Ok(committer) => break committer,
                Err(CommitError::Storage(_)) if tries < PATIENCE => tries += 1,
                Err(error) => return Err(format!("open: {error}")),
            }
        };
        let mut writer = Self { task, committer, context, unknown: Vec::new() };
        for number in writer.task.from..writer.task.rows {
            let name = writer.task.row(number);
            say(&format!("begun {name}"));
            if writer.task.has_keys() {
                writer.append_under_key(&name, number).await?;
            } else {
                writer.append_once(&name).await?;
            }
            writer.ask().await?;
        }
        writer.settle().await?;
        say("finished");
        Ok(())
    }

    async fn append_under_key(&self, name: &str, number: usize) -> Result<(), String> {
        let key = AppKey::new(format!("writer-{}", self.task.number), number as u64 + 1);
        let begun = self.context.clock.elapsed();
        for attempt in 0..PATIENCE {
            let copy = format!("{}-{attempt}", self.task.life);
            match self.committer.commit(row(&self.committer, name, &copy), Some(key.clone())).await {
                Ok(committed) => {
                    self.acknowledged(name, &committed, begun);
                    return Ok(());
                }
                Err(CommitError::CommitStateUnknown { .. } | CommitError::Storage(_)) => {}
                Err(error) => return Err(format!("append of {name}: {error}")),
            }
        }
        Err(format!("append of {name}: {PATIENCE} times no answer"))
    }

    async fn append_once(&mut self, name: &str) -> Result<(), String> {
        let begun = self.context.clock.elapsed();
        let copy = self.task.life.to_string();
        match self.committer.append(row(&self.committer, name, &copy)).await {
            Ok(committed) => self.acknowledged(name, &committed, begun),
            Err(CommitError::CommitStateUnknown { token, .. }) => {
                say(&format!("unknown {name}"));
                // As somebody would keep it who asks later: as text.
                let token = token.to_string().parse().map_err(|e| format!("token: {e}"))?;
                self.unknown.push((name.to_owned(), token));
            }
            Err(CommitError::Storage(_)) => say(&format!("failed {name}")),
            Err(CommitError::Conflict(_)) if self.task.timeout().is_some() => {
                say(&format!("failed {name}"));
            }
            Err(error) => return Err(format!("append of {name}: {error}")),
        }
        Ok(())
    }

    fn acknowledged(&self, name: &str, committed: &Committed, begun: Duration) {
        let micros = (self.context.clock.elapsed() - begun).as_micros();
        let kind = if committed.duplicate { "duplicate" } else { "new" };
        say(&format!("acknowledged {name} {micros} {} {kind}", committed.attempts));
    }

    /// Asks for what became of rows that were not answered.
    async fn ask(&mut self) -> Result<(), String> {
        let mut left = Vec::new();
        for (name, token) in std::mem::take(&mut self.unknown) {
            match self.committer.resolve(&token).await {
                Ok(Resolution::Committed(_)) => say(&format!("committed {name}")),
                Ok(Resolution::NotCommitted) => say(&format!("failed {name}")),
                Ok(Resolution::Forgotten) => say(&format!("forgotten {name}")),
                Ok(Resolution::Open) | Err(CommitError::Storage(_)) => left.push((name, token)),
                Err(error) => return Err(format!("resolution of {name}: {error}")),
            }
        }
        self.unknown = left;
        Ok(())
    }

    /// Fills slots until nothing is open any more.
    async fn settle(&mut self) -> Result<(), String> {
        for attempt in 0..PATIENCE {
            if self.unknown.is_empty() {
                return Ok(());
            }
            let filler = SetProperties::new().set("filler", attempt.to_string());
            match self.committer.commit(filler, None).await {
                Ok(_) => {}
                Err(
                    CommitError::CommitStateUnknown { .. }
                    | CommitError::Storage(_)
                    | CommitError::Conflict(_),
                ) => {}
                Err(error) => return Err(format!("a commit without rows: {error}")),
            }
            self.ask().await?;
        }
        Err(format!("rows stay open: {:?}", self.unknown))
    }
}
