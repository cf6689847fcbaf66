//! The only writer to the terminal: stdout is data, stderr is talk.

pub mod diff;
pub mod interrupt;
pub mod progress;
pub mod prompt;
pub mod shell;

pub use shell::Shell;
