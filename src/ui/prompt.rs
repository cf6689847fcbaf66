//! Questions. Every one is refused without a terminal: the caller checks [`Shell::interactive`] first and says what
//! option would answer. Ctrl-C and Escape cancel (exit status 130).

use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, Select};

use super::Shell;
use crate::error::{Error, Explain as _, Result};

/// One of several answers, chosen with the arrow keys; gives its place in `items`.
pub fn select(shell: &Shell, question: &str, items: &[&str], default: usize) -> Result<usize> {
    ask(shell, question, || {
        Select::with_theme(&ColorfulTheme::default()).with_prompt(question).items(items).default(default).interact_opt()
    })
}

/// Yes or no; the default is `default`.
pub fn confirm(shell: &Shell, question: &str, default: bool) -> Result<bool> {
    ask(shell, question, || {
        Confirm::with_theme(&ColorfulTheme::default()).with_prompt(question).default(default).interact_opt()
    })
}

/// A line of text.
pub fn input(shell: &Shell, question: &str) -> Result<String> {
    ask(shell, question, || {
        Input::<String>::with_theme(&ColorfulTheme::default())
            .with_prompt(question)
            .allow_empty(true)
            .interact_text()
            .map(Some)
    })
}

/// Asks and leaves the terminal as it was: dialoguer hides the cursor and does not bring it back after Ctrl-C.
fn ask<T>(shell: &Shell, question: &str, interact: impl FnOnce() -> dialoguer::Result<Option<T>>) -> Result<T> {
    if !shell.interactive() {
        return Err(Error::usage(format!("cannot ask without a terminal: {question}")));
    }
    shell.end_step();
    let answer = interact();
    let _ = console::Term::stderr().show_cursor();
    match answer {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(Error::cancelled()),
        Err(dialoguer::Error::IO(error)) if error.kind() == std::io::ErrorKind::Interrupted => Err(Error::cancelled()),
        Err(error) => Err(error).explain(|| "could not ask a question at this terminal".into()),
    }
}
