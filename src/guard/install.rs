//! Switching the guard on and off. Each is one transaction: in between nothing is half guarded, also after `kill -9`.

use std::fmt::Write as _;

use postgres::error::SqlState;
use postgres::{Client, GenericClient};

use super::{LOCK_TIMEOUT, Settings};
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};

const ON: &str = include_str!("../../templates/guard/on.sql");
const OFF: &str = include_str!("../../templates/guard/off.sql");
const TRIGGERS: &str = include_str!("../../templates/guard/triggers.sql");

/// Names the functions as they were made: a difference was made by hand.
pub(super) const FINGERPRINT: &str = "SELECT md5(string_agg(concat_ws(' ', p.proname, p.prosrc, p.prosecdef::text, array_to_string(p.proconfig, ' ')), ' ' ORDER BY p.proname))
  FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = '_prisma_safe' AND p.proname ~ '^guard_'";

/// All of the SQL that switches the guard on, or puts it right: for a transaction.
pub fn script(settings: &Settings) -> String {
    let array = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| quote_literal(name)).collect();
        format!("ARRAY[{}]::text[]", names.join(", "))
    };
    let Settings { schemas, deployers, applications, tables } = settings;
    let mut sql = format!("SET LOCAL search_path = pg_catalog;\n{OFF}\n{SCHEMA}\n{ON}\n");
    // writing to a String does not fail
    let _ = write!(
        sql,
        "INSERT INTO _prisma_safe.guard_setting (schemas, deployers, applications, tables, database)
SELECT {}, {}, {}, {}, d.oid FROM pg_database d WHERE d.datname = current_database();
DO $system$ BEGIN
  UPDATE _prisma_safe.guard_setting SET system = (SELECT c.system_identifier FROM pg_control_system() c);
EXCEPTION WHEN insufficient_privilege THEN
  NULL; -- the database's own number has to do
END $system$;
UPDATE _prisma_safe.guard_setting SET fingerprint = coalesce(({FINGERPRINT}), '');
INSERT INTO _prisma_safe.guard_journal (event) VALUES ('on');
UPDATE _prisma_safe.guard_journal SET closed_at = clock_timestamp() WHERE until > clock_timestamp() AND closed_at IS NULL;
",
        array(schemas),
        array(deployers),
        array(applications),
        array(tables)
    );
    for role in deployers.iter().map(|role| quote_identifier(role)) {
        let _ = write!(
            sql,
            "GRANT USAGE, CREATE ON SCHEMA _prisma_safe TO {role};
GRANT SELECT ON _prisma_safe.guard_setting, _prisma_safe.guard_token, _prisma_safe.guard_journal TO {role};
GRANT EXECUTE ON FUNCTION _prisma_safe.guard_issue(bytea, text, integer, integer), _prisma_safe.guard_open(integer, text), _prisma_safe.guard_cover() TO {role};
"
        );
    }
    let _ = write!(sql, "DO $cover$ BEGIN PERFORM _prisma_safe.guard_cover(); END $cover$;\n{TRIGGERS}");
    sql
}

/// Prisma-safe's schema belongs to the guard's owner: the owner of a schema may drop what is in it. Roles that deploy keep there
/// what a rollback needs.
const SCHEMA: &str = "DO $schema$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '_prisma_safe') THEN
    CREATE SCHEMA _prisma_safe;
    REVOKE ALL ON SCHEMA _prisma_safe FROM PUBLIC;
  ELSE
    BEGIN
      ALTER SCHEMA _prisma_safe OWNER TO CURRENT_USER;
    EXCEPTION WHEN insufficient_privilege THEN
      NULL; -- it was made by a role that deploys, and this one may not take it over
    END;
  END IF;
END $schema$;";

/// Switches the guard on, or puts right what is missing of it.
///
/// # Errors
/// Exit status 1, with nothing changed: where this role may not, the other way is named.
pub fn on(client: &mut Client, settings: &Settings) -> Result<()> {
    in_transaction(client, &script(settings)).map_err(|failure| {
        let refused = failure.code == Some(SqlState::INSUFFICIENT_PRIVILEGE);
        let error = Error::failed("could not switch the guard on; nothing has changed").because(failure);
        match refused {
            true => error.help(
                "this role may not create event triggers, or not change what it does not own: use an administrator's URL \
                 (--url), or where the host has none the second best that `prisma-safe guard plan` prints",
            ),
            false => error,
        }
    })
}

/// Takes the guard out. Its journal stays.
///
/// # Errors
/// Exit status 1, with nothing changed.
pub fn off(client: &mut Client, reason: Option<&str>) -> Result<()> {
    let reason = reason.map_or("NULL".into(), quote_literal);
    let sql = format!(
        "SET LOCAL search_path = pg_catalog;\n{OFF}
         DO $journal$ BEGIN
           IF to_regclass('_prisma_safe.guard_journal') IS NOT NULL THEN
             INSERT INTO _prisma_safe.guard_journal (event, reason) VALUES ('off', {reason});
           END IF;
         END $journal$;"
    );
    in_transaction(client, &sql).map_err(|failure| {
        let refused = failure.code == Some(SqlState::INSUFFICIENT_PRIVILEGE);
        let error = Error::failed("could not switch the guard off; nothing has changed").because(failure);
        if refused {
            error.help("use the URL of the role that switched it on (--url), or of a superuser")
        } else {
            error
        }
    })
}

/// Takes the guard out of the transaction at hand, for it to be switched on again at its end.
///
/// # Errors
/// The server's own.
pub fn lift(transaction: &mut impl GenericClient) -> Result<(), Failure> {
    Ok(transaction.batch_execute(&format!("SET LOCAL search_path = pg_catalog;\n{OFF}"))?)
}

fn in_transaction(client: &mut Client, sql: &str) -> Result<(), Failure> {
    let mut transaction = client.transaction()?;
    transaction.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))?;
    transaction.batch_execute(sql)?;
    Ok(transaction.commit()?)
}

/// Whether this role may create event triggers here: tried, and rolled back.
///
/// # Errors
/// The server's own, where it does not answer.
pub fn is_possible(client: &mut Client) -> Result<bool> {
    const TRY: &str =
        "CREATE FUNCTION pg_temp.prisma_safe_probe() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
        CREATE EVENT TRIGGER prisma_safe_probe ON sql_drop EXECUTE FUNCTION pg_temp.prisma_safe_probe()";
    let mut probe = || -> Result<bool, Failure> {
        let mut transaction = client.transaction()?;
        let tried = transaction.batch_execute(TRY).map_err(Failure::from);
        transaction.rollback()?;
        match tried {
            Ok(()) => Ok(true),
            Err(failure) if failure.is_refusal() => Ok(false),
            Err(failure) => Err(failure),
        }
    };
    probe().explain(|| "could not try whether event triggers are allowed".into())
}

/// Gives the guard's triggers to tables that are new.
///
/// # Errors
/// The server's own.
pub fn cover(client: &mut Client) -> Result<(), Failure> {
    client.batch_execute(&format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))?;
    let covered = client.batch_execute("SELECT _prisma_safe.guard_cover()");
    client.batch_execute(if covered.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    Ok(covered?)
}
