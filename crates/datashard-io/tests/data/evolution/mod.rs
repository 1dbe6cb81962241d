//! Files of older schemas, read in the schema of today.

mod missing;
mod names;
mod oracle;
mod random;
mod steps;
mod widen;
mod within;
