//! Who answers questions about renames: a person at the terminal, or whoever stands in for one.

use super::question::{Answer, Question};
use crate::error::Result;
use crate::ui::{Shell, prompt};

/// Somebody who answers.
pub trait Asker {
    /// Puts a question and waits for the answer.
    ///
    /// # Errors
    /// Cancelled, or the terminal is gone.
    fn choose(&mut self, question: &Question) -> Result<Answer>;
}

/// The person at the terminal.
#[derive(Debug)]
pub struct Terminal<'a> {
    shell: &'a Shell,
}

impl<'a> Terminal<'a> {
    /// Asks through this shell.
    pub fn new(shell: &'a Shell) -> Self {
        Self { shell }
    }
}

impl Asker for Terminal<'_> {
    fn choose(&mut self, question: &Question) -> Result<Answer> {
        self.shell.block("\n");
        for line in &question.candidate.evidence {
            self.shell.detail(format!("- {line}"));
        }
        let labels: Vec<&str> = question.choices.iter().map(|(label, _)| label.as_str()).collect();
        let (number, all) = question.place;
        let place = if all > 1 { format!("({number} of {all}) ") } else { String::new() };
        let chosen = prompt::select(self.shell, &format!("{place}{}", question.text), &labels, 0)?;
        Ok(question.choices.get(chosen).map_or(Answer::Cancel, |(_, answer)| answer.clone()))
    }
}
