//! How the guard stands: on, off, half removed by hand, or asleep in a copy.

use postgres::Client;
use postgres::types::Type;

use super::install::FINGERPRINT;
use super::settings::is_readable;
use super::{Settings, install, pass};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::ui::Shell;

/// The event triggers.
const EVENT_TRIGGERS: [&str; 3] = ["prisma_safe_guard_start", "prisma_safe_guard_end", "prisma_safe_guard_drop"];
/// The tables without which it sleeps.
const TABLES: [&str; 3] = ["guard_setting", "guard_token", "guard_journal"];
/// So many entries of the journal are shown.
const ENTRIES: i64 = 10;

/// What can be said of the guard in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Off,
    /// It is whole and awake.
    On,
    /// Somebody has taken a part of it away, or changed one.
    Partial,
    /// It was switched on for another database, of which this one is a copy.
    Asleep,
}

impl Standing {
    /// `on`
    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Partial => "partial",
            Self::Asleep => "asleep",
        }
    }
}

/// A line of the journal in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When, as the server says it.
    pub at: String,
    pub role: String,
    /// `on`, `off` or `open`.
    pub event: String,
    pub reason: Option<String>,
    /// How long it is open.
    pub until: Option<String>,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub standing: Standing,
    /// None where this role may not read them.
    pub settings: Option<Settings>,
    /// Who may switch it off, besides superusers.
    pub owner: Option<String>,
    /// What is wrong with it, a phrase each.
    pub problems: Vec<String>,
    /// It lets everything pass until then.
    pub open_until: Option<String>,
    /// Newest first.
    pub journal: Vec<Entry>,
    /// Whether this role may create event triggers; asked only without a guard.
    pub possible: Option<bool>,
}

impl State {
    /// Looks.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client) -> Result<Self> {
        let mut state = look(client).explain(|| "could not look at the guard of the database".into())?;
        if state.standing == Standing::Off {
            state.possible = Some(install::is_possible(client)?);
        }
        Ok(state)
    }
}

/// Before a deployment: a guard that would refuse it does so now; one that refuses nothing is reported.
///
/// # Errors
/// Exit status 3 where no tokens are issued to this role.
pub fn heed(client: &mut Client, shell: &Shell) -> Result<()> {
    pass::demand(client)?;
    if !pass::is_guarded(client)? {
        return Ok(());
    }
    let state = State::read(client)?;
    match state.standing {
        Standing::On | Standing::Off => {}
        Standing::Partial => shell.warn(format_args!(
            "the guard of the database is not whole ({}): prisma-safe guard on",
            state.problems.join(", ")
        )),
        Standing::Asleep => shell.warn(
            "the guard of the database sleeps: it was switched on for the database that this is a copy of. Wake it: \
             prisma-safe guard on",
        ),
    }
    Ok(())
}

fn look(client: &mut Client) -> Result<State, Failure> {
    let settings = Settings::read(client)?;
    let readable = settings.is_some();
    let mut problems = missing(client)?;
    // the journal stays
    let gone = problems.iter().filter(|what| what.ends_with(" is missing") && !what.contains("guard_journal")).count();
    let is_off = gone == EVENT_TRIGGERS.len() + TABLES.len() - 1 && owner(client)?.is_none();
    let mut asleep = false;
    if readable {
        asleep = client.query_typed_one(ASLEEP, &[])?.try_get(0)?;
        let same = format!("SELECT fingerprint = coalesce(({FINGERPRINT}), '') FROM _prisma_safe.guard_setting");
        if !client.query_typed_one(&same, &[])?.try_get::<_, bool>(0)? {
            problems.push("a function of it was changed or dropped".into());
        }
        for row in client.query_typed(UNCOVERED, &[])? {
            problems.push(format!("the table {} has lost or never got its trigger", row.try_get::<_, String>(0)?));
        }
    }
    let standing = match () {
        () if is_off => Standing::Off,
        () if asleep => Standing::Asleep,
        () if !problems.is_empty() => Standing::Partial,
        () => Standing::On,
    };
    if standing == Standing::Off {
        problems.clear();
    }
    let (journal, open_until) = match is_readable(client, "guard_journal")? {
        true => (journal(client)?, open_until(client)?),
        false => (Vec::new(), None),
    };
    Ok(State { standing, settings, owner: owner(client)?, problems, open_until, journal, possible: None })
}

/// The database is not the one that the guard was switched on for.
const ASLEEP: &str = "SELECT s.database <> d.oid OR coalesce(s.system <> (
    SELECT c.system_identifier FROM pg_catalog.pg_control_system() c WHERE s.system IS NOT NULL), false)
  FROM _prisma_safe.guard_setting s, pg_catalog.pg_database d WHERE d.datname = current_database()";

/// Tables that have to have a trigger and do not, or have it switched off.
const UNCOVERED: &str = "
SELECT format('%I.%I', n.nspname, c.relname)
FROM _prisma_safe.guard_setting s
JOIN pg_catalog.pg_namespace n ON n.nspname = ANY (s.schemas)
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
WHERE (SELECT count(*) FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND g.tgenabled <> 'D' AND g.tgname ~ '^prisma_safe_guard_')
  < CASE WHEN c.relname = '_prisma_migrations' THEN 1
         WHEN '*' = ANY (s.tables) OR format('%I.%I', n.nspname, c.relname) = ANY (s.tables) THEN 3 ELSE 0 END
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1";

/// The parts that are not there.
fn missing(client: &mut Client) -> Result<Vec<String>, Failure> {
    const TRIGGERS: &str =
        "SELECT evtname::text, evtenabled <> 'D' FROM pg_catalog.pg_event_trigger WHERE evtname = ANY ($1)";
    const FOUND: &str =
        "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = '_prisma_safe' AND c.relname = ANY ($1)";
    let mut found = Vec::new();
    for row in client.query_typed(TRIGGERS, &[(&&EVENT_TRIGGERS[..], Type::TEXT_ARRAY)])? {
        found.push((row.try_get::<_, String>(0)?, row.try_get::<_, bool>(1)?));
    }
    let mut problems = Vec::new();
    for name in EVENT_TRIGGERS {
        match found.iter().find(|(there, _)| there == name) {
            Some((_, true)) => {}
            Some((_, false)) => problems.push(format!("the event trigger {name} is disabled")),
            None => problems.push(format!("the event trigger {name} is missing")),
        }
    }
    let tables = client.query_typed(FOUND, &[(&&TABLES[..], Type::TEXT_ARRAY)])?;
    for name in TABLES {
        if !tables.iter().any(|row| row.get::<_, String>(0) == name) {
            problems.push(format!("the table _prisma_safe.{name} is missing"));
        }
    }
    Ok(problems)
}

/// Who owns what the event triggers call.
fn owner(client: &mut Client) -> Result<Option<String>, Failure> {
    const ASK: &str = "SELECT pg_get_userbyid(p.proowner)::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = '_prisma_safe' AND p.proname ~ '^guard_' ORDER BY p.proname LIMIT 1";
    let row = client.query_typed_opt(ASK, &[])?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

fn journal(client: &mut Client) -> Result<Vec<Entry>, Failure> {
    const READ: &str = "SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), role, event, reason,
          to_char(coalesce(closed_at, until) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')
        FROM _prisma_safe.guard_journal ORDER BY at DESC LIMIT $1";
    let rows = client.query_typed(READ, &[(&ENTRIES, Type::INT8)])?;
    let entries = rows.iter().map(|row| {
        Ok(Entry {
            at: row.try_get(0)?,
            role: row.try_get(1)?,
            event: row.try_get(2)?,
            reason: row.try_get(3)?,
            until: row.try_get(4)?,
        })
    });
    entries.collect()
}

fn open_until(client: &mut Client) -> Result<Option<String>, Failure> {
    const ASK: &str = "SELECT to_char(max(until) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')
        FROM _prisma_safe.guard_journal WHERE until > clock_timestamp() AND closed_at IS NULL";
    Ok(client.query_typed_one(ASK, &[])?.try_get(0)?)
}
