//! Fields, models and values that exchange their names of the database. Prisma drafts nothing for it, so that neither a rename nor a
//! loss tells of it: it is a decision of its own.

use super::{Accepted, Drafting, Outcome, accept};
use crate::error::{Error, Result};
use crate::rename::{Decisions, Options};
use crate::review::Review;
use crate::review::links::Exchange;
use crate::rules::{Finding, Settings, exchanged_columns};
use crate::ui::{Shell, prompt};

/// Fields, models or values that read each other's things after this draft are a decision: those follow, or the change is meant.
///
/// # Errors
/// Exit status 4 then, with the options that decide it.
pub fn refuse_exchange(review: &Review) -> Result<()> {
    let open: Vec<&Finding> = open(review).collect();
    if open.is_empty() {
        return Ok(());
    }
    let messages: Vec<&str> = open.iter().map(|finding| finding.message.as_str()).collect();
    let help = |Finding { help, rule, object, .. }: &&Finding| {
        format!("{help}\n`migrate dev --accept '{rule}({object}): why'` writes that line")
    };
    let help: Vec<String> = open.iter().map(help).collect();
    Err(Error::decision(messages.join("\n")).help(help.join("\n")))
}

fn open(review: &Review) -> impl Iterator<Item = &Finding> {
    review.findings().filter(|finding| finding.rule == exchanged_columns::RULE.id && finding.blocks())
}

impl Drafting<'_> {
    /// Asks the person at the terminal about each exchange that no option decides. What is to follow is renamed by `options`; why
    /// another is meant is kept in `accepted`.
    ///
    /// # Errors
    /// Exit status 130 when cancelled.
    pub fn ask_exchanges(
        &self,
        options: &mut Options,
        accepted: &mut Accepted,
        settings: &Settings,
        shell: &Shell,
    ) -> Result<()> {
        for exchange in self.undecided(options, accepted, settings) {
            shell.warn(&exchange.finding.message);
            let choices = [
                format!("{}: {}", exchange.following, exchange.renames.join(", ")),
                "it is meant: each reads what the other one wrote".to_owned(),
                "cancel: leave no migration behind".to_owned(),
            ];
            let choices = choices.each_ref().map(String::as_str);
            match prompt::select(shell, "What shall become of the values?", &choices, 0)? {
                0 => options.rename.extend(exchange.renames),
                1 => accepted.ask_why(&exchange.finding, shell)?,
                _ => return Err(Error::cancelled()),
            }
        }
        Ok(())
    }

    /// The exchanges that could be answered by renames, and that neither an option nor an accepting line decides.
    fn undecided(&self, options: &Options, accepted: &Accepted, settings: &Settings) -> Vec<Exchange> {
        let mut found = self.exchanged(self.migration);
        found
            .retain(|own| !own.renames.is_empty() && !own.renames.iter().any(|rename| options.rename.contains(rename)));
        if found.is_empty() {
            return found;
        }
        let drafted = accept(&self.migration.sql, accepted).into();
        let review = self.review(&Outcome { text: drafted, decisions: Decisions::default(), rewrite: None }, settings);
        found.retain(|own| open(&review).any(|finding| finding.message == own.finding.message));
        found
    }
}
