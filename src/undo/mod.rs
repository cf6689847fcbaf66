//! Taking a migration back: its reverse, and what it destroyed.
//!
//! | module | what it is |
//! |---|---|
//! | [`reverse`] | the reverse of a migration, worked out statement by statement |
//! | [`down`] | the same as the file `down.sql` |
//! | [`losses`] | what a migration destroys |

pub mod down;
pub mod losses;
mod render;
pub mod reverse;

pub use self::down::Down;
