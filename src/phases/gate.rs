//! What must be true on a database before the old structure goes. Each piece of evidence is shown, whether it holds or not.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use postgres::Client;
use postgres::types::Type;

use super::obstacles;
use super::plan::{Kind, Plan};
use super::render::Scripts;
use super::rows::{self, Key, NAMED, Of};
use super::standing::{Stage, Standing};
use crate::database::Failure;
use crate::error::{Explain as _, Result};
use crate::sql::tokens::tokens;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its name in a report.
    pub what: &'static str,
    /// Whether it lets the contract through; none where it could not be looked at and need not be.
    pub holds: Option<bool>,
    /// For people.
    pub said: String,
    /// The environment that it is of, where that is not the target.
    pub environment: Option<String>,
}

impl Evidence {
    fn new(what: &'static str, holds: impl Into<Option<bool>>, said: impl Into<String>) -> Self {
        Self { what, holds: holds.into(), said: said.into(), environment: None }
    }
}

/// Whether the contract may be written.
pub fn is_open(evidence: &[Evidence]) -> bool {
    evidence.iter().all(|each| each.holds != Some(false))
}

/// Looks at a database.
///
/// # Errors
/// The server's own.
pub fn look(client: &mut Client, scripts: &Scripts<'_>, standing: &Standing, after: Duration) -> Result<Vec<Evidence>> {
    let stage = if scripts.plan.kind.fills() { Stage::Backfilled } else { Stage::Expanded };
    let mut evidence = vec![Evidence::new(
        "phases",
        standing.stage == stage,
        match standing.stage == stage {
            true => format!("this database is {}", stage.word()),
            false => format!("this database is {}; {} is needed", standing.stage.word(), stage.word()),
        },
    )];
    if standing.stage != stage {
        return Ok(evidence);
    }
    evidence.extend(rows_agree(client, scripts)?);
    evidence.push(silence(scripts.plan, standing, after));
    if scripts.plan.kind != Kind::Require {
        evidence.push(statements(client, scripts));
        evidence.push(dependents(client, scripts)?);
    }
    Ok(evidence)
}

/// Looks at another environment's database, which the contract meets too. One that the plan has not reached gets its phases one after
/// the other; one that cannot be asked is for a person to judge.
///
/// # Errors
/// The server's own.
pub fn elsewhere(
    client: Result<(Client, Standing)>,
    scripts: &Scripts<'_>,
    environment: &str,
    after: Duration,
) -> Result<Vec<Evidence>> {
    let evidence = match client {
        Err(error) => vec![Evidence::new("phases", None, format!("could not be asked: {error}"))],
        Ok((mut client, standing)) => match standing.stage {
            Stage::Contracted | Stage::Aborted => Vec::new(),
            Stage::NotBegun => {
                vec![Evidence::new("phases", None, "the plan has not begun here: its phases come one after the other")]
            }
            _ => look(&mut client, scripts, &standing, after)?,
        },
    };
    Ok(evidence.into_iter().map(|each| Evidence { environment: Some(environment.to_owned()), ..each }).collect())
}

/// The keys of rows that do not fit, for people; none without such a table.
pub(super) fn failing(client: &mut Client, scripts: &Scripts<'_>, fits: &str) -> Result<Option<Vec<String>>> {
    let (object, quoted) = (scripts.plan.object(), scripts.table());
    let mut find = || -> Result<_, Failure> {
        let Some(key) = Key::of(client, &object)? else { return Ok(None) };
        let keys = rows::unfit(client, Of { object: &object, quoted: &quoted, key: &key }, fits, "true", NAMED + 1)?;
        Ok(Some(keys.iter().map(|values| key.said(values)).collect()))
    };
    find().explain(|| format!("could not look at the rows of {object}"))
}

fn rows_agree(client: &mut Client, scripts: &Scripts<'_>) -> Result<Option<Evidence>> {
    let Some(differs) = scripts.differs() else { return Ok(None) };
    let found = failing(client, scripts, &format!("NOT ({differs})"))?.unwrap_or_default();
    let more = if found.len() > NAMED { ", and more" } else { "" };
    Ok(Some(match found.get(..found.len().min(NAMED)).unwrap_or_default() {
        [] => Evidence::new("rows", true, "no row differs"),
        named if scripts.plan.keeps_all() => {
            let (new, named) = (scripts.plan.new_columns(), named.join(" · "));
            let said = format!("rows differ: {named}{more}; their old values do not come back from {new}");
            Evidence::new("rows", false, said)
        }
        named => Evidence::new("rows", false, format!("rows differ: {}{more}", named.join(" · "))),
    }))
}

/// Since when the old release has written nothing.
fn silence(plan: &Plan, standing: &Standing, after: Duration) -> Evidence {
    let needed = format!("{} is needed ([contract] after in prisma-safe.toml)", length(after));
    let Some(since) = standing.last_old_write.max(standing.expanded) else {
        return Evidence::new("silence", false, "since when the old release has written nothing is not known");
    };
    let quiet = Timestamp::now().duration_since(since);
    let holds = SignedDuration::try_from(after).is_ok_and(|after| quiet >= after);
    let quiet = length(quiet.unsigned_abs());
    Evidence::new(
        "silence",
        holds,
        match standing.last_old_write {
            // a view keeps no note of who writes through it
            None if plan.kind == Kind::Table => format!("the view has served the old name for {quiet}; {needed}"),
            Some(last) => format!("the old release last wrote {quiet} ago, at {last}; {needed}"),
            None => format!("the old release has written nothing since the expand, {quiet} ago; {needed}"),
        },
    )
}

/// `7d`, `3h`, `20s`: the largest unit that is not none.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// What `pg_stat_statements` has counted that names the old column. Without the extension nothing is known, and that is said.
fn statements(client: &mut Client, scripts: &Scripts<'_>) -> Evidence {
    match counted(client) {
        Ok(Some((queries, since))) => {
            let naming = queries.iter().filter(|query| names(query, scripts)).count();
            let since =
                since.map_or_else(|| "its statistics begin".to_owned(), |since| format!("they were reset at {since}"));
            match naming {
                0 => Evidence::new(
                    "statements",
                    true,
                    format!("pg_stat_statements knows no statement that names the old {} since {since}", what(scripts)),
                ),
                some => Evidence::new(
                    "statements",
                    false,
                    format!(
                        "pg_stat_statements counts {some} statements that name the old {} since {since}; where they are older than \
                         the expand, reset it: SELECT pg_stat_statements_reset()",
                        what(scripts)
                    ),
                ),
            }
        }
        Ok(None) => Evidence::new("statements", None, "not looked at: pg_stat_statements is not installed here"),
        Err(failure) => Evidence::new("statements", None, format!("not looked at: {failure}")),
    }
}

fn what(scripts: &Scripts<'_>) -> &'static str {
    if scripts.plan.kind == Kind::Table { "table" } else { "column" }
}

/// The texts of statements, and since when they are counted.
type Counted = (Vec<String>, Option<String>);

/// The statements of this database; none without the extension.
fn counted(client: &mut Client) -> Result<Option<Counted>, Failure> {
    const FIND: &str = "SELECT quote_ident(n.nspname), to_regclass(format('%I.pg_stat_statements_info', n.nspname)) IS NOT NULL
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'";
    let Some(found) = client.query_typed_opt(FIND, &[])? else { return Ok(None) };
    let (schema, dated): (String, bool) = (found.try_get(0)?, found.try_get(1)?);
    let ask = format!(
        "SELECT s.query FROM {schema}.pg_stat_statements s JOIN pg_catalog.pg_database d ON d.oid = s.dbid
         WHERE d.datname = current_database() AND s.query IS NOT NULL"
    );
    let queries =
        client.query_typed(&ask, &[])?.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;
    let since = match dated {
        true => {
            let ask = format!("SELECT stats_reset::text FROM {schema}.pg_stat_statements_info");
            client.query_typed_opt(&ask, &[])?.map(|row| row.try_get(0)).transpose()?
        }
        false => None,
    };
    Ok(Some((queries, since)))
}

/// Whether a statement of an application's names an old column. Those that name a new one too are of the phases.
fn names(query: &str, scripts: &Scripts<'_>) -> bool {
    let words: Vec<String> = tokens(query).iter().filter_map(|token| token.identifier()).collect();
    let has = |name: &str| words.iter().any(|word| word == name);
    let plan = scripts.plan;
    let definition = ["alter", "create", "comment", "do", "drop", "copy", "lock"];
    let old = plan.kind == Kind::Table || plan.old.iter().any(|old| has(&old.column));
    old && has(&plan.table)
        && !plan.renamed.as_ref().is_some_and(|renamed| has(&renamed.table))
        && !plan.new.iter().any(|new| has(&new.column))
        && !words.first().is_some_and(|word| definition.contains(&word.as_str()))
}

fn dependents(client: &mut Client, scripts: &Scripts<'_>) -> Result<Evidence> {
    let found =
        obstacles::dependents_of(client, scripts.plan).explain(|| "could not look for what names the column".into())?;
    Ok(match found.as_slice() {
        [] => Evidence::new("dependents", true, "no view, function, policy or trigger names it"),
        found => Evidence::new("dependents", false, found.join("; ")),
    })
}

/// When the trigger last saw the old release write; none where it has seen nothing, or there is none.
pub(super) fn last_old_write(client: &mut Client, schema: &str, sequence: &str) -> Result<Option<Timestamp>, Failure> {
    const FIND: &str =
        "SELECT s.last_value FROM pg_catalog.pg_sequences s WHERE s.schemaname = $1 AND s.sequencename = $2";
    let row = client.query_typed_opt(FIND, &[(&schema, Type::TEXT), (&sequence, Type::TEXT)])?;
    // NULL as long as it was not called
    let seconds: Option<i64> = row.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phases::Plan;

    const PLAN: &str = "kind = \"rename\"\nmodel = \"Song\"\nschema = \"public\"\ntable = \"Song\"\nrequired = false\n\
        [old]\nfield = \"artist\"\ncolumn = \"artist\"\ntype = \"TEXT\"\n\
        [new]\nfield = \"artist_name\"\ncolumn = \"artist_name\"\ntype = \"TEXT\"\n\
        [values]\nforward = \"artist\"\nback = \"artist_name\"\n[migrations]\nexpand = \"1_expand\"\n\
        [before]\nfield = \"artist String?\"\n[contract]\nsql = \"SELECT 1\"\n";

    /// What `pg_stat_statements` keeps of an old release, a new one, and of ourselves.
    #[test]
    fn statements_of_the_old_release_are_told_from_others() {
        let plan = Plan::parse("song_artist", PLAN).unwrap();
        let scripts = Scripts { plan: &plan, default_schema: "public", shown: "" };
        for query in [
            r#"SELECT "public"."Song"."id", "public"."Song"."artist" FROM "public"."Song" WHERE $1 = $2 OFFSET $3"#,
            r#"UPDATE "Song" SET "artist" = $1 WHERE "id" = $2"#,
            "select artist from \"Song\"",
        ] {
            assert!(names(query, &scripts), "{query}");
        }
        for query in [
            r#"SELECT "id", "artist_name" FROM "Song""#,
            r#"SELECT "artist" FROM "Album""#,
            r#"UPDATE "Song" SET "artist_name" = "artist" WHERE "artist_name" IS NULL"#,
            r#"ALTER TABLE "Song" ALTER COLUMN "artist" DROP NOT NULL"#,
            r#"COPY "Song" ("artist") TO STDOUT"#,
            r#"SELECT 'artist' FROM "Song""#,
        ] {
            assert!(!names(query, &scripts), "{query}");
        }
    }

    #[test]
    fn statements_under_a_tables_old_name_are_of_the_old_release() {
        const TABLE: &str = "kind = \"table\"\nmodel = \"Song\"\nschema = \"public\"\ntable = \"Song\"\n\
            [renamed]\nmodel = \"Track\"\ntable = \"Track\"\n[migrations]\nexpand = \"1_expand\"\n[contract]\nsql = \"SELECT 1\"\n";
        let plan = Plan::parse("song_track", TABLE).unwrap();
        let scripts = Scripts { plan: &plan, default_schema: "public", shown: "" };
        for (query, old) in [
            (r#"SELECT "public"."Song"."id" FROM "public"."Song" WHERE $1 = $2"#, true),
            (r#"INSERT INTO "Song" ("title") VALUES ($1) RETURNING "id""#, true),
            (r#"SELECT "id" FROM "Track""#, false),
            (r#"CREATE VIEW "Song" AS SELECT * FROM "Track""#, false),
            (r#"DROP VIEW "Song""#, false),
        ] {
            assert_eq!(names(query, &scripts), old, "{query}");
        }
        assert!(scripts.contract().unwrap().ends_with("DROP VIEW \"Song\";\n"));
        assert!(Plan::parse("p", &TABLE.replace("table = \"Track\"", "table = \"Song\"")).is_err());
    }
}
