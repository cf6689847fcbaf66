//! The reverse of a migration, statement by statement from the last to the first, worked out from the catalog just before
//! and just after each. No database and no engine is asked, and what Prisma's differ does not see is reversed too.

mod back;
mod columns;
mod composite;
mod conditional;
mod made;
mod renamed;
#[cfg(test)]
mod tests;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use self::made::Made;
use self::words::{beginning, cascades, is_defined, is_setting, is_unread, speechless};
use super::losses;
use crate::catalog::{Catalog, Constraint, ObjectName};
use crate::effects::{self, Effect, What, Which, conversion};
use crate::sql::code::{self, hides_writing};
use crate::sql::tokens::{after, calls, name, tokens};
use crate::sql::{ActionKind, ConstraintKind, Script, Statement, StatementKind};

/// The reverse of one statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// Which statement of the migration, from 1; 0 for what is left once all of them are undone.
    pub number: usize,
    /// The statement's beginning, on one line.
    pub of: String,
    /// What makes room: names, columns and tables as before, without what values may violate.
    pub room: Vec<String>,
    /// Whether values come back between [`Step::room`] and [`Step::rules`].
    pub values: bool,
    /// What values must obey again: keys, `NOT NULL`, checks, indexes.
    pub rules: Vec<String>,
    /// What only a rollback knows, by the definitions read before the deploy: `view v_songs`.
    pub defined: Vec<String>,
    /// What stays as it is, a sentence each.
    pub impossible: Vec<String>,
}

impl Step {
    /// Whether nothing is to be done or said.
    pub fn is_empty(&self) -> bool {
        self.room.is_empty()
            && self.rules.is_empty()
            && self.defined.is_empty()
            && self.impossible.is_empty()
            && !self.values
    }
}

const UNKNOWN_CALL: &str = "what this call did is not known";
const UNKNOWN_CODE: &str = "what this code did is not known";

/// Whether this stays only as far as no rehearsal has measured it.
pub fn is_code(impossible: &str) -> bool {
    [UNKNOWN_CALL, UNKNOWN_CODE].contains(&impossible)
}

/// A statement between the catalog before it and the one after it.
pub(super) struct Scene<'a> {
    pub statement: &'a Statement,
    pub text: &'a str,
    pub before: &'a Catalog,
    pub after: &'a Catalog,
    /// What the statements before it have made.
    made: &'a Made,
}

/// The steps that lead back, in the order they are taken. Statements that leave nothing to undo have none.
pub fn reverse(before: &Catalog, script: &Script) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut number, mut made) = (0, Made::default());
    before.walk_pairs(script, "", |statement, before, after| {
        number += 1;
        let text = script.text().get(statement.range.clone()).unwrap_or_default();
        let scene = Scene { statement, text, before, after, made: &made };
        let step = step(&scene);
        if !step.is_empty() {
            steps.push(Step { number, of: beginning(text), ..step });
        }
        made.follow(statement, before);
    });
    steps.reverse();
    // what a view reads is as it was once everything is back, what code took without saying so included
    steps.extend(refreshing("the materialized views that it refreshed", refreshes(before, script)));
    steps
}

/// The statements that compute anew what a migration has refreshed, once what it reads is as it was.
pub(super) fn refreshes(before: &Catalog, script: &Script) -> Vec<String> {
    let text = |statement: &Statement| script.text().get(statement.range.clone()).unwrap_or_default();
    script.statements().iter().filter_map(|statement| refreshed(before, statement, text(statement))).collect()
}

/// The step that refreshes these; none without any.
pub(super) fn refreshing(of: &str, views: Vec<String>) -> Option<Step> {
    (!views.is_empty()).then(|| Step { of: of.to_owned(), rules: views, ..Step::default() })
}

fn step(scene: &Scene<'_>) -> Step {
    if let Some(step) = conditional::step(scene).or_else(|| renamed::step(scene)) {
        return step;
    }
    let hints = Hints { enums: types(scene), zones: zones(scene), doubtful: conditional::columns(scene) };
    let mut step = back::step(scene.after, scene.before, &hints);
    step.values = !losses::of(scene).is_empty();
    step.defined = defined(scene);
    step.impossible.extend(stays(scene));
    step
}

/// A materialized view is computed anew once what it reads is as it was.
fn refreshed(before: &Catalog, statement: &Statement, text: &str) -> Option<String> {
    let StatementKind::Other { words } = &statement.kind else { return None };
    if !words.starts_with("REFRESH MATERIALIZED VIEW") {
        return None;
    }
    let tokens = tokens(text);
    let rest = after(&tokens, "view")?;
    let (view, _) = name(after(rest, "concurrently").unwrap_or(rest))?;
    let view = before.resolve(&view).quoted();
    // one that the migration drops later comes back with its rows
    Some(format!(
        "DO $$ BEGIN IF to_regclass('{}') IS NOT NULL THEN REFRESH MATERIALIZED VIEW {view}; END IF; END $$;",
        view.replace('\'', "''")
    ))
}

/// What two catalogs do not tell about the way between them.
struct Hints {
    /// Enums that lose values on it: they are made anew.
    enums: BTreeSet<ObjectName>,
    /// Times that the statement has read in a time zone.
    zones: BTreeMap<(ObjectName, String), String>,
    /// Columns that may have been there before the statement that adds them.
    doubtful: BTreeSet<(ObjectName, String)>,
}

/// Columns whose new value is `column AT TIME ZONE 'zone'`.
fn zones(scene: &Scene<'_>) -> BTreeMap<(ObjectName, String), String> {
    let StatementKind::AlterTable { table, actions, .. } = &scene.statement.kind else { return BTreeMap::new() };
    let table = scene.before.resolve(table);
    let zone = |kind: &ActionKind| match kind {
        ActionKind::SetType { column, using: Some(using), .. } => {
            Some(((table.clone(), column.clone()), conversion::zone(&using.text, column)?))
        }
        _ => None,
    };
    actions.iter().filter_map(|action| zone(&action.kind)).collect()
}

/// Enums whose values were added to: they are made anew.
fn types(scene: &Scene<'_>) -> BTreeSet<ObjectName> {
    let changed = |name: &&ObjectName| {
        let (before, after) = (scene.before.enums.get(*name), scene.after.enums.get(*name));
        before.is_some() && after.is_some() && before != after
    };
    scene.before.enums.keys().filter(changed).cloned().collect()
}

/// What the catalog does not know, but the definitions of the database do.
fn defined(scene: &Scene<'_>) -> Vec<String> {
    match &scene.statement.kind {
        StatementKind::CreateView { name, or_replace: true, .. } => vec![format!("view {name}")],
        StatementKind::DropView { names, materialized, .. } => {
            let kind = if *materialized { "materialized view" } else { "view" };
            names.iter().map(|name| format!("{kind} {name}")).collect()
        }
        StatementKind::CreateFunction { name } => vec![format!("function {name}")],
        StatementKind::CreateTrigger { name, .. } => vec![format!("trigger {name}")],
        StatementKind::AlterSequence { name, rename_to: None, set_schema: None, owned_by: None } => {
            vec![format!("sequence {name}")]
        }
        StatementKind::DropSequence { names, .. } => names.iter().map(|name| format!("sequence {name}")).collect(),
        StatementKind::AlterTable { table, actions, .. } => {
            let set = |kind: &ActionKind| match kind {
                ActionKind::Other { words } if is_setting(words) => Some(format!("`{words}` of {table}")),
                _ => None,
            };
            actions.iter().filter_map(|action| set(&action.kind)).collect()
        }
        StatementKind::Comment => vec!["a comment".to_owned()],
        StatementKind::CreateDomain { name, .. } => vec![format!("domain {name}")],
        StatementKind::CreateComposite { name, .. } => vec![format!("type {name}")],
        StatementKind::Other { words } if is_defined(words) => vec![format!("`{words}`")],
        _ => Vec::new(),
    }
}

/// What the catalog does not know, or what a reverse would not help.
fn stays(scene: &Scene<'_>) -> Vec<String> {
    let mut stays: Vec<String> = Vec::new();
    match &scene.statement.kind {
        StatementKind::Insert { table } if scene.keeps_rows_of(table) => {
            stays.push(format!("the rows inserted into {table} stay"));
        }
        StatementKind::Select
            if scene.before.runs(scene.statement, scene.text).is_some() || hides_writing(scene.text) =>
        {
            stays.push(UNKNOWN_CALL.to_owned());
        }
        StatementKind::Select if calls(scene.text).iter().any(|name| name == "setval") => {
            let set = effects(scene).into_iter().find_map(|effect| match effect.what {
                What::SequenceSet { name } => Some(format!("sequence {} is not set back", name.name)),
                _ => None,
            });
            stays.push(set.unwrap_or_else(|| "a sequence is not set back".to_owned()));
        }
        StatementKind::AlterSequence { name, .. } if tokens(scene.text).iter().any(|token| token.is("restart")) => {
            stays.push(format!("sequence {name} is not set back"));
        }
        StatementKind::Update { table, columns, .. } => {
            let key = key_of(scene.before, &scene.before.resolve(table));
            // values are put back by the key
            if columns.iter().any(|column| key.contains(column)) {
                let with = following(scene);
                let with = if with.is_empty() { String::new() } else { format!(", also {}", with.join(", ")) };
                stays.push(format!("the keys that are changed in {table} stay, and rows with them as they are{with}"));
            }
        }
        StatementKind::AlterTable { table, actions, .. } => {
            let words = actions.iter().filter_map(|action| match &action.kind {
                ActionKind::Other { words } if is_unread(words) => Some(words),
                _ => None,
            });
            stays.extend(words.map(|words| format!("`{words}` of {table} is not undone")));
        }
        StatementKind::CreateExtension { name } => stays.push(format!("extension {name} stays")),
        StatementKind::DropExtension { names, .. } => {
            stays.push(format!("extension {} is not made again", names.join(", ")));
        }
        StatementKind::Do { .. } => stays.push(UNKNOWN_CODE.to_owned()),
        StatementKind::Other { .. } if runs_code(scene) => {}
        StatementKind::Other { words } if words.starts_with("DROP DOMAIN") && cascades(scene.text) => {
            let unknown = |effect: Effect| matches!(effect.what, What::UnknownObject(_));
            if effects(scene).into_iter().any(unknown) {
                stays.push("columns of the domain that go along by CASCADE are not made again".to_owned());
            }
        }
        StatementKind::Other { words } if !speechless(words) && !is_defined(words) => {
            stays.push(format!("`{words}` is not undone"));
        }
        _ => {}
    }
    stays.extend(composite::stays(scene.after, scene.before));
    // what stands inside a WITH does what it does elsewhere
    for code::Inner { range, kind } in code::inner(scene.text) {
        let statement = Statement { range: range.clone(), kind, calls: Vec::new() };
        stays.extend(self::stays(&Scene { statement: &statement, text: &scene.text[range], ..*scene }));
    }
    if runs_code(scene) && !stays.iter().any(|what| is_code(what)) {
        stays.push(UNKNOWN_CODE.to_owned());
    }
    let opaque = scene.after.opaque.len() > scene.before.opaque.len();
    if opaque && stays.is_empty() && defined(scene).is_empty() {
        stays.push("not everything this statement did is known".to_owned());
    }
    stays
}

/// Whether a statement may do anything, to whatever object.
fn runs_code(scene: &Scene<'_>) -> bool {
    effects(scene).iter().any(|effect| effect.what.is_code())
}

fn effects(scene: &Scene<'_>) -> Vec<Effect> {
    let Scene { statement, text, before, after, .. } = *scene;
    effects::of(&effects::Scene { statement, text, before, end: after })
}

fn key_of<'a>(catalog: &'a Catalog, table: &ObjectName) -> &'a [String] {
    let constraints = catalog.tables.get(table).into_iter().flat_map(|table| table.constraints.values());
    let key = |constraint: &'a Constraint| match &constraint.kind {
        ConstraintKind::PrimaryKey { columns, .. } => Some(columns.as_slice()),
        _ => None,
    };
    constraints.into_iter().find_map(key).unwrap_or_default()
}

/// Columns that follow changed keys by `ON UPDATE`.
fn following(scene: &Scene<'_>) -> Vec<String> {
    let of = |effect: Effect| match effect.what {
        What::ValuesOverwritten { table, which: Which::Following { .. }, columns } => {
            columns.into_iter().map(|column| format!("{}.{column}", table.name)).collect()
        }
        _ => Vec::new(),
    };
    effects(scene).into_iter().flat_map(of).collect()
}
