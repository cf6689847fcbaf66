//! What a rule has to say about a migration.

use std::ops::Range;

use serde::Serialize;

use super::{Acceptance, Fix, Rule, find};

/// How evidence ends that found nothing at stake: it does not speak for what is lost all the same.
pub(super) const NOTHING_LOST: &str = "nothing is lost now";

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Likely to hurt.
    Warning,
    /// Blocks a deploy until it is accepted in the migration file.
    Error,
}

impl Severity {
    /// As the reports print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A fact behind a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// `measured` on the target, `estimated` from what was measured, `catalog` where a catalog file tells of it, `replayed`
    /// from the migrations, `prisma` said it.
    pub kind: &'static str,
    /// One line.
    pub text: String,
}

impl Evidence {
    /// Nothing was measured: a catalog file told it.
    pub(crate) fn read_from_catalog(&mut self) {
        if self.kind == "measured" {
            self.kind = "catalog";
        }
    }
}

/// Something the review has to say about a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How bad it is here.
    pub severity: Severity,
    /// What it is about, as the acceptance names it: `Song.artist`, `Song`, `Role.USER`; a schema stands in front where
    /// it is not the default one.
    pub object: String,
    /// Where in the migration's text; none for what has no place (a missing migration).
    pub range: Option<Range<usize>>,
    /// What happens, in a sentence.
    pub message: String,
    /// What to do instead; lines are ways on their own.
    pub help: String,
    /// What is known about it.
    pub evidence: Vec<Evidence>,
    /// A way out that a machine can apply.
    pub fix: Option<Fix>,
    /// The line in the migration that accepts it.
    pub accepted: Option<Acceptance>,
    /// The database itself refuses the statement: no line can accept that.
    pub refused: bool,
}

impl Finding {
    /// A finding with the rule's own severity.
    pub fn new(rule: &Rule, object: impl Into<String>, range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            object: object.into(),
            range: Some(range),
            message: message.into(),
            help: String::new(),
            evidence: Vec::new(),
            fix: None,
            accepted: None,
            refused: false,
        }
    }

    /// Says that the database refuses the statement, whatever a line in the file says.
    #[must_use]
    pub fn refused(self) -> Self {
        Self { refused: true, ..self }
    }

    /// Whether a line in the migration may accept it.
    pub fn acceptable(&self) -> bool {
        !self.refused && find(self.rule).is_some_and(|rule| rule.acceptable)
    }

    /// Whether it says that nothing is lost.
    pub fn sees_no_loss(&self) -> bool {
        self.evidence.iter().any(|evidence| evidence.text.ends_with(NOTHING_LOST))
    }

    /// Another severity than the rule's own.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// What to do instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    /// Adds what the target said.
    #[must_use]
    pub fn measured(self, text: impl Into<String>) -> Self {
        self.because("measured", text)
    }

    /// Adds what follows from what the target said.
    #[must_use]
    pub fn estimated(self, text: impl Into<String>) -> Self {
        self.because("estimated", text)
    }

    /// Adds what the replayed migrations say.
    #[must_use]
    pub fn replayed(self, text: impl Into<String>) -> Self {
        self.because("replayed", text)
    }

    fn because(mut self, kind: &'static str, text: impl Into<String>) -> Self {
        self.evidence.push(Evidence { kind, text: text.into() });
        self
    }

    /// Whether it closes the gate.
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Error && self.accepted.is_none()
    }
}
