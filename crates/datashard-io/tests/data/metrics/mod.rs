//! The metrics that files come with: what an oracle counts in the rows that went in, and no match is ever planned away.

mod files;
mod oracle;
mod planning;
