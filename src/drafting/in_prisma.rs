//! Renamed in Prisma only: schema.prisma keeps the old names for the database (`@map`, `@@map`), then Prisma drafts anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::atomic;
use crate::catalog::{Catalog, ObjectName};
use crate::error::{Error, Explain as _, Result};
use crate::rename::schema::Schema;
use crate::rename::schema::edit::{self, Spot};
use crate::rename::{Answer, Candidate, Decision, Decisions, Rename, directive};
use crate::ui::{Shell, diff};

/// What is edited, and what the next draft has to know.
#[derive(Debug)]
pub struct InPrisma {
    files: Vec<Edited>,
    /// The comments that keep the decisions in a migration.
    lines: Vec<String>,
    /// What was decided.
    pub candidates: Vec<Candidate>,
    /// Everything a person has answered.
    pub answers: Vec<(Rename, Answer)>,
}

/// A file of the schema, before and after.
#[derive(Debug)]
struct Edited {
    path: PathBuf,
    old: String,
    new: String,
}

impl InPrisma {
    /// What the decisions ask for; none where nothing is renamed in Prisma only. Nothing is written.
    ///
    /// # Errors
    /// Exit status 2 if a decision is about something that no file of the schema declares.
    pub fn plan(decisions: &Decisions, before: &Catalog, schema_files: &[PathBuf]) -> Result<Option<Self>> {
        let candidates: Vec<Candidate> =
            decisions.candidates.iter().filter(|candidate| candidate.decision == Decision::Map).cloned().collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let read = |path: &PathBuf| -> Result<Edited> {
            let old = std::fs::read_to_string(path).explain(|| format!("could not read {}", path.display()))?;
            Ok(Edited { path: path.clone(), new: old.clone(), old })
        };
        let mut files: Vec<Edited> = schema_files.iter().map(read).collect::<Result<_>>()?;
        let schema = Schema::read(&files.iter().map(|file| file.old.clone()).collect::<Vec<_>>());
        let names = Names::of(decisions);
        let mut lines = Vec::new();
        for candidate in &candidates {
            let (spot, kept) = names.spot(&schema, &candidate.rename).ok_or_else(|| undeclared(candidate))?;
            let edited = files.iter_mut().find_map(|file| {
                let new = edit::mapped(&file.new, &spot, kept)?;
                Some((file, new))
            });
            let (file, new) = edited.ok_or_else(|| undeclared(candidate))?;
            file.new = new;
            lines.push(directive::render_map(before, &candidate.rename, spot.name()));
        }
        files.retain(|file| file.old != file.new);
        Ok(Some(Self { files, lines, candidates, answers: decisions.answers.clone() }))
    }

    /// Writes the files of the schema, each as a whole or not at all, and shows what changes.
    ///
    /// # Errors
    /// If one cannot be written; the others are as before then.
    pub fn write(&self, shell: &Shell) -> Result<()> {
        for file in &self.files {
            let written = atomic::write(&file.path, &file.new);
            if written.is_err() {
                self.take_back();
            }
            written.explain(|| format!("could not write {}", file.path.display()))?;
            let name = file.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            shell.block(&diff::unified(shell, &name, Some(&file.old), &file.new));
        }
        Ok(())
    }

    /// The files as they were, except those that were changed since.
    pub fn take_back(&self) {
        for file in &self.files {
            if std::fs::read_to_string(&file.path).is_ok_and(|text| text == file.new) {
                // it was written a moment ago; and an error is on its way to the person already
                let _ = atomic::write(&file.path, &file.old);
            }
        }
    }

    /// A migration's text with the decisions in it, after Prisma's header.
    pub fn record(&self, text: &str) -> String {
        record(text, &self.lines)
    }
}

/// A migration's text with lines of comments in it, after Prisma's header.
pub(super) fn record(text: &str, lines: &[String]) -> String {
    let script = crate::sql::Script::parse(text);
    let header = script.warnings_header().map_or(0, |range| range.end);
    let at =
        text.get(header..).and_then(|rest| rest.find('\n')).filter(|_| header > 0).map_or(0, |end| header + end + 1);
    let (head, rest) = text.split_at_checked(at).unwrap_or(("", text));
    format!("{head}{}\n{rest}", lines.join("\n"))
}

fn undeclared(candidate: &Candidate) -> Error {
    let parent = candidate.parent.as_ref().map(|parent| format!("{parent}.")).unwrap_or_default();
    let (from, to) = (&candidate.from, &candidate.to);
    Error::usage(format!("{parent}{from} cannot be renamed in Prisma only: no file of the schema declares {to}"))
        .help("rename it in the database with --rename")
}

/// What tables and enums are called after the migration.
struct Names {
    tables: BTreeMap<ObjectName, ObjectName>,
    enums: BTreeMap<ObjectName, ObjectName>,
}

impl Names {
    fn of(decisions: &Decisions) -> Self {
        let mut names = Self { tables: BTreeMap::new(), enums: BTreeMap::new() };
        for rename in decisions.renames().chain(decisions.maps()) {
            match rename.clone() {
                Rename::Table { from, to, .. } => drop(names.tables.insert(from, to)),
                Rename::Enum { from, to } => drop(names.enums.insert(from, to)),
                Rename::Column { .. } | Rename::EnumValue { .. } => {}
            }
        }
        names
    }

    /// What declares the renamed object, and the name that the database keeps.
    fn spot<'a>(&self, schema: &Schema, rename: &'a Rename) -> Option<(Spot, &'a str)> {
        let declared = |name: &ObjectName| schema.enums.iter().find(|of| of.database == name.name);
        match rename {
            Rename::Table { from, to, .. } => {
                let model = schema.model_of_table(&to.schema, &to.name)?;
                Some((Spot::Model(model.name.clone()), &from.name))
            }
            Rename::Column { table, from, to } => {
                let now = self.tables.get(table).unwrap_or(table);
                let model = schema.model_of_table(&now.schema, &now.name)?;
                let field = model.field_of_column(to)?;
                Some((Spot::Field { model: model.name.clone(), field: field.name.clone() }, from))
            }
            Rename::Enum { from, to } => Some((Spot::Enum(declared(to)?.name.clone()), &from.name)),
            Rename::EnumValue { of, from, to } => {
                let declared = declared(self.enums.get(of).unwrap_or(of))?;
                let (value, _) = declared.values.iter().find(|(_, database)| database == to)?;
                Some((Spot::Value { of: declared.name.clone(), value: value.clone() }, from))
            }
        }
    }
}
