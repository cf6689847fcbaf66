//! What changes its meaning by the schema alone. Links of self-relations: Prisma takes column A of their join tables for the field that
//! comes first in the alphabet, so a field's name can turn them round. Names: fields, models and values that exchange their `@map`
//! names read each other's values. The schema that the release before reads them by is compared with the present one.

use std::cell::OnceCell;

use super::{Review, Reviewed, Verdict, acceptances};
use crate::catalog::ObjectName;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::rename::crossed::{Crossed, crossed, suspected};
use crate::rename::schema::{self, Model, Schema};
use crate::rename::sides::{self, Turned};
use crate::rules::{Finding, Settings, Unchecked, exchanged_columns, many_to_many_swap as rule};
use crate::tools::git;

/// What was found.
#[derive(Debug, Default)]
pub struct Links {
    /// Findings, each with the migration that has to deal with it: the last pending one, or the schema itself.
    pub findings: Vec<Reviewed>,
    pub unchecked: Vec<Unchecked>,
}

/// What a review of `chosen`, which stand in a folder's `migrations`, has to say: something where the newest are among them, or
/// nothing is pending. `applied` says what a target has, where one was asked.
pub fn reviewed(
    settings: &Settings,
    default_schema: &str,
    migrations: &[Migration],
    chosen: &[Migration],
    applied: Option<&dyn Fn(&Migration) -> bool>,
) -> Links {
    let is_chosen = |migration: &Migration| chosen.iter().any(|each| each.name == migration.name);
    let last = migrations.last();
    if !chosen.is_empty() && !last.is_some_and(is_chosen) {
        return Links::default();
    }
    let whole = migrations.iter().all(is_chosen);
    let pending = |migration: &&Migration| match applied {
        Some(applied) => !applied(migration),
        // of a whole folder, the newest is what has changed
        None if whole => last.is_some_and(|last| last.name == migration.name),
        None => is_chosen(migration),
    };
    let (pending, earlier): (Vec<_>, Vec<_>) = migrations.iter().partition(pending);
    let [pending, earlier] = [pending, earlier].map(|all| all.into_iter().cloned().collect::<Vec<_>>());
    look(settings, default_schema, &earlier, &pending)
}

/// Whether the links keep their meaning although nothing is pending.
///
/// # Errors
/// Exit status 3 where they turn.
pub fn demand_kept(settings: &Settings, default_schema: &str, migrations: &[Migration]) -> Result<()> {
    let links = look(settings, default_schema, migrations, &[]);
    let Some(finding) = links.findings.iter().flat_map(|each| &each.findings).next() else { return Ok(()) };
    Err(Error::refused(format!("nothing is pending, but {}", finding.message)).help(finding.help.clone()))
}

impl Links {
    /// What was not checked; what is not known is never a pass.
    pub fn tell(self, review: &mut Review) {
        if !self.unchecked.is_empty() {
            review.verdict = review.verdict.max(Verdict::Warn);
            review.unchecked.extend(self.unchecked);
        }
    }
}

/// Looks at what `earlier` migrations have left, behind the `pending` ones.
fn look(settings: &Settings, default_schema: &str, earlier: &[Migration], pending: &[Migration]) -> Links {
    let now = Schema::of_files(&settings.schema_files);
    if now.models.is_empty() {
        return Links::default();
    }
    let read = OnceCell::new();
    let was = || read.get_or_init(|| before(settings, earlier)).clone();
    let place = || {
        pending.last().cloned().unwrap_or_else(|| {
            let path = settings.schema_files.first().cloned().unwrap_or_default();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Migration { name, path, sql: "".into() }
        })
    };
    let mut found = Links::default();
    if settings.levels.on(&rule::RULE) {
        let links = sides::standing(default_schema, (earlier, pending), &was, &now);
        let finding =
            |turned: &Turned| Reviewed::standing(place(), rule::turned(&label(default_schema, &turned.table), turned));
        found.findings.extend(links.turned.iter().map(finding));
        found.unchecked.extend(links.unchecked.iter().map(|table| Unchecked {
            what: format!("whether the links in {} still mean the same", table.name),
            why: "neither git nor a deployed schema (`--deployed`) knows its relation from before".into(),
        }));
    }
    if settings.levels.on(&exchanged_columns::RULE) && maps(&now) {
        let (was, applied) = (was(), settings.deployed.is_some());
        let crossed = exchanged(default_schema, (earlier, pending), applied, &was, &now);
        found.findings.extend(crossed.into_iter().map(|Exchange { finding, .. }| {
            let accepting = pending.iter().find(|own| accepts(own, default_schema, &finding));
            Reviewed::standing(accepting.cloned().unwrap_or_else(place), finding)
        }));
    }
    found
}

/// Fields, models or values that read each other's things.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub finding: Finding,
    /// How the database can follow, in words.
    pub following: &'static str,
    /// The renames that do it, as `--rename` takes them; none where names were changed as well.
    pub renames: Vec<String>,
}

/// What a draft leaves exchanged.
pub fn of_draft(
    default_schema: &str,
    earlier: &[Migration],
    draft: &Migration,
    (was, now): (&Schema, &Schema),
) -> Vec<Exchange> {
    exchanged(default_schema, (earlier, std::slice::from_ref(draft)), false, was, now)
}

/// Fields that read each other's columns behind the `pending` migrations. `applied` says that `was` has seen what the `earlier` ones did.
fn exchanged(
    default_schema: &str,
    (earlier, pending): (&[Migration], &[Migration]),
    applied: bool,
    was: &Schema,
    now: &Schema,
) -> Vec<Exchange> {
    if !suspected(was, now) {
        return Vec::new();
    }
    // git has seen what is committed
    let new = |own: &&Migration| !applied && git::committed(&own.path).is_none_or(|text| text != own.sql.as_str());
    let new: Vec<&Migration> = earlier.iter().filter(new).collect();
    let since: Vec<&Migration> = new.iter().copied().chain(pending).collect();
    let found = crossed(default_schema, &since, was, now);
    let exchange = |own: &Crossed| {
        let label = label(default_schema, &own.object);
        Exchange {
            finding: exchanged_columns::finding(&label, own),
            following: exchanged_columns::following(own.what),
            renames: exchanged_columns::renames(&label, own),
        }
    };
    let accepted = |own: &Exchange| new.iter().any(|migration| accepts(migration, default_schema, &own.finding));
    found.iter().map(exchange).filter(|own| !accepted(own)).collect()
}

/// Whether a line of the migration accepts a finding about the schema.
fn accepts(migration: &Migration, default_schema: &str, finding: &Finding) -> bool {
    let mut finding = [finding.clone()];
    acceptances::of_standing(migration.sql.as_str(), default_schema, &mut finding);
    finding[0].accepted.is_some()
}

/// Whether any field, model or value has another name than what it stands for: without `@map` none can read another's.
fn maps(schema: &Schema) -> bool {
    let fields =
        |model: &Model| model.table != model.name || model.fields.iter().any(|field| field.column != field.name);
    schema.models.iter().any(fields)
        || schema.enums.iter().flat_map(|own| &own.values).any(|(name, label)| name != label)
}

fn label(default_schema: &str, own: &ObjectName) -> String {
    if own.schema == default_schema { own.name.clone() } else { format!("{}.{}", own.schema, own.name) }
}

/// The schema that the rows were read by: of the release that runs, where it is known; else that of before.
fn before(settings: &Settings, earlier: &[Migration]) -> Schema {
    match &settings.deployed {
        Some(deployed) => deployed.schema.clone(),
        None => Schema::read(&schema::before(&settings.schema_files, earlier)),
    }
}
