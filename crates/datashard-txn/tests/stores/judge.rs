//! What writers said, and whether the table agrees.

use std::collections::BTreeMap;

use crate::support::audit::Audited;

/// What is known of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It was sent, and nobody was told what became of it.
    Begun,
    /// It is in the table.
    Committed,
    /// It is not, and never will be.
    Failed,
}

/// What all writers said.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    rows: BTreeMap<String, Known>,
    /// How long acknowledged appends took, in microseconds.
    micros: Vec<u64>,
    attempts: Vec<u64>,
    duplicates: u64,
    unknown: u64,
    failed: u64,
    broken: Vec<String>,
    pub(crate) kills: u64,
}

impl Judge {
    /// Takes note of a line.
    pub(crate) fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let known = match words[..] {
            ["begun", _] => Known::Begun,
            ["acknowledged", _, micros, attempts, kind] => {
                self.micros.push(micros.parse().unwrap_or(u64::MAX));
                self.attempts.push(attempts.parse().unwrap_or(u64::MAX));
                self.duplicates += u64::from(kind == "duplicate");
                Known::Committed
            }
            ["unknown", _] => {
                self.unknown += 1;
                Known::Begun
            }
            ["committed", _] => Known::Committed,
            ["failed", _] => {
                self.failed += 1;
                Known::Failed
            }
            ["finished"] => return,
            _ => {
                self.broken.push(line.to_owned());
                return;
            }
        };
        self.rows.insert(words[1].to_owned(), known);
    }

    /// Holds what was said against the table.
    pub(crate) fn check(&self, audited: &Audited, processes: usize, rows: usize) -> Result<(), String> {
        if !self.broken.is_empty() {
            return Err(format!("writers broke: {:?}", self.broken));
        }
        if let Some((row, count)) = audited.rows.iter().find(|(_, count)| **count != 1) {
            return Err(format!("row {row} is there {count} times"));
        }
        for (row, known) in &self.rows {
            let is_there = audited.rows.contains_key(row);
            match known {
                Known::Committed if !is_there => {
                    return Err(format!("row {row} was acknowledged and is lost"));
                }
                Known::Failed if is_there => {
                    return Err(format!("row {row} was said to have failed and is there"));
                }
                Known::Begun | Known::Committed | Known::Failed => {}
            }
        }
        if let Some(row) = audited.rows.keys().find(|row| !self.rows.contains_key(*row)) {
            return Err(format!("row {row} came from nowhere"));
        }
        for process in (0..processes).filter(|process| process.is_multiple_of(2)) {
            for row in (0..rows).map(|row| format!("{process}-{row}")) {
                if !audited.rows.contains_key(&row) {
                    return Err(format!("row {row} was sent again under its key and is not there"));
                }
            }
        }
        Ok(())
    }

    /// How many rows were acknowledged to those who sent them.
    pub(crate) fn acknowledged(&self) -> usize {
        self.micros.len()
    }

    /// Figures for the terminal.
    pub(crate) fn figures(&self, seconds: f64) -> String {
        let mut micros = self.micros.clone();
        micros.sort_unstable();
        let at = |part: usize| micros.get(micros.len() * part / 1_000).copied().unwrap_or(0) as f64 / 1_000.0;
        let sent: u64 = self.attempts.iter().sum();
        format!(
            "{} rows acknowledged in {seconds:.1} s, {:.1} a second; p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms; \
             {:.2} attempts each, {} at most; {} kills, {} unanswered, {} failed, {} found to be done already",
            self.acknowledged(),
            self.acknowledged() as f64 / seconds,
            at(500),
            at(990),
            at(999),
            sent as f64 / self.acknowledged().max(1) as f64,
            self.attempts.iter().max().copied().unwrap_or(0),
            self.kills,
            self.unknown,
            self.failed,
            self.duplicates,
        )
    }
}
