//! Without a capsule: what a migration destroyed, from the newest backup that was taken before it. Its tables are loaded beside
//! the live ones and stand for a capsule; what was written between the backup and the migration is in neither.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use postgres::Client;

use super::capsule::{self, Rights};
use super::capture::{Capture, became, kind, place, run};
use super::facts::Facts;
use super::losses::{Cast, Loss, Which, losses};
use crate::backup::encryption::Keys;
use crate::backup::load::{Destination, table};
use crate::backup::scan::TableName;
use crate::backup::{self, Archive, State};
use crate::catalog::live::OWN_SCHEMA;
use crate::catalog::{Catalog, ObjectName};
use crate::database::history::Row;
use crate::database::{DatabaseUrl, Failure, Identity};
use crate::effects::{self, Scene};
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::rules::origins::Origins;
use crate::sql::{ConstraintKind, quote_identifier};

/// What is recovered, and for which migration.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub url: &'a DatabaseUrl,
    /// The database, as its server names it; none where that is not known.
    pub server: Option<&'a Identity>,
    pub migration: &'a Migration,
    /// Its row in the history.
    pub row: &'a Row,
    /// What the migrations before it build.
    pub before: &'a Catalog,
}

/// A backup that was taken before a migration.
#[derive(Debug, Clone)]
pub struct Found {
    pub path: PathBuf,
    /// Later writes are not in it.
    pub taken_at: Timestamp,
    archive: Archive,
}

/// The newest good backup of this database from before the migration.
///
/// # Errors
/// Exit status 1 if the directory of backups cannot be read, or no key fits an encrypted backup.
pub fn find(directory: &Path, keys: &Keys, request: &Request<'_>) -> Result<Option<Found>> {
    let began = request.row.started_at.trim_end_matches(" UTC").replace(' ', "T") + "Z";
    let began: Timestamp = began.parse().explain(|| "the history holds a time that is none".into())?;
    let address = request.url.address();
    for entry in backup::list(directory)? {
        let Some(manifest) = entry.manifest.filter(|_| entry.state == State::Good) else { continue };
        let ours = manifest.source.is_of(&address, request.server);
        // the history has whole seconds
        let before = manifest.started_at.as_second() <= began.as_second();
        if ours && before && manifest.outside.is_none() && !manifest.migrations.contains(&request.migration.name) {
            let archive = Archive::open_with(&entry.path, keys)?;
            return Ok(Some(Found { path: entry.path, taken_at: archive.manifest().started_at, archive }));
        }
    }
    Ok(None)
}

/// Loads what the migration destroyed; gives it as captures, and what cannot be recovered, a sentence each. The tables stay
/// until [`forget`].
///
/// # Errors
/// Exit status 3 if the role may not create our schema; the server's own otherwise.
pub fn load(client: &mut Client, request: &Request<'_>, found: &Found) -> Result<(Vec<Capture>, Vec<String>)> {
    let failed = || format!("could not take what {} destroyed from its backup", request.migration.name);
    if capsule::rights(client).explain(failed)? == Rights::Missing {
        return Err(Error::refused(
            "this role may create no schema in the database, where the backup's rows would be put",
        )
        .help("use the database's owner, or restore the backup: prisma-safe restore"));
    }
    capsule::prepare(client).explain(failed)?;
    let script = request.migration.script();
    let mut captures = Vec::new();
    let mut missing = Vec::new();
    let mut origins = Origins::default();
    let lost = losses(request.before, script).losses;
    let mut end = request.before.clone();
    end.apply(script, "");
    let (mut number, mut outcome) = (0, Ok(()));
    request.before.clone().walk(script, "", |catalog, statement| {
        number += 1;
        for (_, loss) in lost.iter().filter(|(of, _)| *of == number) {
            if outcome.is_err() {
                return;
            }
            let storage = format!("backup_{}_{}", request.row.id.get(..8).unwrap_or("0"), captures.len() + 1);
            let mut one = One { client, request, found, catalog, origins: &origins };
            match one.load(number, loss, storage) {
                Ok(Ok(capture)) => captures.push(capture),
                Ok(Err(why)) => missing.push(format!("{}: {why}", super::plan::what_of(loss))),
                Err(error) => outcome = Err(error),
            }
        }
        let scene = Scene::new(script, statement, catalog, &end);
        origins.follow(&scene, &effects::of(&scene));
    });
    outcome.map(|()| (captures, missing))
}

/// Drops what [`load`] has loaded.
///
/// # Errors
/// The server's own.
pub fn forget(client: &mut Client, captures: &[Capture]) -> Result<()> {
    let drop = captures.iter().map(|capture| format!("DROP TABLE IF EXISTS {};", capture.place()));
    let dropped = client.batch_execute(&drop.collect::<String>()).map_err(Failure::from);
    dropped.explain(|| format!("could not drop the backup's tables in the schema {OWN_SCHEMA}"))
}

/// One loss.
struct One<'a> {
    client: &'a mut Client,
    request: &'a Request<'a>,
    found: &'a Found,
    /// Just before the statement.
    catalog: &'a Catalog,
    /// From names just before the statement to names before the migration.
    origins: &'a Origins,
}

impl One<'_> {
    /// The capture, or why there is none.
    fn load(&mut self, statement: usize, loss: &Loss, storage: String) -> Result<Result<Capture, String>> {
        match loss {
            Loss::Updated { .. } => return Ok(Err("the backup does not say what the migration made of them".into())),
            Loss::Deleted { which: Which::Referring { .. }, .. } => {
                return Ok(Err("which rows went along with others is not known".into()));
            }
            _ => {}
        }
        let name = loss.table();
        let Some(origin) = self.origins.table(name) else {
            return Ok(Err("its name in the backup is not known".into()));
        };
        let source = TableName { schema: origin.schema.clone(), name: origin.name.clone() };
        let failed = || format!("could not load table {source} beside the live one");
        let beside = ObjectName { schema: OWN_SCHEMA.into(), name: origin.name.clone() };
        let mut drop =
            |table: &str| self.client.batch_execute(&format!("DROP TABLE IF EXISTS {table}")).map_err(Failure::from);
        drop(&place(&storage)).explain(failed)?;
        if !matches!(origin.name.as_str(), "capsules" | "captures" | "history") {
            // left by a rollback that was killed
            drop(&place(&origin.name)).explain(failed)?;
        }
        let to = Destination { url: self.request.url, schema: OWN_SCHEMA };
        if let Err(error) = table(&self.found.archive, &source, to, &mut |_| Ok(())) {
            return Ok(Err(format!("{error}: {}", error.causes().join(": "))));
        }
        let mut capture = Capture {
            statement,
            kind: kind(loss),
            schema: name.schema.clone(),
            table: name.name.clone(),
            key: self.key(name, &loss.columns()),
            columns: loss.columns(),
            storage,
            moved: false,
            rows: 0,
            reached: 0,
            sequences: Vec::new(),
            zone: None,
            rights: Vec::new(),
        };
        self.shape(loss, &beside, &mut capture).explain(failed)?;
        Ok(Ok(capture))
    }

    /// The primary key just before the statement, if the statement leaves it alone.
    fn key(&self, table: &ObjectName, lost: &[String]) -> Vec<String> {
        let constraints = self.catalog.tables.get(table).into_iter().flat_map(|table| table.constraints.values());
        let mut keys = constraints.filter_map(|constraint| match &constraint.kind {
            ConstraintKind::PrimaryKey { columns, .. } => Some(columns.clone()),
            _ => None,
        });
        keys.next().filter(|key| !key.iter().any(|own| lost.contains(own))).unwrap_or_default()
    }

    /// Makes of the loaded table what a capsule would hold: today's names, foreign types as text, only the rows concerned.
    fn shape(&mut self, loss: &Loss, beside: &ObjectName, capture: &mut Capture) -> Result<(), Failure> {
        let client = &mut *self.client;
        let storage = quote_identifier(&capture.storage);
        client.batch_execute(&format!("ALTER TABLE {} RENAME TO {storage}", place(&beside.name)))?;
        let table = capture.place();
        client.batch_execute(&format!("REVOKE ALL ON {table} FROM PUBLIC"))?;
        let columns: Vec<String> =
            self.catalog.tables.get(loss.table()).into_iter().flat_map(|table| table.columns.keys().cloned()).collect();
        for column in &columns {
            if let Some(then) = self.origins.column(loss.table(), column).filter(|then| then != column) {
                let (then, now) = (quote_identifier(&then), quote_identifier(column));
                client.batch_execute(&format!("ALTER TABLE {table} RENAME COLUMN {then} TO {now}"))?;
            }
        }
        let own = ObjectName { schema: OWN_SCHEMA.into(), name: capture.storage.clone() };
        let facts = Facts::read(client, &own)?;
        let stored = facts.iter().flat_map(|facts| facts.stored()).collect::<Vec<_>>();
        if capture.columns.is_empty() {
            capture.columns.clone_from(&stored);
        }
        let of = quote_identifier(&capture.table);
        match loss {
            Loss::Casts { casts, .. } => {
                let values = casts.iter().enumerate().map(|(at, cast)| format!("({}) AS {}", cast.value, became(at)));
                let differ = |cast: &Cast| {
                    format!("{}::text IS DISTINCT FROM ({})::text", quote_identifier(&cast.column), cast.value)
                };
                let differ = casts.iter().map(differ).collect::<Vec<_>>().join(" OR ");
                let select = format!("{of}.*, {}", values.collect::<Vec<_>>().join(", "));
                replace(client, &table, &storage, &format!("SELECT {select} FROM {table} AS {of} WHERE {differ}"))?;
            }
            Loss::Deleted { which: Which::Where { alias, condition }, .. } => {
                let of = alias.as_deref().map_or(of, quote_identifier);
                replace(client, &table, &storage, &format!("SELECT {of}.* FROM {table} AS {of} WHERE {condition}"))?;
            }
            _ => {}
        }
        let facts = Facts::read(client, &own)?;
        for column in facts.iter().flat_map(|facts| &facts.columns).filter(|column| !column.built_in) {
            let own = quote_identifier(&column.name);
            client.batch_execute(&format!(
                "ALTER TABLE {table} ALTER COLUMN {own} DROP DEFAULT, ALTER COLUMN {own} TYPE text USING {own}::text"
            ))?;
        }
        let count: i64 = client.query_typed_one(&format!("SELECT count(*) FROM {table}"), &[])?.try_get(0)?;
        capture.rows = count.unsigned_abs();
        Ok(())
    }
}

fn replace(client: &mut Client, table: &str, storage: &str, select: &str) -> Result<(), Failure> {
    let aside = place("backup_aside");
    client.batch_execute(&format!("DROP TABLE IF EXISTS {aside}"))?;
    run(client, &format!("CREATE TABLE {aside} AS {select}"))?;
    Ok(client.batch_execute(&format!("DROP TABLE {table}; ALTER TABLE {aside} RENAME TO {storage}"))?)
}
