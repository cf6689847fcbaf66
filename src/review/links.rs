//! Links of self-relations: Prisma takes column A of their join tables for the field that comes first in the alphabet, so the schema
//! alone can turn them round. The schema that the release before reads them by is compared with the present one.

use super::{Review, Reviewed, Verdict};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::rename::schema::{self, Schema};
use crate::rename::sides::{self, Turned};
use crate::rules::{Settings, Unchecked, many_to_many_swap as rule};

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

/// Looks at the join tables that `earlier` migrations have left, behind the `pending` ones.
fn look(settings: &Settings, default_schema: &str, earlier: &[Migration], pending: &[Migration]) -> Links {
    let now = Schema::of_files(&settings.schema_files);
    if !settings.levels.on(&rule::RULE) || now.models.is_empty() {
        return Links::default();
    }
    let was = || before(settings, earlier);
    let links = sides::standing(default_schema, (earlier, pending), &was, &now);
    let place = || {
        pending.last().cloned().unwrap_or_else(|| {
            let path = settings.schema_files.first().cloned().unwrap_or_default();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Migration { name, path, sql: "".into() }
        })
    };
    let finding = |turned: &Turned| {
        let own = &turned.table;
        let label =
            if own.schema == default_schema { own.name.clone() } else { format!("{}.{}", own.schema, own.name) };
        Reviewed::standing(place(), rule::turned(&label, turned))
    };
    Links {
        findings: links.turned.iter().map(finding).collect(),
        unchecked: links
            .unchecked
            .iter()
            .map(|table| Unchecked {
                what: format!("whether the links in {} still mean the same", table.name),
                why: "neither git nor a deployed schema (`--deployed`) knows its relation from before".into(),
            })
            .collect(),
    }
}

/// The schema that the rows were read by: of the release that runs, where it is known; else that of before.
fn before(settings: &Settings, earlier: &[Migration]) -> Schema {
    match &settings.deployed {
        Some(deployed) => deployed.schema.clone(),
        None => Schema::read(&schema::before(&settings.schema_files, earlier)),
    }
}
