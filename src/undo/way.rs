//! A migration's way back: its reverse, its saved data, and what will not come back.

use postgres::Client;

use super::chosen::{Chosen, choose};
use super::losses::{self, Loss};
use super::{Capsule, Down, Fill, Request, RolledBack, Source, capsule, code, recover, reverse, roll_back};
use crate::catalog::Catalog;
use crate::database::history::State;
use crate::database::{self, DatabaseUrl, History};
use crate::error::{Explain as _, Result};
use crate::project::Migration;
use crate::sql::Script;
use crate::transaction::{Runner, Settings};
use crate::ui::interrupt::Guard;

/// What is known of a migration that destroyed nothing, by the id of its row: the database itself has nothing of it.
pub type Beside<'a> = &'a dyn Fn(&str) -> Option<Capsule>;

/// One migration on its way back, and what is known about it.
#[derive(Debug)]
pub struct Way {
    pub chosen: Chosen,
    pub down: Down,
    pub capsule: Option<Capsule>,
    /// What the migrations before it build, and what it builds on that.
    pub before: Catalog,
    pub after: Catalog,
    /// What does not come back, a sentence each.
    pub missing: Vec<String>,
    /// Where its values come from instead of a capsule.
    pub backup: Option<recover::Found>,
}

impl Way {
    /// What is known of a migration that was chosen.
    ///
    /// # Errors
    /// If what was kept of it, or its reverse, cannot be read.
    fn find(chosen: Chosen, beside: Beside<'_>, schema: &str, client: &mut Client) -> Result<Self> {
        let capsule = capsule::find(client, &chosen.row.id)
            .explain(|| format!("could not read what was kept of {}", chosen.migration.name))?;
        let capsule = capsule.or_else(|| beside(&chosen.row.id));
        let before = world_before(&chosen, capsule.as_ref(), schema);
        let down = Down::find(&chosen.migration, &before)?;
        let mut after = before.clone();
        after.apply(chosen.migration.script(), &chosen.migration.name);
        let missing = missing(&chosen, &down, capsule.as_ref(), &before);
        Ok(Self { chosen, down, capsule, before, after, missing, backup: None })
    }

    /// What is known of migrations that are rolled back one after the other, newest first.
    ///
    /// # Errors
    /// As [`Way::find`].
    pub fn chain(chosen: Vec<Chosen>, beside: Beside<'_>, schema: &str, client: &mut Client) -> Result<Vec<Self>> {
        let mut ways =
            chosen.into_iter().map(|chosen| Self::find(chosen, beside, schema, client)).collect::<Result<Vec<_>>>()?;
        let each = ways.iter_mut().map(|way| (&mut way.down, &way.before, way.chosen.migration.script()));
        refresh_again(each)?;
        Ok(ways)
    }

    /// The migration's.
    pub fn name(&self) -> &str {
        &self.chosen.migration.name
    }

    /// Whether the migration destroyed something that no capsule has.
    pub fn lacks_values(&self) -> bool {
        let kept = self.capsule.as_ref().is_some_and(|capsule| !capsule.captures.is_empty());
        !kept
            && self.chosen.row.state() != State::Failed
            && !unkept(&self.chosen, self.capsule.as_ref(), &self.before).is_empty()
    }

    /// What to roll back, with the values of `capsule`.
    pub fn request<'a>(
        &'a self,
        schema: &'a str,
        capsule: Option<&'a Capsule>,
        fills: &'a [Fill],
        accept_differences: bool,
        dry: bool,
    ) -> Request<'a> {
        Request {
            migration: self.name(),
            row: (&self.chosen.row.id, self.chosen.row.state()),
            schema,
            down: &self.down,
            capsule,
            replayed: (&self.before, &self.after),
            fills,
            accept_differences,
            dry,
        }
    }

    /// Where its values come from.
    pub fn source(&self) -> Source {
        match &self.backup {
            Some(_) => Source::Backup,
            None => self.capsule.as_ref().map_or(Source::None, |capsule| capsule.source),
        }
    }
}

/// Of a chain, newest first: what a later migration has refreshed reads what an earlier one has changed, so it is computed anew
/// behind each of these too.
///
/// # Errors
/// As [`Down::parse`].
pub fn refresh_again<'a>(chain: impl IntoIterator<Item = (&'a mut Down, &'a Catalog, &'a Script)>) -> Result<()> {
    let mut views: Vec<String> = Vec::new();
    for (down, before, script) in chain {
        if let Some(step) = reverse::refreshing("the materialized views that later migrations refreshed", views.clone())
        {
            *down = down.clone().with(step)?;
        }
        views.extend(reverse::refreshes(before, script));
    }
    Ok(())
}

/// The world just before a migration: as the deploy has read it, else as the migrations before it tell.
fn world_before(chosen: &Chosen, capsule: Option<&Capsule>, schema: &str) -> Catalog {
    if let Some((before, _)) = capsule.and_then(|capsule| capsule.definitions.as_ref()) {
        return Catalog::of_target(schema, before);
    }
    Catalog::of(schema, &chosen.earlier)
}

/// Takes a migration and all later ones back on a copy, newest first, without asking: for a rehearsal.
///
/// # Errors
/// Those of [`super::roll_back_on`], and where a reverse is not known.
pub fn on_a_copy(
    url: &DatabaseUrl,
    beside: Beside<'_>,
    migrations: &[Migration],
    first: &str,
    settings: Settings,
) -> Result<Vec<(String, RolledBack)>> {
    let schema = url.schema();
    let guard = Guard::new()?;
    let mut runner = Runner::open(url.clone(), roll_back::APPLICATION_NAME, settings, guard.flag())?;
    let mut client = database::connect(url, roll_back::APPLICATION_NAME)?;
    let history = History::read(&mut client, &schema)?.unwrap_or_default();
    let chosen = choose(Some(first), true, &history, migrations)?;
    let ways = Way::chain(chosen, beside, &schema, &mut client)?;
    let back = ways.iter().map(|way| {
        let request = way.request(&schema, way.capsule.as_ref(), &[], true, false);
        let done = roll_back::roll_back_on(&mut runner, &request)?;
        Ok((way.name().to_owned(), done))
    });
    back.collect()
}

/// What does not come back, a sentence each.
fn missing(chosen: &Chosen, down: &Down, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let measured = capsule.and_then(|capsule| capsule.measured.as_ref());
    let mut missing: Vec<String> = down.impossible.iter().map(|what| irreversible(what, measured.is_some())).collect();
    missing.extend(by_code(chosen, capsule, before));
    if capsule.is_none_or(|capsule| capsule.definitions.is_none()) {
        let unread = down.defined.iter();
        missing.extend(
            unread.map(|what| format!("cannot be reversed, as its definition was not read before the deploy: {what}")),
        );
    }
    missing.extend(unkept(chosen, capsule, before));
    missing
}

/// Of code, what the rehearsal has measured was kept.
pub fn irreversible(what: &str, measured: bool) -> String {
    match measured && reverse::is_code(what) {
        true => format!("cannot be reversed: {what} beyond the rows that it changed or deleted in the rehearsal"),
        false => format!("cannot be reversed: {what}"),
    }
}

/// What code did that no statement names, a sentence each.
fn by_code(chosen: &Chosen, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let Some(capsule) = capsule else { return Vec::new() };
    match (&capsule.measured, &capsule.definitions) {
        (Some(stays), _) => stays.iter().map(|rows| format!("stays: {rows}")).collect(),
        (None, Some((definitions, _))) => {
            let fired = code::fired(definitions, before, chosen.migration.script());
            let say = |what: String| format!("cannot be reversed, as no rehearsal has measured it: {what}");
            fired.into_iter().map(say).collect()
        }
        // that the definitions were not read is said elsewhere
        (None, None) => Vec::new(),
    }
}

/// What the migration destroyed and no capsule has, a sentence each.
fn unkept(chosen: &Chosen, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let destroyed = losses::losses(before, chosen.migration.script());
    let kept = |statement: usize, loss: &Loss| {
        capsule.is_some_and(|capsule| {
            capsule.captures.iter().any(|own| own.statement == statement && own.table() == *loss.table())
        })
    };
    let lost = destroyed.losses.iter().filter(|(statement, loss)| !kept(*statement, loss));
    let lost = lost.map(|(_, loss)| super::plan::what_of(loss)).chain(destroyed.elsewhere.iter().cloned());
    lost.map(|what| format!("does not come back, because it was not saved: {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_migration_has_refreshed_is_refreshed_behind_the_earlier_ones() {
        let sql = [
            "CREATE TABLE t (id INT); CREATE MATERIALIZED VIEW m AS SELECT id FROM t;",
            "TRUNCATE t;",
            "REFRESH MATERIALIZED VIEW m;",
        ];
        let migrations = sql.map(|sql| Migration { name: "m".into(), path: "m/migration.sql".into(), sql: sql.into() });
        let before = Catalog::of("public", &migrations[..1]);
        let mut downs = [&migrations[2], &migrations[1]].map(|own| Down::of(own, &before));
        let scripts = [migrations[2].script(), migrations[1].script()];
        refresh_again(downs.iter_mut().zip(scripts).map(|(down, script)| (down, &before, script))).unwrap();
        let refreshes = |down: &Down| down.statements().filter(|sql| sql.contains("REFRESH MATERIALIZED VIEW")).count();
        assert_eq!(downs.each_ref().map(refreshes), [1, 1]);
        assert!(downs[1].text.ends_with("END $$;\n") && downs[1].text.contains("later migrations refreshed"));
    }
}
