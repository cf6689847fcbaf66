//! Where a report goes, and in which format.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::{Format, Look, render};
use crate::atomic;
use crate::context::Context;
use crate::error::{Explain as _, Result};
use crate::review::{Review, Target, Verdict};
use crate::ui::Shell;

/// `--format` and `--output`, where a report is printed.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Report")]
pub struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// Write the report to a file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Args {
    /// Whether stdout is for a program: people's text then goes to stderr, Prisma's too.
    pub fn for_machines(&self) -> bool {
        self.format != Format::Human && self.output.is_none()
    }

    /// Hands over a finished document: to the file, to stdout for machines, to stderr for people.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn deliver(&self, document: &str, shell: &Shell) -> Result<()> {
        match &self.output {
            Some(path) => atomic::write(path, document).explain(|| format!("could not write {}", path.display())),
            None if self.format == Format::Human => {
                shell.block(document);
                Ok(())
            }
            None => {
                shell.print(document);
                Ok(())
            }
        }
    }

    /// One line for a person, where there is no more to say about what was reviewed.
    pub fn brief(&self, review: &Review, first: bool) -> Option<String> {
        (self.format == Format::Human && self.output.is_none()).then(|| super::human::brief(review, first)).flatten()
    }

    /// Where there is nothing to review, a program learns it from a review of no migrations.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn nothing(&self, server_version: &str, root: &Path, shell: &Shell) -> Result<()> {
        if self.format == Format::Human {
            return Ok(());
        }
        let target = Target { provider: "postgresql", server_version: Some(server_version.to_owned()), catalog: None };
        let review = Review {
            verdict: Verdict::Pass,
            plan_hash: None,
            target,
            migrations: Vec::new(),
            together: Vec::new(),
            unchecked: Vec::new(),
            consent: None,
        };
        self.deliver(&self.review(&review, root, shell), shell)
    }

    /// On GitHub the job's page shows the review as well.
    ///
    /// # Errors
    /// If the job's summary cannot be written.
    pub fn summarize(&self, review: &Review, root: &Path, context: &Context) -> Result<()> {
        let summary = context.env.get("GITHUB_STEP_SUMMARY").filter(|_| self.format == Format::Github);
        let Some(path) = summary else { return Ok(()) };
        let text = render(review, Format::Markdown, Look { color: false, width: 80, root });
        // other steps have written there before
        let written = OpenOptions::new().create(true).append(true).open(path);
        written.and_then(|mut file| file.write_all(text.as_bytes())).explain(|| format!("could not write {path}"))
    }

    /// The review as a document; colours only where a person reads it.
    pub fn review(&self, review: &Review, root: &Path, shell: &Shell) -> String {
        let color = shell.color() && self.output.is_none();
        render(review, self.format, Look { color, width: shell.width(), root })
    }
}
