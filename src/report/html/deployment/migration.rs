//! A migration of the plan: its text with the findings, and what became of it.

use serde::Serialize;
use serde_json::{Value, json};

use super::super::change;
use super::super::highlight::{self, Span};
use super::{Deployment, list, picture};
use crate::catalog::Catalog;
use crate::deploy::Event;
use crate::project::Migration;
use crate::rename;
use crate::review::{Grade, Graded};
use crate::ui::counted;

#[derive(Serialize)]
pub(super) struct Planned<'a> {
    name: &'a str,
    checksum: String,
    became: String,
    brief: String,
    /// How far it can be rolled back.
    undo: Option<String>,
    pub(super) findings: usize,
    /// Why the text is not shown.
    unread: Option<String>,
    standing: Vec<Finding<'a>>,
    /// What Prisma's own draft does in place of the renames.
    drafted: Vec<change::Line>,
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    spans: Vec<Span<'a>>,
    findings: Vec<Finding<'a>>,
}

/// A finding as the journal keeps it.
#[derive(Clone, Serialize)]
struct Finding<'a> {
    severity: &'a str,
    rule: &'a str,
    object: &'a str,
    message: &'a str,
    help: Vec<&'a str>,
    evidence: Vec<&'a Value>,
    accepted: Option<&'a str>,
}

impl Deployment<'_> {
    pub(super) fn planned<'a>(&'a self, name: &'a str, checksum: &str, reviewed: Option<&'a Value>) -> Planned<'a> {
        let found: Vec<&Value> = reviewed.map(|reviewed| list(&reviewed["findings"]).collect()).unwrap_or_default();
        let file = self.migrations.iter().find(|migration| migration.name == name);
        let unread = match file {
            None => Some("its file is not in the migrations folder any more".to_owned()),
            Some(file) if file.checksum() != checksum => Some("its file was changed after this deployment".to_owned()),
            Some(_) => None,
        };
        let mut lines: Vec<Line<'a>> = Vec::new();
        if let (None, Some(file)) = (&unread, file) {
            lines = highlight::lines(file.script())
                .into_iter()
                .enumerate()
                .map(|(at, spans)| Line { number: at + 1, spans, findings: Vec::new() })
                .collect();
        }
        let mut standing = Vec::new();
        for value in &found {
            let end = value["endLine"].as_u64().and_then(|line| usize::try_from(line).ok());
            let place = end.and_then(|end| end.min(lines.len()).checked_sub(1));
            match place {
                Some(place) => lines[place].findings.push(finding(value)),
                None => standing.push(finding(value)),
            }
        }
        let drafted = file.filter(|_| unread.is_none()).map(|file| self.drafted(file)).unwrap_or_default();
        let became = self.became(name);
        let brief = match (reviewed.is_some(), found.len()) {
            (false, _) => "the review is not in the journal".to_owned(),
            (true, 0) => "no findings".to_owned(),
            (true, number) => counted(number as u64, "finding"),
        };
        let undo = reviewed.and_then(|reviewed| undo(&reviewed["undo"]));
        let checksum = checksum.get(..12).unwrap_or(checksum).to_owned();
        Planned { name, checksum, became, brief, undo, findings: found.len(), unread, standing, drafted, lines }
    }

    /// The folder tells what the migration found, and so what its renames replace.
    fn drafted(&self, file: &Migration) -> Vec<change::Line> {
        // most migrations rename nothing, and the folder may be long
        if !file.sql.as_str().contains("-- prisma-safe:") {
            return Vec::new();
        }
        let before = Catalog::of("public", self.migrations.iter().take_while(|other| other.name != file.name));
        let mut after = before.clone();
        after.apply(file.script(), &file.name);
        change::removed(&rename::drafted(&before, &after, file.script()).join("\n"))
    }

    fn became(&self, name: &str) -> String {
        let applied = self.entries.iter().find_map(|entry| match &entry.event {
            Event::Applied { name: applied, milliseconds, tries } if applied == name => Some((*milliseconds, *tries)),
            _ => None,
        });
        match applied {
            Some((milliseconds, 0 | 1)) => format!("applied in {}", picture::time(milliseconds)),
            Some((milliseconds, tries)) => format!("applied in {}, at try {tries}", picture::time(milliseconds)),
            None if self.record.applying.as_deref() == Some(name) => "began, and did not end".into(),
            None => "not applied".into(),
        }
    }
}

/// A grade in words, as the journal keeps it.
fn undo(value: &Value) -> Option<String> {
    let grade =
        [Grade::Reversible, Grade::Kept, Grade::Backup].into_iter().find(|grade| json!(grade) == value["grade"])?;
    let why = list(&value["why"]).filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    Some(Graded { grade, why }.said())
}

fn finding(value: &Value) -> Finding<'_> {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let accepted = value["accepted"]["reason"].as_str();
    Finding {
        severity: if accepted.is_some() { "accepted" } else { text("severity") },
        rule: text("rule"),
        object: text("object"),
        message: text("message"),
        help: text("help").lines().collect(),
        evidence: list(&value["evidence"]).collect(),
        accepted,
    }
}
