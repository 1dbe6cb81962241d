//! Races: many processes append rows to one table, are killed at random and started again, maybe behind a network that spoils requests.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use datashard_io::Durability;
use datashard_io::context::Context;
use datashard_txn::{CommitOptions, Committer};
use tokio::runtime::Runtime;

use crate::judge::Judge;
use crate::place::{Place, durability};
use crate::proxy::{Fault, Proxy};
use crate::support::audit::audit;
use crate::support::rows::table;
use crate::writer::Task;

/// What happens to writes on the way, and to the answers.
const WRITES: [Fault; 14] = [
    Fault::CloseAfter,
    Fault::ResetAfter,
    Fault::CutAfter,
    Fault::StatusAfter(500),
    Fault::StatusAfter(503),
    Fault::HangAfter(Duration::from_secs(4)),
    Fault::TwiceFirst,
    Fault::TwiceLast,
    Fault::Late(Duration::from_secs(2)),
    Fault::StatusBefore(409),
    Fault::StatusBefore(429),
    Fault::StatusBefore(503),
    Fault::CloseBefore,
    Fault::ResetBefore,
];

/// What happens to reads.
const READS: [Fault; 5] = [
    Fault::CutBody,
    Fault::StatusBefore(500),
    Fault::StatusBefore(503),
    Fault::CloseBefore,
    Fault::ResetBefore,
];

/// A race.
#[derive(Debug, Clone)]
pub(crate) struct Race {
    /// `folder`, `s3` or `gcs`.
    pub(crate) store: String,
    pub(crate) durability: Durability,
    pub(crate) processes: usize,
    /// Rows that each process appends.
    pub(crate) rows: usize,
    /// Of 1,000 things that a process says, after how many it is killed.
    pub(crate) kills: u64,
    /// Of 100,000 requests, how many meet each of the faults. None in a folder.
    pub(crate) faults: u64,
}

impl Default for Race {
    fn default() -> Self {
        Self {
            store: "folder".to_owned(),
            durability: Durability::Full,
            processes: 12,
            rows: 1_000,
            kills: 10,
            faults: 1_000,
        }
    }
}

/// `stress [folder|s3|gcs] [--processes N] [--rows N] [--kills N] [--faults N] [--durability full|group|none]`
pub(crate) fn stress(arguments: &[String]) -> ExitCode {
    let told = parse(arguments).and_then(|race| {
        println!("{race:?}");
        race.run()
    });
    match told {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("stress: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Race, String> {
    let mut race = Race::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if !argument.starts_with("--") {
            race.store.clone_from(argument);
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{value} is no number"));
        match argument.as_str() {
            "--processes" => race.processes = number()?,
            "--rows" => race.rows = number()?,
            "--kills" => race.kills = number()? as u64,
            "--faults" => race.faults = number()? as u64,
            "--durability" => race.durability = durability(value)?,
            _ => return Err(format!("no option is named {argument}")),
        }
    }
    Ok(race)
}

impl Race {
    /// Runs it, and looks at the whole table afterwards. Gives figures.
    pub(crate) fn run(&self) -> Result<String, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Lives until the race is over.
        let (direct, raced, proxy) = self.places(&runtime, &folder.path().join("table").to_string_lossy())?;
        let store = runtime.block_on(direct.open())?;
        let created = Committer::create(store.clone(), table(), CommitOptions::default());
        runtime.block_on(created).map_err(|error| error.to_string())?;

        let clock = Context::system().clock;
        let (begun, judge) = (clock.elapsed(), Mutex::new(Judge::default()));
        std::thread::scope(|scope| {
            for number in 0..self.processes {
                let (judge, place) = (&judge, raced.clone());
                scope.spawn(move || {
                    let task = Task { place, number, from: 0, rows: self.rows, life: 0 };
                    if let Err(error) = self.lives(task, judge) {
                        judge.lock().unwrap().hear(&format!("broken {error}"));
                    }
                });
            }
        });
        let seconds = (clock.elapsed() - begun).as_secs_f64();
        let judge = judge.into_inner().map_err(|error| error.to_string())?;
        let audited = runtime.block_on(audit(&store))?;
        judge.check(&audited, self.processes, self.rows)?;
        let spoiled = proxy.map_or_else(String::new, |proxy| {
            let log = proxy.log();
            let spoiled = log.iter().filter(|seen| seen.fault.is_some()).count();
            format!("; {} requests, {spoiled} of them spoiled", log.len())
        });
        let (rows, version) = (audited.rows.len(), audited.version);
        Ok(format!("{}{spoiled}; {rows} rows in version {version}", judge.figures(seconds)))
    }

    /// The table as it is, as the writers reach it, and what is between.
    fn places(&self, runtime: &Runtime, folder: &str) -> Result<(Place, Place, Option<Proxy>), String> {
        if self.store == "folder" {
            let place = Place::Folder { durability: self.durability, path: folder.to_owned() };
            return Ok((place.clone(), place, None));
        }
        let name = self.store.clone();
        let server = Place::server(&name)?.ok_or_else(|| format!("there is no server {name}"))?;
        let proxy = runtime.block_on(Proxy::start(&server.endpoint)).map_err(|error| error.to_string())?;
        proxy.spoil_some("PUT", &WRITES, self.faults);
        proxy.spoil_some("GET", &READS, self.faults);
        proxy.spoil_some("HEAD", &READS[1..], self.faults);
        let table = format!("race-{}", Context::system().ids.uuid());
        let place = |endpoint: &str| Place::Server {
            name: name.clone(),
            endpoint: endpoint.to_owned(),
            table: table.clone(),
        };
        Ok((place(&server.endpoint), place(proxy.url()), Some(proxy)))
    }

    /// A process that is started anew as often as it is killed, until it has nothing left to do.
    fn lives(&self, mut task: Task, judge: &Mutex<Judge>) -> Result<(), String> {
        let randomness = Context::system().randomness;
        loop {
            let program = std::env::current_exe().map_err(|error| error.to_string())?;
            let mut child = Command::new(program)
                .arg("writer")
                .args(task.to_arguments())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .map_err(|error| error.to_string())?;
            let out = child.stdout.take().ok_or("a child without output")?;
            let (mut killed, mut finished) = (false, false);
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                judge.lock().unwrap().hear(&line);
                finished = line == "finished";
                // Where the next life begins: after what was answered, or with what was not, if that may be sent again.
                let number: Option<usize> =
                    line.rsplit('-').next().and_then(|rest| rest.split(' ').next()?.parse().ok());
                match (line.split(' ').next(), number) {
                    (Some("begun"), Some(number)) if !task.has_keys() => task.from = 1 + number,
                    (Some("acknowledged"), Some(number)) => task.from = 1 + number,
                    _ => {}
                }
                if !killed && randomness.next_u64() % 1_000 < self.kills {
                    // Somewhere in the middle of what it does next.
                    std::thread::sleep(Duration::from_micros(randomness.next_u64() % 30_000));
                    killed = child.kill().is_ok();
                }
            }
            let status = child.wait().map_err(|error| error.to_string())?;
            if finished && (killed || status.success()) {
                return Ok(());
            }
            if !killed {
                return Err(format!("writer {} ended by itself: {status}", task.number));
            }
            judge.lock().unwrap().kills += 1;
            task.life += 1;
        }
    }
}
