//! What a database holds that a column in phases would break, and what its rows say. Only names and keys leave the server.

use postgres::Client;
use postgres::types::Type;

use super::plan::{Kind, Plan, Side};
use super::render::Scripts;
use super::{Names, gate, render};
use crate::database::Failure;
use crate::database::dependents::{self, Dependent, Kind::View};
use crate::error::{Error, Explain as _, Result};
use crate::sql::quote_identifier;

/// What blocks a plan on this database, a clause each; empty where nothing does.
///
/// # Errors
/// The server's own.
pub fn against(client: &mut Client, scripts: &Scripts<'_>) -> Result<Vec<String>> {
    let plan = scripts.plan;
    let explain = || format!("could not look at {}", plan.old_columns());
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

/// What rules out a view under a table's old name, and what that view can be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Viewed {
    /// A clause each; empty where nothing does.
    pub against: Vec<String>,
    /// The view can have the rights of who asks; else it gets those of the table.
    pub invoker: bool,
    /// What sends the table's rows to subscribers, who know it by its name.
    pub publication: Option<String>,
}

/// What a view under the old name would not do as the table does.
///
/// # Errors
/// The server's own.
pub fn against_table(client: &mut Client, plan: &Plan) -> Result<Viewed, Failure> {
    const ASK: &str = "SELECT c.relrowsecurity,
          (SELECT min(p.pubname::text) FROM pg_catalog.pg_publication_tables p WHERE p.schemaname = n.nspname AND p.tablename = c.relname)
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
    let version = client.query_typed_one("SELECT current_setting('server_version_num')::int", &[])?;
    let mut viewed = Viewed { invoker: version.try_get::<_, i32>(0)? >= 150_000, ..Viewed::default() };
    for row in client.query_typed(ASK, &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT)])? {
        if row.try_get(0)? && !viewed.invoker {
            viewed.against.push("it has row level security, which a view passes by before PostgreSQL 15".to_owned());
        }
        viewed.publication = row.try_get(1)?;
    }
    Ok(viewed)
}

/// Whether the database has the columns: it may be behind the migrations.
fn is_there(client: &mut Client, plan: &Plan) -> Result<bool, Failure> {
    const ASK: &str =
        "SELECT count(*) = cardinality($3) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND a.attname::text = ANY ($3) AND NOT a.attisdropped";
    let columns: Vec<&str> = plan.old.iter().map(|old| old.column.as_str()).collect();
    let row = client
        .query_typed_one(ASK, &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT), (&columns, Type::TEXT_ARRAY)])?;
    Ok(row.try_get(0)?)
}

/// Views, policies, functions, … that name an old column. The plan's own function does as well.
///
/// # Errors
/// The server's own.
pub fn dependents_of(client: &mut Client, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    let columns = plan.old.iter().map(|old| Some(old.column.as_str()));
    // a table's plan is about the name that a view has
    for column in columns.chain((plan.kind == Kind::Table).then_some(None)) {
        for dependent in dependents_on(client, plan, column)? {
            if !found.contains(&dependent) {
                found.push(dependent);
            }
        }
    }
    Ok(found)
}

fn dependents_on(client: &mut Client, plan: &Plan, column: Option<&str>) -> Result<Vec<String>, Failure> {
    let parameters = dependents::parameters(&plan.object(), column);
    let row = client.query_typed_opt(dependents::QUERY, &[(&parameters, Type::TEXT_ARRAY)])?;
    let answer: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    let all = answer.as_deref().and_then(dependents::read).unwrap_or_default();
    let own = format!("phase_{}", plan.name);
    // a column may be called like a word that stands in every plan's function: select, row, now
    let keyword = column.is_some_and(render::is_word_of_trigger);
    let really = match column.filter(|_| keyword) {
        Some(column) => functions_quoting(client, column)?,
        None => Vec::new(),
    };
    let another_plans = |name: &str| keyword && name.starts_with("phase_") && !really.iter().any(|other| other == name);
    // to PostgreSQL a view depends on itself
    let itself = |dependent: &Dependent| column.is_none() && dependent.kind == View && dependent.own == plan.table;
    let others = all.into_iter().filter(|dependent| {
        !itself(dependent)
            && dependent.own != own
            && dependent.own != format!("zz_{own}")
            && !another_plans(&dependent.own)
    });
    Ok(others.map(|dependent| format!("the {} {} names it", dependent.kind.word(), dependent.name)).collect())
}

/// Functions whose text holds the name in quotes, as plans write it.
fn functions_quoting(client: &mut Client, column: &str) -> Result<Vec<String>, Failure> {
    const ASK: &str = "SELECT p.proname::text FROM pg_catalog.pg_proc p WHERE strpos(p.prosrc, $1) > 0";
    let rows = client.query_typed(ASK, &[(&quote_identifier(column), Type::TEXT)])?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Properties of the old columns that the new ones would not have.
fn shape(client: &mut Client, plan: &Plan) -> Result<Vec<String>, Failure> {
    const ASK: &str = "SELECT a.attacl IS NOT NULL,
          (SELECT l.collname::text FROM pg_catalog.pg_collation l JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
           WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3";
    let mut found = Vec::new();
    for old in plan.old.iter().filter(|_| plan.kind.replaces()) {
        let row = client.query_typed_one(
            ASK,
            &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT), (&old.column, Type::TEXT)],
        )?;
        let column = &old.column;
        if row.try_get(0)? {
            found.push(format!("roles have privileges on the column {column} alone, which a new column would lack"));
        }
        if let Some(collation) = row.try_get::<_, Option<String>>(1)? {
            found.push(format!(
                "{column} has the collation {collation}, which Prisma does not know and a new column would lack"
            ));
        }
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

/// Rows that would not go over, by their keys: at most a few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// An expression gives nothing for them, or fails.
    Forward(String),
    /// The new columns would not give their old values back.
    Back(String),
}

/// Looks for rows that would not go over, before the plan begins.
///
/// # Errors
/// The server's own: a cast that does not exist, an expression that names no column.
pub fn unfit(client: &mut Client, scripts: &Scripts<'_>) -> Result<Option<Unfit>> {
    let plan = scripts.plan;
    let fills = scripts.fills();
    if fills.is_empty() || !is_there(client, plan).explain(|| "could not look at the table".into())? {
        return Ok(None);
    }
    try_out(client, scripts, &fills)?;
    if !plan.may_fail {
        return Ok(None);
    }
    let given = |(side, (target, value)): (&Side, &(String, String))| match plan.kind {
        Kind::Require => format!("({target} IS NOT NULL OR {value} IS NOT NULL)"),
        _ if side.required => format!("{value} IS NOT NULL"),
        _ => format!("({value} IS NULL OR {value} IS NOT NULL)"),
    };
    let given: Vec<String> = plan.targets().iter().zip(&fills).map(given).collect();
    if let Some(rows) = named(gate::failing(client, scripts, &given.join(" AND "))?) {
        return Ok(Some(Unfit::Forward(rows)));
    }
    if !plan.keeps_all() {
        return Ok(None);
    }
    let Some(returns) = scripts.returns() else { return Ok(None) };
    if let Some(rows) = named(gate::failing(client, scripts, &returns)?) {
        return Ok(Some(Unfit::Back(rows)));
    }
    if plan.old.iter().any(|old| old.required && old.default.is_none()) {
        return Ok(None);
    }
    let row = left_out(client, scripts, &returns).map_err(|failure| refused(scripts, failure))?;
    Ok((!row).then(|| Unfit::Back(format!("that leave {} out", plan.old_columns()))))
}

/// Whether a condition holds for a row in which the old columns have their defaults: there may be no such row yet.
fn left_out(client: &mut Client, scripts: &Scripts<'_>, fits: &str) -> Result<bool, Failure> {
    const ASK: &str =
        "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    let plan = scripts.plan;
    let mut columns = Vec::new();
    for row in client.query_typed(ASK, &[(&plan.schema, Type::TEXT), (&plan.table, Type::TEXT)])? {
        let (name, of): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let default = plan.old.iter().find(|old| old.column == name).and_then(|old| old.default.as_deref());
        columns.push(format!("CAST({} AS {of}) AS {}", default.unwrap_or("NULL"), quote_identifier(&name)));
    }
    let table = quote_identifier(&plan.table);
    let ask = format!("SELECT ({fits}) IS TRUE FROM (SELECT {}) AS {table}", columns.join(", "));
    Ok(client.query_typed_one(&ask, &[])?.try_get(0)?)
}

fn named(rows: Option<Vec<String>>) -> Option<String> {
    rows.filter(|rows| !rows.is_empty()).map(|rows| rows.join(", "))
}

fn refused(scripts: &Scripts<'_>, failure: Failure) -> Error {
    Error::usage(format!("the database refuses the expression for {}", scripts.plan.title())).because(failure)
}

/// PostgreSQL says of the expressions themselves what is wrong with them, also where there are no rows.
fn try_out(client: &mut Client, scripts: &Scripts<'_>, fills: &[(String, String)]) -> Result<()> {
    let (plan, table) = (scripts.plan, scripts.table());
    let values: Vec<&str> = fills.iter().map(|(_, value)| value.as_str()).collect();
    let mut tries = vec![format!("SELECT {} FROM {table} LIMIT 0", values.join(", "))];
    if plan.kind.replaces() {
        let value = |side: &Side| Some(format!("CAST({} AS {})", side.value.as_deref()?, side.data_type));
        let back: Vec<String> = plan.old.iter().filter_map(value).collect();
        let empty: Vec<String> =
            plan.new.iter().map(|new| format!("CAST(NULL AS {}) AS {}", new.data_type, new.quoted())).collect();
        tries.push(format!(
            "SELECT {} FROM (SELECT *, {} FROM {table}) AS {} LIMIT 0",
            back.join(", "),
            empty.join(", "),
            quote_identifier(&plan.table)
        ));
    }
    tries.iter().try_for_each(|each| client.batch_execute(each).map_err(|error| refused(scripts, error.into())))
}
