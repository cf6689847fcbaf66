//! What a database holds that a column in phases would break, and what its rows say. Only names and keys leave the server.

use postgres::Client;
use postgres::types::Type;

use super::plan::{Kind, Plan};
use super::render::Scripts;
use super::{Names, gate, render};
use crate::database::{Failure, dependents};
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// What blocks a plan on this database, a clause each; empty where nothing does.
///
/// # Errors
/// The server's own.
pub fn against(client: &mut Client, scripts: &Scripts<'_>) -> Result<Vec<String>> {
    let plan = scripts.plan;
    let explain = || format!("could not look at {}.{}", plan.table, plan.old.column);
    let mut found = Vec::new();
    if !is_there(client, plan).explain(explain)? {
        return Ok(found);
    }
    if plan.kind != Kind::Require {
        found.extend(dependents_of(client, plan).explain(explain)?);
        found.extend(shape(client, plan).explain(explain)?);
    }
    found.extend(later_triggers(client, scripts).explain(explain)?);
    found.extend(heirs(client, plan).explain(explain)?);
    Ok(found)
}

/// Whether the database has the column: it may be behind the migrations.
fn is_there(client: &mut Client, plan: &Plan) -> Result<bool, Failure> {
    const ASK: &str =
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND NOT a.attisdropped)";
    let row = client.query_typed_one(
        ASK,
        &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT), (&plan.old.column, Type::TEXT)],
    )?;
    Ok(row.try_get(0)?)
}

/// Views, policies, functions, … that name the column. The plan's own function does as well.
///
/// # Errors
/// The server's own.
pub fn dependents_of(client: &mut Client, plan: &Plan) -> Result<Vec<String>, Failure> {
    let parameters = dependents::parameters(&plan.object(), Some(&plan.old.column));
    let row = client.query_typed_opt(dependents::QUERY, &[(&parameters, Type::TEXT_ARRAY)])?;
    let answer: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    let all = answer.as_deref().and_then(dependents::read).unwrap_or_default();
    let own = format!("phase_{}", plan.name);
    // a column may be called like a word that stands in every plan's function: select, row, now
    let keyword = render::is_word_of_trigger(&plan.old.column);
    let really = if keyword { functions_quoting(client, &plan.old.column)? } else { Vec::new() };
    let another_plans = |name: &str| keyword && name.starts_with("phase_") && !really.iter().any(|other| other == name);
    let others = all.into_iter().filter(|dependent| {
        dependent.own != own && dependent.own != format!("zz_{own}") && !another_plans(&dependent.own)
    });
    Ok(others.map(|dependent| format!("the {} {} names it", dependent.kind.word(), dependent.name)).collect())
}

/// Functions whose text holds the name in quotes, as plans write it.
fn functions_quoting(client: &mut Client, column: &str) -> Result<Vec<String>, Failure> {
    const ASK: &str = "SELECT p.proname::text FROM pg_catalog.pg_proc p WHERE strpos(p.prosrc, $1) > 0";
    let rows = client.query_typed(ASK, &[(&quote_identifier(column), Type::TEXT)])?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Properties of the column that the new one would not have.
fn shape(client: &mut Client, plan: &Plan) -> Result<Vec<String>, Failure> {
    const ASK: &str = "SELECT a.attacl IS NOT NULL,
          (SELECT l.collname::text FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3";
    if plan.new.is_none() {
        return Ok(Vec::new());
    }
    let row = client.query_typed_one(
        ASK,
        &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT), (&plan.old.column, Type::TEXT)],
    )?;
    let mut found = Vec::new();
    if row.try_get(0)? {
        found.push("roles have privileges on this column alone, which the new column would lack".to_owned());
    }
    if let Some(collation) = row.try_get::<_, Option<String>>(1)? {
        found.push(format!(
            "it has the collation {collation}, which Prisma does not know and the new column would lack"
        ));
    }
    Ok(found)
}

/// Tables that inherit, other than partitions: the trigger of the parent is none of theirs.
fn heirs(client: &mut Client, plan: &Plan) -> Result<Vec<String>, Failure> {
    const ASK: &str = "SELECT i.inhrelid::regclass::text FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhparent
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r' ORDER BY 1";
    let rows = client.query_typed(ASK, &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT)])?;
    rows.iter().map(|row| Ok(format!("the table {} inherits from it", row.try_get::<_, String>(0)?))).collect()
}

/// Triggers that would change the row after the plan's own has looked at it.
fn later_triggers(client: &mut Client, scripts: &Scripts<'_>) -> Result<Vec<String>, Failure> {
    // tgtype: 1 is FOR EACH ROW, 2 is BEFORE, 4 INSERT, 16 UPDATE
    const ASK: &str =
        "SELECT t.tgname::text FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND NOT t.tgisinternal AND t.tgtype & 3 = 3 AND t.tgtype & 20 <> 0
          AND t.tgname::text COLLATE \"C\" > $3 AND t.tgname::text !~ '^zz_phase_' ORDER BY 1";
    let trigger = Names::of(scripts.plan, scripts.default_schema).bare_trigger;
    let rows = client.query_typed(
        ASK,
        &[(&scripts.plan.schema, Type::TEXT), (&scripts.plan.table, Type::TEXT), (&trigger, Type::TEXT)],
    )?;
    let named = |row: &postgres::Row| {
        Ok(format!("the trigger {} fires after the plan's own ({trigger}): rename it", row.try_get::<_, String>(0)?))
    };
    rows.iter().map(named).collect()
}

/// Rows whose value does not go over, by their keys, before the plan begins: at most a few.
///
/// # Errors
/// The server's own: a cast that does not exist, an expression that names no column.
pub fn unfit(client: &mut Client, scripts: &Scripts<'_>) -> Result<Option<String>> {
    let plan = scripts.plan;
    let (Some(forward), true) =
        (scripts.forward(), is_there(client, plan).explain(|| "could not look at the table".into())?)
    else {
        return Ok(None);
    };
    // PostgreSQL says of the expression itself what is wrong with it, also where there are no rows
    let dry = format!("SELECT {forward} FROM {} LIMIT 0", scripts.table());
    let failed = |failure: Failure| {
        Error::usage(format!("the database refuses the expression for {}", plan.title())).because(failure)
    };
    client.batch_execute(&dry).map_err(|error| failed(Failure::from(error)))?;
    if let (Some(back), Some(new)) = (&plan.values.back, &plan.new) {
        let sub = format!(
            "SELECT CAST({back} AS {}) FROM (SELECT *, CAST(NULL AS {}) AS {} FROM {}) AS {} LIMIT 0",
            plan.old.data_type,
            new.data_type,
            quote_identifier(&new.column),
            scripts.table(),
            quote_identifier(&plan.table)
        );
        client.batch_execute(&sub).map_err(|error| failed(Failure::from(error)))?;
    }
    if !plan.values.may_fail {
        return Ok(None);
    }
    let given = match plan.kind {
        Kind::Require => {
            format!("{} IS NOT NULL OR {forward} IS NOT NULL", quote_identifier(&plan.old.column))
        }
        _ if plan.required => format!("{forward} IS NOT NULL"),
        _ => format!("{forward} IS NULL OR {forward} IS NOT NULL"),
    };
    gate::failing(client, scripts, &given).map(|rows| rows.filter(|rows| !rows.is_empty()).map(|rows| rows.join(", ")))
}
