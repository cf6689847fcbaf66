//! The database: is it reached, past any pooler, as whom, and with which rights; is its history whole, its clock ours, its guard
//! awake?

use std::time::Instant;

use jiff::Timestamp;
use postgres::Client;
use postgres::types::Type;

use super::Scene;
use crate::catalog::live::OWN_SCHEMA;
use crate::database::{self, Failure, Standing};
use crate::deploy::preflight::{Concern, Problem, pooler_before};
use crate::deploy::verify::{Check, Status};
use crate::deploy::{Plan, Preflight};
use crate::error::{Error, Explain as _, Result};
use crate::guard::state::{self, State};
use crate::rename::schema::Schema;
use crate::shadow;
use crate::target::Target;

const APPLICATION: &str = "prisma-safe doctor";

/// Clocks that differ by more make the times of a backup and of the journal misleading.
const SKEW_SECONDS: f64 = 5.0;

/// What is asked of the database here, in this order.
const NAMES: &[&str] = &["connection", "pooler", "server", "rights", "history", "clock", "guard"];

/// A database that has answered.
pub(super) struct Reached {
    pub(super) client: Client,
    /// Its major version; none where it could not be asked.
    pub(super) major: Option<u32>,
    /// The database's size in bytes.
    pub(super) bytes: Option<u64>,
    pub(super) standing: Standing,
    /// The schemas that Prisma manages, besides the URL's.
    pub(super) schemas: Vec<String>,
}

pub(super) fn checks(scene: &Scene<'_>) -> (Vec<Check>, Option<Reached>) {
    let target = match scene.target {
        Ok(target) => target,
        Err(error) => return (none("target", error), None),
    };
    let kind = if target.production { "production" } else { "not production" };
    let named =
        Check::new("target", Status::Passed, [format!("{}: {kind}, {}", target.url.identity(), target.because)]);
    let mut client = match database::connect(&target.url, APPLICATION) {
        Ok(client) => client,
        Err(error) => {
            let mut checks = vec![named];
            checks.extend(none("connection", &error));
            return (checks, None);
        }
    };
    let mut checks = vec![named, Check::new("connection", Status::Passed, [user(target)])];
    checks.push(pooler(target));
    let facts = Facts::ask(&mut client);
    let schemas = scene.discovered.map(|found| Schema::of_files(&found.schema_files).schemas).unwrap_or_default();
    let migrations = scene.discovered.map(|found| found.migrations.as_slice()).unwrap_or_default();
    let plan = Plan { url: &target.url, migrations, external_tables: &[], schemas: &schemas };
    let preflight = Preflight::of(&mut client, &plan);
    match &preflight {
        Ok(preflight) => {
            let of = |concerns: &[Concern]| -> Vec<&Problem> {
                preflight.problems.iter().filter(|problem| concerns.contains(&problem.concern)).collect()
            };
            checks.push(by_problems(
                "server",
                &of(&[Concern::Server]),
                &format!("PostgreSQL {}", preflight.server_version_text),
            ));
            checks.push(rights(scene, target, facts.as_ref(), &of(&[Concern::Privilege])));
            let history = [Concern::Failed, Concern::Edited, Concern::Missing, Concern::NotEmpty, Concern::Running];
            checks.push(by_problems("history", &of(&history), &standing(&preflight.standing)));
        }
        Err(error) => checks.extend(["server", "rights", "history"].map(|name| Check::failed(name, error))),
    }
    checks.push(match &facts {
        Ok(facts) => clock(facts),
        Err(error) => Check::failed("clock", error),
    });
    checks.push(
        State::read(&mut client).map_or_else(|error| Check::failed("guard", &error), |state| guard(&state, target)),
    );
    let preflight = preflight.ok();
    let reached = Reached {
        client,
        major: preflight.as_ref().map(|preflight| preflight.server_version / 10_000),
        bytes: facts.ok().map(|facts| facts.bytes),
        standing: preflight.map(|preflight| preflight.standing).unwrap_or_default(),
        schemas,
    };
    (checks, Some(reached))
}

/// One failed, and all that comes after it was not looked at.
fn none(failed: &str, error: &Error) -> Vec<Check> {
    let after = NAMES.iter().skip_while(|name| **name != failed).skip(1);
    let after = if NAMES.contains(&failed) { after.collect::<Vec<_>>() } else { NAMES.iter().collect() };
    let unchecked = after.into_iter().map(|name| Check::new(*name, Status::Unchecked, ["no database was reached"]));
    std::iter::once(Check::failed(failed, error)).chain(unchecked).collect()
}

/// The most urgent decides; `fine` is said where there is none.
fn by_problems(name: &str, problems: &[&Problem], fine: &str) -> Check {
    let status = match problems {
        [] => return Check::new(name, Status::Passed, [fine]),
        problems if problems.iter().any(|problem| problem.blocking) => Status::Failed,
        _ => Status::Warned,
    };
    let help: Vec<&str> = problems.iter().map(|problem| problem.help.as_str()).collect();
    Check::new(name, status, problems.iter().map(|problem| &problem.message)).with_cure(Some(help.join("\n")))
}

fn user(target: &Target) -> String {
    let user = target.url.user().map(|user| format!(" as {user}")).unwrap_or_default();
    format!("reached{user}")
}

fn pooler(target: &Target) -> Check {
    match pooler_before(&target.url) {
        Ok(problem) => by_problems("pooler", &problem.iter().collect::<Vec<_>>(), "none: the connection is direct"),
        Err(error) => Check::failed("pooler", &error),
    }
}

fn standing(standing: &Standing) -> String {
    let pending = match standing.pending.len() {
        0 => "nothing is pending".to_owned(),
        count => format!("{count} pending"),
    };
    format!("{} applied, {pending}", standing.applied.len())
}

/// What one query tells.
struct Facts {
    superuser: bool,
    may_create_database: bool,
    /// In the schema that keeps what a migration destroys, or by making it.
    may_save: bool,
    bytes: u64,
    /// The server's clock against ours, in seconds; positive where it is ahead.
    skew: f64,
    /// How far that may be off: the answer took this long.
    blur: f64,
}

const FACTS: &str = "
SELECT r.rolsuper, r.rolsuper OR r.rolcreatedb,
  coalesce((SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n WHERE n.nspname = $1),
    has_database_privilege(current_database(), 'CREATE')),
  pg_database_size(current_database()), extract(epoch FROM clock_timestamp())::float8
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

impl Facts {
    fn ask(client: &mut Client) -> Result<Self> {
        let (before, began) = (Timestamp::now(), Instant::now());
        let mut look = || -> Result<Self, Failure> {
            let row = client.query_typed_one(FACTS, &[(&OWN_SCHEMA, Type::TEXT)])?;
            let blur = began.elapsed().as_secs_f64() / 2.0;
            let (bytes, theirs): (i64, f64) = (row.try_get(3)?, row.try_get(4)?);
            #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 fit until the year 2255")]
            let ours = before.as_microsecond() as f64 / 1e6 + blur;
            Ok(Self {
                superuser: row.try_get(0)?,
                may_create_database: row.try_get(1)?,
                may_save: row.try_get(2)?,
                bytes: bytes.unsigned_abs(),
                skew: theirs - ours,
                blur,
            })
        };
        look().explain(|| "could not ask the database for this role's rights".into())
    }
}

fn rights(scene: &Scene<'_>, target: &Target, facts: Result<&Facts, &Error>, problems: &[&Problem]) -> Check {
    if !problems.is_empty() {
        return by_problems("rights", problems, "");
    }
    let facts = match facts {
        Ok(facts) => facts,
        Err(error) => return Check::failed("rights", error),
    };
    let role = target.url.user().unwrap_or_else(|| "this role".into());
    if facts.superuser {
        return Check::new("rights", Status::Passed, [format!("{role} is a superuser")]);
    }
    if !facts.may_save {
        let note = format!(
            "{role} may not create the schema {OWN_SCHEMA}, which keeps what a migration destroys for a rollback"
        );
        let grant = format!(
            "as the database's owner: GRANT CREATE ON DATABASE {} TO {};",
            crate::sql::quote_identifier(&target.url.database()),
            crate::sql::quote_identifier(&role)
        );
        return Check::new("rights", Status::Warned, [note]).with_cure(Some(grant));
    }
    let shadow = "it may not create databases, which Prisma's own shadow database needs";
    match (facts.may_create_database, scene.settings.shadow) {
        (true, _) => Check::new("rights", Status::Passed, ["tables, schemas and databases may be created"]),
        (false, Some(shadow::Kind::Prisma)) if !target.production => {
            Check::new("rights", Status::Warned, [shadow]).with_cure(Some("shadow = \"scratch\" in prisma-safe.toml"))
        }
        (false, _) => Check::new(
            "rights",
            Status::Passed,
            ["tables and schemas may be created; databases may not, which no deploy needs"],
        ),
    }
}

fn clock(facts: &Facts) -> Check {
    let Facts { skew, blur, .. } = facts;
    if skew.abs() - blur <= SKEW_SECONDS {
        return Check::new(
            "clock",
            Status::Passed,
            [format!("within {:.1} s of the server's", (skew.abs() + blur).max(0.1))],
        );
    }
    let side = if *skew > 0.0 { "behind" } else { "ahead of" };
    Check::new("clock", Status::Warned, [format!("this machine's clock is {:.0} s {side} the server's", skew.abs())])
        .with_cure(Some("set it by NTP (timedatectl set-ntp true): backups and deployments are named by it"))
}

fn guard(state: &State, target: &Target) -> Check {
    let word = state.standing.word();
    match state.standing {
        state::Standing::On => match &state.open_until {
            Some(until) => Check::new("guard", Status::Warned, [format!("on, but everything passes until {until}")]),
            None => Check::new("guard", Status::Passed, ["on: only deployments change the schema"]),
        },
        state::Standing::Partial | state::Standing::Asleep => {
            let problems = state.problems.join(", ");
            let note = if problems.is_empty() { word.to_owned() } else { format!("{word}: {problems}") };
            Check::new("guard", Status::Failed, [note]).with_cure(Some("prisma-safe guard on"))
        }
        state::Standing::Off if target.production && state.possible == Some(true) => {
            Check::new("guard", Status::Warned, ["off: any client with this role may change the schema"])
                .with_cure(Some("prisma-safe guard on"))
        }
        state::Standing::Off => {
            let why = if target.production { "off, and this role may not create event triggers" } else { "off" };
            Check::new("guard", Status::Passed, [why])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_beyond_what_the_answer_took() {
        let facts =
            |skew, blur| Facts { superuser: false, may_create_database: false, may_save: true, bytes: 0, skew, blur };
        assert_eq!(clock(&facts(0.2, 0.01)).status, Status::Passed);
        assert_eq!(clock(&facts(-6.0, 2.0)).status, Status::Passed, "a slow answer proves nothing");
        let ahead = clock(&facts(-90.0, 0.1));
        assert_eq!(
            (ahead.status, ahead.notes[0].as_str()),
            (Status::Warned, "this machine's clock is 90 s ahead of the server's")
        );
    }

    #[test]
    fn what_comes_after_a_failure_is_unchecked() {
        let checks = none("connection", &Error::failed("no server").help("start it"));
        assert_eq!((checks[0].status, checks[0].cure.as_deref()), (Status::Failed, Some("start it")));
        assert_eq!(checks.len(), NAMES.len());
        assert!(checks[1..].iter().all(|check| check.status == Status::Unchecked));
        assert_eq!(none("target", &Error::usage("no URL")).len(), NAMES.len() + 1);
    }
}
