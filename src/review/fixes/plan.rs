//! Applying fixes: the migrations as they would stand, in Prisma's order, with the proof that they build the same catalog.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::DateTime;

use super::wrap::{self, Timeouts};
use crate::catalog::{Catalog, Index};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::review::Review;
use crate::rules::{Fix, Following, ModelIndex, Stage};
use crate::sql::{edit, in_utf8};

/// The time at the beginning of a migration's name.
const STAMP: &str = "%Y%m%d%H%M%S";

/// What would stand after the fixes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Edited migrations, with their new text.
    pub edited: Vec<Migration>,
    /// New migrations.
    pub added: Vec<Migration>,
    /// Indexes that schema.prisma must declare.
    pub indexes: Vec<ModelIndex>,
    /// What was done, a line each: `blocking-index(Song_title_idx): build it CONCURRENTLY`.
    pub done: Vec<String>,
    /// What was not, with the reason.
    pub left: Vec<String>,
}

impl Plan {
    /// Applies the fixes of a review to the migrations named in it; `all` is the whole folder. `wrap` also puts each one in
    /// a transaction with timeouts, for deploys by plain Prisma.
    ///
    /// # Errors
    /// Exit status 1 if the result does not build the same catalog: nothing is to be written then.
    pub fn new(review: &Review, all: &[Migration], default_schema: &str, wrap: Option<Timeouts>) -> Result<Self> {
        let mut plan = Self::default();
        let read = |migration: &Migration| {
            let sql = in_utf8(&migration.sql).map_or_else(|| migration.sql.clone(), Into::into);
            Migration { sql, ..migration.clone() }
        };
        let end = Catalog::of(default_schema, &all.iter().map(read).collect::<Vec<_>>());
        for reviewed in &review.migrations {
            let Some(at) = all.iter().position(|migration| migration.name == reviewed.name) else { continue };
            let mut work =
                Work { migration: &all[at], next: all.get(at + 1), edits: Vec::new(), following: Vec::new() };
            for finding in &reviewed.findings {
                // a later migration may build the index already
                let Some(fix) = finding.fix.as_ref().filter(|fix| !fix.index.as_ref().is_some_and(|it| has(&end, it)))
                else {
                    continue;
                };
                let name = format!("{}({})", finding.rule, finding.object);
                match work.take(fix) {
                    Ok(()) => {
                        plan.done.push(format!("{name}: {}", fix.title));
                        plan.indexes.extend(fix.index.clone());
                    }
                    Err(why) => plan.left.push(format!("{name}: {why}")),
                }
            }
            work.finish(&mut plan, wrap)?;
        }
        plan.prove(all, end, default_schema)?;
        Ok(plan)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edited.is_empty() && self.added.is_empty()
    }

    /// The whole folder as it would stand, in Prisma's order.
    pub fn folder(&self, all: &[Migration]) -> Vec<Migration> {
        let edited = |migration: &Migration| self.edited.iter().find(|edited| edited.name == migration.name);
        let mut folder: Vec<Migration> =
            all.iter().map(|each| edited(each).unwrap_or(each)).chain(&self.added).cloned().collect();
        folder.sort_by(|left, right| left.name.cmp(&right.name));
        folder
    }

    /// Both folders, replayed, end in the same catalog; but for the indexes that are added.
    fn prove(&self, all: &[Migration], mut expected: Catalog, default_schema: &str) -> Result<()> {
        let reached = Catalog::of(default_schema, &self.folder(all));
        for index in &self.indexes {
            let table = expected.resolve(&index.table);
            let (Some(wanted), Some(built)) = (expected.tables.get_mut(&table), reached.tables.get(&table)) else {
                continue;
            };
            let new = built.indexes.iter().filter(|(_, built)| covers(built, &index.columns));
            wanted.indexes.extend(new.map(|(name, index)| (name.clone(), index.clone())));
        }
        // where a statement stands that could not be followed does not matter, only that it is there
        let known: Vec<&String> = expected.opaque.iter().map(|opaque| &opaque.words).collect();
        let unread = reached.opaque.iter().find(|opaque| !known.contains(&&opaque.words)).map(|it| it.words.clone());
        expected.opaque.clone_from(&reached.opaque);
        let mut differences = expected.differences(&reached);
        differences.extend(unread.map(|words| format!("could not be followed: {words}")));
        if differences.is_empty() {
            return Ok(());
        }
        Err(Error::failed("the fixed migrations do not build the same schema, so nothing was written")
            .because(differences.join("\n"))
            .help("this is a fault of prisma-safe: please report it with the migration; make the change by hand until it is fixed"))
    }
}

/// Whether the index is over exactly these columns.
fn covers(index: &Index, columns: &[String]) -> bool {
    index.keys.iter().map(|key| key.column.as_deref()).eq(columns.iter().map(|column| Some(column.as_str())))
}

fn has(catalog: &Catalog, index: &ModelIndex) -> bool {
    let table = catalog.tables.get(&catalog.resolve(&index.table));
    table.is_some_and(|table| table.indexes.values().any(|built| covers(built, &index.columns)))
}

/// One migration under repair.
struct Work<'a> {
    migration: &'a Migration,
    next: Option<&'a Migration>,
    edits: Vec<edit::Edit>,
    following: Vec<Following>,
}

impl Work<'_> {
    /// Takes a fix whole, or not at all.
    fn take(&mut self, fix: &Fix) -> std::result::Result<(), &'static str> {
        let mut edits = self.edits.clone();
        edits.extend(fix.edits.iter().filter(|edit| !self.edits.contains(edit)).cloned());
        if edit::apply(&self.migration.sql, &edits).is_err() {
            return Err("touches what another fix changes: run `review --fix` again");
        }
        self.edits = edits;
        let new: Vec<Following> = fix.following.iter().filter(|it| !self.following.contains(it)).cloned().collect();
        self.following.extend(new);
        Ok(())
    }

    fn finish(self, plan: &mut Plan, timeouts: Option<Timeouts>) -> Result<()> {
        let explain = |error: edit::Overlap| Error::failed("a fix does not fit its migration").because(error);
        let text = edit::apply(&self.migration.sql, &self.edits).map_err(explain)?;
        let wrapped = |plan: &mut Plan, name: &str, text: String| match timeouts.and_then(|it| wrap::wrapped(&text, it))
        {
            Some(wrapped) => {
                plan.done.push(format!("{name}: wrap it in a transaction with timeouts"));
                wrapped
            }
            None => text,
        };
        let text = wrapped(plan, &self.migration.name, text);
        if text != self.migration.sql {
            plan.edited.push(Migration { sql: text.into(), ..self.migration.clone() });
        }
        let parts = self.parts();
        for (name, (comment, sql)) in
            self.names(&parts)?.into_iter().zip(parts.into_iter().map(|part| (part.comment, part.sql)))
        {
            let text = format!("-- {comment}\n{sql}\n");
            let text = wrapped(plan, &name, text);
            let folder = self.migration.path.parent().and_then(std::path::Path::parent);
            let path = folder.unwrap_or(std::path::Path::new("")).join(&name).join("migration.sql");
            plan.added.push(Migration { name, path, sql: text.into() });
        }
        Ok(())
    }

    /// The following migrations: what must run alone, each by itself, then what may share one.
    fn parts(&self) -> Vec<Part> {
        let mut stages: BTreeMap<Stage, Vec<&Following>> = BTreeMap::new();
        for following in &self.following {
            stages.entry(following.stage).or_default().push(following);
        }
        let rest = self.migration.name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
        let mut parts = Vec::new();
        for (stage, members) in stages {
            if stage.shared() {
                let sql = members.iter().map(|it| it.sql.as_str()).collect::<Vec<_>>().join("\n");
                let subject = if rest.is_empty() { members[0].object.clone() } else { rest.to_owned() };
                parts.push(Part::new(stage, &subject, sql, &self.migration.name));
            } else {
                parts.extend(
                    members.iter().map(|it| Part::new(stage, &it.object, it.sql.clone(), &self.migration.name)),
                );
            }
        }
        parts
    }

    /// Names behind this migration and before the next: a second later each, where there is room.
    fn names(&self, parts: &[Part]) -> Result<Vec<String>> {
        let name = &self.migration.name;
        let timed = |at: usize, part: &Part| {
            let stamp = DateTime::strptime(STAMP, name.get(..14)?).ok()?;
            let later = stamp.checked_add(i64::try_from(at + 1).ok()?.seconds()).ok()?;
            Some(format!("{}_{}", later.strftime(STAMP), part.name))
        };
        let fits =
            |names: &[String]| names.iter().all(|new| new > name && self.next.is_none_or(|next| *new < next.name));
        let by_time: Option<Vec<String>> = parts.iter().enumerate().map(|(at, part)| timed(at, part)).collect();
        if let Some(names) = by_time.filter(|names| fits(names)) {
            return Ok(names);
        }
        let by_name: Vec<String> =
            parts.iter().enumerate().map(|(at, part)| format!("{name}_{}_{}", at + 1, part.name)).collect();
        if fits(&by_name) && parts.len() < 10 {
            return Ok(by_name);
        }
        Err(Error::failed(format!("no name is left for a migration between {name} and the next one"))
            .help("give the next migration a later time in its name, and run `review --fix` again"))
    }
}

/// A following migration, before it has its place.
struct Part {
    name: String,
    comment: String,
    sql: String,
}

impl Part {
    fn new(stage: Stage, subject: &str, sql: String, after: &str) -> Self {
        let (verb, why) = match stage {
            Stage::Alone => ("build", "runs outside a transaction, so it stands alone"),
            Stage::Constraint => ("constrain", "takes over the index that stands now"),
            Stage::Validate => ("validate", "reads the rows while everybody goes on"),
            Stage::Require => ("require", "believes the validated check and reads nothing"),
        };
        let verb = if sql.starts_with("DROP") || sql.starts_with("drop") { "drop" } else { verb };
        let subject: String =
            subject.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(60).collect();
        Self { name: format!("{verb}_{subject}"), comment: format!("After {after}: {why}."), sql }
    }
}
