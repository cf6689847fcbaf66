//! What migrations are reviewed against: their folder, and what the target was read to hold; or a catalog file in its place.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use postgres::Client;

use super::history::standing;
use super::links;
use super::probes::Probes;
use super::recorded::{Recorded, age};
use super::rest::rest;
use super::{Request, Review, Source, Verdict, review};
use crate::catalog::Catalog;
use crate::catalog::live::{CatalogFile, Live as Definitions, Without};
use crate::database::History;
use crate::database::history::State;
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::rules::{Live, Settings, Unchecked};
use crate::ui::Shell;

/// The longest a question to the target may take.
pub(super) const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What a target was read to hold.
#[derive(Debug, Clone, Copy)]
pub struct Holds<'a> {
    pub history: Option<&'a History>,
    /// None where they could not be read in time.
    pub definitions: Option<&'a Definitions>,
}

/// The review of what a deploy is about to apply to a database, which is named by its identity and the schema that unqualified
/// names mean there.
///
/// # Errors
/// If it cannot be asked.
pub fn planned(
    (identity, schema): (&str, &str),
    folder: &Folder<'_>,
    pending: &[Migration],
    holds: Holds<'_>,
    client: &mut Client,
    settings: &Settings,
    sample_keys: usize,
) -> Result<Review> {
    let probes = Probes::new(client, PROBE_TIMEOUT, sample_keys)?;
    let definitions = holds.definitions;
    let ground = Ground { settings, schema, live: Some(&probes), definitions, identity: Some(identity) };
    Ok(ground.review(folder, pending, holds.history))
}

/// The migrations folder as Prisma read it.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    pub migrations: &'a [Migration],
    pub directory: &'a Path,
}

/// What a review rests on beside the migrations: the target, where it was asked.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub settings: &'a Settings,
    /// The schema that unqualified names mean.
    pub schema: &'a str,
    /// The target, where it can be asked.
    pub live: Option<&'a dyn Live>,
    /// What the target holds.
    pub definitions: Option<&'a Definitions>,
    /// As [`Request::identity`].
    pub identity: Option<&'a str>,
}

impl<'a> Ground<'a> {
    /// Where no target was asked.
    pub fn offline(settings: &'a Settings, schema: &'a str) -> Self {
        Self { settings, schema, live: None, definitions: None, identity: None }
    }

    /// Reviews `chosen` on top of what comes before them in the folder, and of what the target holds.
    pub fn review(&self, folder: &Folder<'_>, chosen: &[Migration], history: Option<&History>) -> Review {
        let reviewed = |migration: &&Migration| chosen.iter().any(|each| each.name == migration.name);
        let applied = |migration: &&Migration| {
            history.is_some_and(|history| history.state(&migration.name) == Some(State::Applied))
        };
        // what the target holds now says nothing about a migration that has run there
        let has_run = chosen.iter().any(|each| applied(&each));
        let live = self.live.filter(|_| !has_run);
        let world =
            self.definitions.map(|definitions| world(self.schema, definitions, folder.migrations, applied, has_run));
        let in_world = |migration: &&Migration| world.is_some() && !has_run && applied(migration);
        // what follows the first one that is reviewed does not come before it, unless it is in the target already
        let earlier: Vec<Migration> = match self.identity {
            Some(_) => folder.migrations.iter().filter(|each| applied(each) && !reviewed(each)).cloned().collect(),
            None => folder.migrations.iter().take_while(|each| !reviewed(each)).cloned().collect(),
        };
        let earlier: Vec<Migration> = earlier.into_iter().filter(|each| !in_world(&each)).collect();
        let known = history.map(|history| history.compare(folder.migrations)).unwrap_or_default();
        // asked, and not told: what is there is not known then
        let untold = self.live.is_some() && self.definitions.is_none();
        let mut standing = standing(&known, folder.migrations, folder.directory);
        let is_applied = |migration: &Migration| applied(&migration);
        let is_applied = history.map(|_| &is_applied as &dyn Fn(&Migration) -> bool);
        let mut links = links::reviewed(self.settings, self.schema, folder.migrations, chosen, is_applied);
        standing.append(&mut links.findings);
        // of one that was cut short only the rest is judged
        let left = |migration: &Migration| match (history, &world) {
            (Some(history), Some(world)) => rest(migration, world, history),
            _ => migration.clone(),
        };
        let chosen: Vec<Migration> = chosen.iter().map(left).collect();
        let mut review = review(Request {
            migrations: &chosen,
            world,
            earlier: &earlier,
            default_schema: self.schema,
            live,
            identity: self.identity,
            settings: self.settings,
            standing,
        });
        links.tell(&mut review);
        // what has run is history: nothing of it can be put together any more
        if has_run {
            review.together.clear();
        }
        if untold {
            let why = "they could not be read in time".to_owned();
            review.unchecked.push(Unchecked { what: "the target's definitions".to_owned(), why });
            review.verdict = review.verdict.max(Verdict::Warn);
        }
        review
    }
}

/// What the target holds, and the migrations that have led there.
#[derive(Debug)]
pub struct Found {
    pub world: Catalog,
    pub applied: BTreeSet<String>,
}

/// What the target was read to hold, spelled as the migrations that have run there spell it.
pub fn found(schema: &str, definitions: &Definitions, history: Option<&History>, folder: &[Migration]) -> Found {
    let names = history.into_iter().flat_map(|history| history.rows.iter().map(move |row| (history, &row.name)));
    let applied = names.filter(|(history, name)| history.state(name) == Some(State::Applied));
    found_by(schema, definitions, applied.map(|(_, name)| name.clone()).collect(), folder)
}

/// The same as a catalog file tells it.
pub fn found_in(file: &CatalogFile, folder: &[Migration]) -> Found {
    found_by(&file.default_schema, &file.definitions(), file.applied_migrations.clone(), folder)
}

fn found_by(schema: &str, definitions: &Definitions, applied: BTreeSet<String>, folder: &[Migration]) -> Found {
    let world = world(schema, definitions, folder, |migration| applied.contains(&migration.name), false);
    Found { world, applied }
}

/// What the target holds; of a time before the last of `migrations`, where one that is reviewed has run there.
fn world(
    schema: &str,
    definitions: &Definitions,
    migrations: &[Migration],
    applied: impl FnMut(&&Migration) -> bool,
    has_run: bool,
) -> Catalog {
    match has_run {
        true => Catalog::strangers(schema, definitions, &Catalog::of(schema, migrations)),
        false => Catalog::of_target_after(schema, definitions, migrations.iter().filter(applied)),
    }
}

/// The review of `chosen`, which stand in `migrations`, with what a catalog file tells in the target's place. `name` is the
/// file's, as it was typed.
pub fn by_file(
    file: &CatalogFile,
    name: &str,
    migrations: &[Migration],
    chosen: &[Migration],
    settings: &Settings,
) -> Review {
    let now = Timestamp::now();
    let recorded = Recorded::new(file, name, now);
    let applied = |migration: &&Migration| file.applied_migrations.contains(&migration.name);
    let reviewed = |migration: &Migration| chosen.iter().any(|each| each.name == migration.name);
    // what the target holds now says nothing about a migration that has run there
    let has_run = chosen.iter().find(applied);
    let behind = migrations.iter().take_while(|each| !reviewed(each));
    let earlier: Vec<Migration> = behind.filter(|each| has_run.is_some() || !applied(each)).cloned().collect();
    let is_applied = |migration: &Migration| applied(&migration);
    let mut links = links::reviewed(settings, &file.default_schema, migrations, chosen, Some(&is_applied));
    let mut review = review(Request {
        migrations: chosen,
        world: Some(world(&file.default_schema, &file.definitions(), migrations, applied, has_run.is_some())),
        earlier: &earlier,
        default_schema: &file.default_schema,
        live: if has_run.is_none() { Some(&recorded) } else { None },
        identity: None,
        settings,
        standing: std::mem::take(&mut links.findings),
    });
    links.tell(&mut review);
    if has_run.is_some() {
        review.together.clear();
    }
    review.unchecked.extend(has_run.map(|migration| Unchecked {
        what: format!("the definitions in {name}, taken {}", age(file, now)),
        why: format!("{} was applied before it was taken: only the migration files were read", migration.name),
    }));
    review.target.catalog = Some(Source { file: name.to_owned(), taken_at: file.taken_at });
    review
}

/// Reads a target's definitions.
///
/// # Errors
/// Exit status 1 if the server does not tell them.
pub fn definitions(client: &mut Client) -> Result<Definitions> {
    Definitions::read(client, &Without::default()).explain(|| "could not read the definitions".into())
}

/// The same; while another session holds a table locked they may not be told, and the review goes on by the files, saying so.
pub fn definitions_or_say(client: &mut Client, shell: &Shell) -> Option<Definitions> {
    definitions(client)
        .inspect_err(|error| {
            shell.warn(format_args!("reviewed by the migration files alone: {error}: {}", error.causes().join(": ")));
        })
        .ok()
}
