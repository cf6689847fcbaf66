//! The only writer to the terminal: stdout is data, stderr is talk.

pub mod diff;
pub mod interrupt;
mod mark;
pub mod progress;
pub mod prompt;
mod screen;
pub mod shell;
mod text;

pub use mark::Mark;
pub use screen::Screen;
pub use shell::Shell;
pub use text::{count, counted, listed, moment, rows, shortened};
