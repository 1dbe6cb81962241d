//! What the tests of commits share, on whatever store: tables of rows, a look at all of a table, costs, work that is put off.

pub(crate) mod audit;
pub(crate) mod costs;
pub(crate) mod kept;
pub(crate) mod rows;
