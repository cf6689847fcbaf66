//! Are these rows the same? One room for everybody who asks: the rehearsal, its way back, the proof of a rename.
//!
//! | module | what it is |
//! |---|---|
//! | `tables` | the tables of a database by object id and column number |
//! | `matches` | tables side by side, and what each side is asked |
//! | `versions` | rows that were not written since they were copied |
//! | `sums` | sums over a column's values: equal sums, equal values |
//! | `exact` | where sums differ, the rows that went, came or changed |
//! | `moved` | columns of one side only: what went, in what came |
//! | `compare` | what became of every value, between a database and its copy |
//! | `parted` | rows that are in another part of their table |
//! | `fate` | what can have become of it |
//! | `few` | few rows, read into memory and compared as a whole |

mod compare;
mod exact;
mod fate;
pub(crate) mod few;
mod matches;
mod moved;
mod parted;
mod sums;
pub(crate) mod tables;
mod versions;

pub use self::compare::compare;
pub use self::fate::{ColumnFate, Fate, TableFate, Touched};
pub use self::versions::Since;
