//! What Prisma said about data loss, after the rewrite: only what still holds counts. A development database is not
//! emptied unasked either.

use std::sync::LazyLock;

use regex::Regex;

use crate::engine::{DataLoss, StepNote};
use crate::error::{Error, Result};
use crate::sql::Script;
use crate::ui::{Shell, prompt};

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("`([^`]+)`").ok());

/// The notes that still hold for a migration: Prisma's header, corrected by the rewrite, names them too.
pub(super) fn remaining(data_loss: &DataLoss, text: &str) -> DataLoss {
    let script = Script::parse(text);
    let header = script.warnings_header().and_then(|range| text.get(range)).unwrap_or_default();
    let lines: Vec<Subject<'_>> = header.lines().map(|line| Subject::of(line.trim_start_matches([' ', '-']))).collect();
    let holds = |note: &&StepNote| lines.contains(&Subject::of(&note.message));
    DataLoss {
        warnings: data_loss.warnings.iter().filter(holds).cloned().collect(),
        unexecutable_steps: data_loss.unexecutable_steps.iter().filter(holds).cloned().collect(),
    }
}

/// What a note is about: its first word and the names in it. Prisma words the rest by whether it has counted rows.
#[derive(Debug, PartialEq, Eq)]
struct Subject<'a> {
    word: &'a str,
    names: Vec<&'a str>,
}

impl<'a> Subject<'a> {
    fn of(message: &'a str) -> Self {
        let names = NAME.iter().flat_map(|pattern| pattern.captures_iter(message));
        // types of a cast are no names of objects
        let names = names.filter_map(|found| found.get(1)).map(|name| name.as_str()).take(2).collect();
        Self { word: message.split_whitespace().next().unwrap_or_default(), names }
    }

    /// The option that answers: `Song.artist` for a column, `Song` for a table.
    fn option(&self, message: &str) -> Option<String> {
        let dropped = message.starts_with("You are about to drop the") || message.contains("dropped and recreated");
        match self.names.as_slice() {
            [table] if dropped => Some((*table).to_owned()),
            [column, table] if dropped => Some(format!("{table}.{column}")),
            _ => None,
        }
    }
}

/// What Prisma itself refuses before it applies: it cannot run on the rows that are there.
pub(super) fn refuse_unexecutable(remaining: &DataLoss) -> Result<()> {
    if remaining.unexecutable_steps.is_empty() {
        return Ok(());
    }
    let steps: Vec<&str> = remaining.unexecutable_steps.iter().map(|step| step.message.as_str()).collect();
    Err(Error::failed("the migration cannot be applied to the rows that are there; nothing was created")
        .because(steps.join("\n"))
        .help("create it with --create-only, edit it, then run `prisma-safe migrate dev` to apply it"))
}

/// Asks before a development database loses data. `deleted` are answers that were given already.
pub(super) fn consent(remaining: &DataLoss, deleted: &[String], shell: &Shell) -> Result<()> {
    let destroys = |note: &&StepNote| {
        let message = note.message.as_str();
        let lossy = message.starts_with("You are about to") || message.contains("dropped and recreated");
        let answered = Subject::of(message).option(message).is_some_and(|option| deleted.contains(&option));
        lossy && !answered
    };
    let losses: Vec<&str> = remaining.warnings.iter().filter(destroys).map(|note| note.message.as_str()).collect();
    if losses.is_empty() {
        return Ok(());
    }
    if shell.interactive() {
        for loss in &losses {
            shell.warn(loss);
        }
        return match prompt::confirm(shell, "Are you sure you want to create and apply this migration?", false)? {
            true => Ok(()),
            false => Err(Error::cancelled()),
        };
    }
    let options: Vec<String> = losses
        .iter()
        .map(|loss| match Subject::of(loss).option(loss) {
            Some(option) => format!("{loss}\n  --delete {option}"),
            None => format!("{loss}\n  --create-only"),
        })
        .collect();
    Err(Error::decision("applying this migration would lose data of the development database; nothing was created")
        .because(options.join("\n"))
        .help("answer each with the option under it, or only create the migration with --create-only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(message: &str) -> StepNote {
        StepNote { message: message.into(), step_index: 0 }
    }

    #[test]
    fn only_what_the_corrected_header_still_says_remains() {
        let counted = DataLoss {
            warnings: vec![
                note(
                    "You are about to drop the column `artist` on the `Song` table, which still contains 3 non-null values.",
                ),
                note("You are about to drop the `Old` table, which is not empty (2 rows)."),
            ],
            unexecutable_steps: vec![note(
                "Added the required column `name` to the `Song` table without a default value. There are 3 rows in this table, it is not possible to execute this step.",
            )],
        };
        let text = "/*\n  Warnings:\n\n  - You are about to drop the `Old` table. If the table is not empty, all the data it contains will be lost.\n\n*/\nDROP TABLE \"Old\";\n";
        let left = remaining(&counted, text);
        assert_eq!(left.warnings, [counted.warnings[1].clone()]);
        assert!(left.unexecutable_steps.is_empty());
        assert_eq!(
            Subject::of(&counted.warnings[0].message).option(&counted.warnings[0].message).as_deref(),
            Some("Song.artist")
        );
        assert_eq!(
            Subject::of(&counted.warnings[1].message).option(&counted.warnings[1].message).as_deref(),
            Some("Old")
        );
    }
}
