//! What a proof on a server says.

use std::time::Duration;

/// How one comparison ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing differs.
    Equal,
    /// What differs, a line each.
    Different(Vec<String>),
    /// It was not compared, and why.
    NotDone(String),
}

impl Verdict {
    pub(super) fn of(differences: Vec<String>) -> Self {
        if differences.is_empty() { Self::Equal } else { Self::Different(differences) }
    }

    /// What differs; nothing where nothing was compared.
    pub fn differences(&self) -> &[String] {
        match self {
            Self::Different(differences) => differences,
            Self::Equal | Self::NotDone(_) => &[],
        }
    }
}

/// What running draft and rewrite on a server showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// The catalogs after both.
    pub catalog: Verdict,
    /// The rows before and after the rewrite.
    pub values: Verdict,
    /// How many rows were compared.
    pub rows: usize,
    /// Tables without rows to compare, and why; what is there in addition because a rename keeps it.
    pub notes: Vec<String>,
    /// The server's version: `15.18`. Empty where none ran.
    pub server: String,
    /// How long it took, the server's start included.
    pub took: Duration,
}

impl Replay {
    /// Nothing was run.
    pub fn not_done(why: impl Into<String>) -> Self {
        let why = why.into();
        Self {
            catalog: Verdict::NotDone(why.clone()),
            values: Verdict::NotDone(why),
            rows: 0,
            notes: Vec::new(),
            server: String::new(),
            took: Duration::ZERO,
        }
    }

    /// Whether nothing differs. What was not done differs in nothing.
    pub fn holds(&self) -> bool {
        self.catalog.differences().is_empty() && self.values.differences().is_empty()
    }
}
