//! Accepting lines that are written into a migration before it is applied: Prisma holds an applied file to its checksum.

use crate::error::{Error, Result};
use crate::review::{Review, acceptances};
use crate::rules::{Finding, Severity, acceptance};
use crate::sql::Script;
use crate::ui::{Shell, prompt};

/// Lines to write, by where they come from.
#[derive(Debug, Default)]
pub struct Accepted {
    lines: Vec<String>,
}

impl Accepted {
    /// Reads `--accept 'drop-column(Doc.note): why'`.
    ///
    /// # Errors
    /// Exit status 2 for one that accepts nothing as it is written.
    pub fn of(options: &[String]) -> Result<Self> {
        let lines = options.iter().map(|option| {
            let line = format!("-- prisma-safe:allow {}", option.trim());
            let script = Script::parse(line.as_str());
            let (read, slips) = acceptances::read(&script);
            let whole = script.statements().is_empty() && script.comments().len() == 1;
            match slips.first() {
                Some(slip) => Err(Error::usage(format!("--accept {option}: {}", slip.message))),
                None if read.len() != 1 || !whole => Err(Error::usage(format!("--accept {option}: cannot be read"))
                    .help("write it like `--accept 'drop-column(Song.artist): unused since 2.3'`")),
                None => Ok(line),
            }
        });
        Ok(Self { lines: lines.collect::<Result<_>>()? })
    }

    /// Asks the person at the terminal why what the review says of this migration is fine. An empty answer leaves it open.
    ///
    /// # Errors
    /// Exit status 130 when cancelled.
    pub fn ask(&mut self, review: &Review, shell: &Shell) -> Result<()> {
        let open = |finding: &&Finding| finding.severity == Severity::Error && finding.accepted.is_none();
        let acceptable = |finding: &&Finding| finding.acceptable();
        let mut asked: Vec<String> = Vec::new();
        for finding in review.findings().filter(open).filter(acceptable) {
            let name = name(finding);
            if asked.contains(&name) {
                continue;
            }
            shell.warn(&finding.message);
            self.ask_why(finding, shell)?;
            asked.push(name);
        }
        Ok(())
    }

    /// Asks why one finding is fine. An empty answer leaves it open.
    ///
    /// # Errors
    /// Exit status 130 when cancelled.
    pub(super) fn ask_why(&mut self, finding: &Finding, shell: &Shell) -> Result<()> {
        let name = name(finding);
        let reason = prompt::input(shell, &format!("Why is {name} fine? (Enter leaves it open)"))?;
        if !reason.trim().is_empty() {
            self.lines.extend(Self::of(&[format!("{name}: {}", reason.trim())])?.lines);
        }
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Every line must have accepted something.
    ///
    /// # Errors
    /// Exit status 2 for one that did not.
    pub fn demand_use(&self, review: &Review) -> Result<()> {
        match review.findings().find(|finding| finding.rule == acceptance::UNUSED.id) {
            Some(unused) => Err(Error::usage(format!("--accept {}: {}", unused.object, unused.message))),
            None => Ok(()),
        }
    }
}

/// As an accepting line names it.
fn name(finding: &Finding) -> String {
    format!("{}({})", finding.rule, finding.object)
}

/// A migration's text with the lines behind Prisma's header.
pub fn accept(text: &str, accepted: &Accepted) -> String {
    if accepted.is_empty() {
        return text.to_owned();
    }
    super::in_prisma::record(text, &accepted.lines)
}
