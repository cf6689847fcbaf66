//! `--format human|json` and `--output FILE`, for commands whose report has no other form.

use std::path::PathBuf;

use serde_json::Value;

use crate::atomic;
use crate::error::{Explain as _, Result};
use crate::ui::Shell;

/// How the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum Format {
    /// For a terminal.
    #[default]
    Human,
    /// One document.
    Json,
}

/// Where a report goes, and in which form.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Report")]
pub struct Args {
    /// How the report is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    format: Format,
    /// Write the JSON document to a file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Args {
    /// Hands the document over where one is wanted; `false` where people's text is.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn json(&self, document: &Value, shell: &Shell) -> Result<bool> {
        // alternate is indented
        let text = format!("{document:#}\n");
        match &self.output {
            Some(path) => atomic::write(path, &text).explain(|| format!("could not write {}", path.display()))?,
            None if self.format == Format::Json => shell.print(&text),
            None => return Ok(false),
        }
        Ok(self.format == Format::Json)
    }
}

/// Prints a document.
///
/// # Errors
/// If it is no JSON.
pub(super) fn print(document: &Value, shell: &Shell) -> Result<()> {
    let text = serde_json::to_string_pretty(document).explain(|| "could not write JSON".into())?;
    shell.print(&format!("{text}\n"));
    Ok(())
}
