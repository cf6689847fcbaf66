//! Renames on the real engine and a real PostgreSQL: draft, decision, rewrite, proof, catalog and values.

mod asked;
mod carried;
mod engine;
mod generate;
mod links;
mod rows;
mod ways_out;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use engine::{Engine, Side};
use prisma_safe::catalog::Catalog;
use prisma_safe::catalog::live::{Difference, Live, Without, differences};
use prisma_safe::rename::{Decision, Draft, Hints, Options, Rename, candidates, decide, prove, rewrite};
use prisma_safe::sql::Script;

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::support::{Database, Prisma};

/// Two states of a schema, and what is decided about the way from one to the other.
#[derive(Debug, Clone, Default)]
struct Change {
    before: String,
    after: String,
    options: Options,
    /// SQL expressions of `n` by `table.column`, where values must be certain ones.
    values: BTreeMap<String, String>,
    /// SQL after the first migration.
    extra: String,
    /// A draft that stands already; else the engine is asked.
    draft: Option<String>,
}

/// What came out: the first migration, the draft, its rewrite.
struct Tried {
    first: String,
    draft: String,
    text: String,
}

/// Where a change is tried: an engine, its database, and one to compare with.
struct Bench {
    prisma: Prisma,
    engine: Engine,
    database: Database,
    other: Database,
}

impl Bench {
    fn new(prisma: Prisma) -> Self {
        let database = Database::new();
        Self { prisma, engine: Engine::start(prisma, &database), database, other: Database::new() }
    }

    /// Everything that must be true of a change; what is not, in words.
    fn try_out(&mut self, change: &Change) -> Result<Tried, String> {
        for database in [&self.database, &self.other] {
            empty(database);
        }
        let mut first = schemas(&change.after);
        first.push_str(&self.engine.diff(&Side::Empty, &Side::Schema(&change.before)));
        first.push_str(&change.extra);
        let own = self.engine.diff(&Side::Schema(&change.before), &Side::Schema(&change.after));
        let draft = change.draft.clone().unwrap_or(own);
        let (text, renames, dropped) = settled(change, &first, &draft)?;

        self.database.execute(&first);
        self.other.execute(&first);
        if apply(&self.other, &draft).is_err() {
            // Prisma drafts some things that no server takes; then what it would build from nothing is the measure
            empty(&self.other);
            self.other.execute(&schemas(&change.after));
            self.other.execute(&self.engine.diff(&Side::Empty, &Side::Schema(&change.after)));
        }
        rows::fill(&self.database, &change.values);
        let before = rows::read(&self.database);
        apply(&self.database, &text).map_err(|error| format!("the rewrite does not run: {error}\n{text}"))?;

        let read = |database: &Database| Live::read(&mut database.connect(), &Without::default()).expect("a catalog");
        let known: Vec<Difference> = differences(&read(&self.other), &read(&self.database));
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let wrong: Vec<&String> =
            known.iter().filter(|line| !change.extra.lines().any(|extra| mentions(extra, line))).collect();
        if !wrong.is_empty() {
            return Err(format!("the catalogs differ: {wrong:#?}\n{text}"));
        }
        let left = self.engine.diff(&Side::Database(&change.after), &Side::Schema(&change.after));
        if !left.is_empty() {
            return Err(format!("{:?} would still do\n{left}\nafter\n{text}", self.prisma));
        }
        let after = rows::read(&self.database);
        let place_after = |place: &rows::Place| {
            if dropped.iter().any(|rename| is_dropped(rename, place)) {
                return None;
            }
            let place = moved(&renames, place);
            let there = after.get(&place.0)?;
            let asked = renames.iter().any(|rename| leads_to(rename, &place));
            (asked || there.first().is_none_or(|row| row.contains_key(&place.1))).then_some(place)
        };
        let called = |value: String| {
            let renamed = renames.iter().find_map(|rename| match rename {
                Rename::EnumValue { from, to, .. } if *from == value => Some(to.clone()),
                _ => None,
            });
            renamed.unwrap_or(value)
        };
        let lost = rows::lost(&before, &after, place_after, called);
        if lost.is_empty() {
            Ok(Tried { first, draft, text })
        } else {
            Err(format!("values are not where they should be: {lost:#?}\n{text}"))
        }
    }
}

/// An extra object's own words in a line about a difference: it is kept where the draft loses it.
fn mentions(extra: &str, line: &str) -> bool {
    extra.split_whitespace().nth(2).is_some_and(|name| line.contains(name.trim_matches('"')))
        || extra.split("CONSTRAINT ").nth(1).is_some_and(|rest| {
            rest.split_whitespace().next().is_some_and(|name| line.contains(name.trim_matches('"')))
        })
}

/// The rewrite, with what is renamed and what is dropped by decision.
fn settled(change: &Change, first: &str, draft: &str) -> Result<(String, Vec<Rename>, Vec<Rename>), String> {
    let before = Script::parse(first.to_owned());
    let catalog = Catalog::replay("public", [("before", &before)]);
    let script = Script::parse(draft.to_owned());
    let hints = Hints {
        schema_before: vec![change.before.clone()],
        schema_after: vec![change.after.clone()],
        ..Hints::default()
    };
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    let wrong = |error: prisma_safe::error::Error| format!("{error:?}\n{}", script.text());
    let decisions = decide(&draft, &change.options, None).map_err(wrong)?;
    let result = rewrite(&draft, &decisions).map_err(wrong)?;
    let proof = prove(&draft, &result).map_err(wrong)?;
    if !proof.holds() {
        return Err(format!("the proof fails: {:#?}\n{}", proof.differences, result.text));
    }
    let certain = candidates(&draft).into_iter().filter(|candidate| candidate.certain);
    let wrong: Vec<_> = certain.filter(|candidate| !result.renames.contains(&candidate.rename)).collect();
    if !wrong.is_empty() {
        return Err(format!("wrongly certain: {wrong:#?}\n{}", script.text()));
    }
    let dropped = decisions.candidates.iter().filter(|candidate| candidate.decision == Decision::Delete);
    let dropped = dropped.map(|candidate| candidate.rename.clone()).collect();
    Ok((result.text.to_string(), result.renames, dropped))
}

fn empty(database: &Database) {
    database.execute(
        "DO $$ DECLARE s text; BEGIN \
         FOR s IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' \
         LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END $$; CREATE SCHEMA public",
    );
}

/// Prisma creates the schemas that a data source names before it does anything else.
fn schemas(text: &str) -> String {
    let list = text.split_once("schemas").and_then(|(_, rest)| rest.split_once('[')?.1.split_once(']'));
    let names = list.into_iter().flat_map(|(list, _)| list.split(','));
    names.map(|name| format!("CREATE SCHEMA IF NOT EXISTS {};\n", name.trim())).collect()
}

/// As a whole; statement by statement where PostgreSQL wants an enum's new value committed first.
fn apply(database: &Database, sql: &str) -> Result<(), String> {
    let mut client = database.connect();
    let Err(error) = client.batch_execute(sql) else { return Ok(()) };
    if !error.to_string().contains("unsafe use of new value") && error.code().is_none_or(|code| code.code() != "55P04")
    {
        return Err(format!("{error:?}"));
    }
    let mut client = database.connect();
    let script = Script::parse(sql.to_owned());
    for statement in script.statements() {
        client.batch_execute(&sql[statement.range.clone()]).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

fn full(name: &prisma_safe::catalog::ObjectName) -> String {
    format!("{}.{}", name.schema, name.name)
}

fn is_dropped(rename: &Rename, (table, column): &rows::Place) -> bool {
    match rename {
        Rename::Table { from, .. } => full(from) == *table,
        Rename::Column { table: of, from, .. } => full(of) == *table && from == column,
        Rename::Enum { .. } | Rename::EnumValue { .. } => false,
    }
}

/// Where a column's values are after the renames.
fn moved(renames: &[Rename], (table, column): &rows::Place) -> rows::Place {
    let target = renames.iter().find_map(|rename| match rename {
        Rename::Table { from, to, .. } if full(from) == *table => Some(full(to)),
        _ => None,
    });
    let name = renames.iter().find_map(|rename| match rename {
        Rename::Column { table: of, from, to } if full(of) == *table && from == column => Some(to.clone()),
        _ => None,
    });
    (target.unwrap_or_else(|| table.clone()), name.unwrap_or_else(|| column.clone()))
}

fn leads_to(rename: &Rename, (_, column): &rows::Place) -> bool {
    matches!(rename, Rename::Column { to, .. } if to == column)
}

/// One file of `cases/`.
fn case(path: &Path) -> Change {
    let text = std::fs::read_to_string(path).expect("a case");
    let section = |title: &str| -> Option<String> {
        let (_, rest) = text.split_once(&format!("=== {title}\n"))?;
        let end = if rest.starts_with("=== ") { Some(0) } else { rest.find("\n=== ").map(|at| at + 1) };
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    };
    let mut options = Options::default();
    for line in section("options").unwrap_or_default().lines() {
        match line.split_once(' ') {
            Some(("--rename", value)) => options.rename.push(value.to_owned()),
            Some(("--delete", value)) => options.delete.push(value.to_owned()),
            _ => {}
        }
    }
    let values = section("values").unwrap_or_default();
    let values = values.lines().filter_map(|line| line.split_once(": "));
    Change {
        before: section("schema before").unwrap_or_default(),
        after: section("schema after").unwrap_or_default(),
        options,
        values: values.map(|(place, value)| (place.to_owned(), value.to_owned())).collect(),
        extra: section("extra").unwrap_or_default(),
        draft: None,
    }
}

/// Completes a case that has only the schema's two states.
fn bless(path: &Path, tried: &Tried) {
    let text = std::fs::read_to_string(path).expect("a case");
    if !text.contains("=== draft\n") {
        let Tried { first, draft, text: rewrite } = tried;
        let text = format!("{text}=== before\n{first}\n=== draft\n{draft}\n=== rewrite\n{rewrite}");
        std::fs::write(path, text).expect("the case");
    }
}

/// Every case, drafted anew by the engine.
fn every_case(prisma: Prisma) {
    let mut bench = Bench::new(prisma);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rename/cases");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("cases").map(|entry| entry.expect("a case").path()).collect();
    paths.sort();
    if let Ok(only) = std::env::var("CASE") {
        paths.retain(|path| path.file_stem().is_some_and(|name| only.split(',').any(|only| name == only)));
    }
    let mut wrong = Vec::new();
    for path in &paths {
        let change = case(path);
        match bench.try_out(&change) {
            Ok(tried) if std::env::var_os("BLESS").is_some() => bless(path, &tried),
            Ok(_) => {}
            Err(error) => {
                wrong.push(format!("{}: {error}", path.file_stem().unwrap_or_default().to_string_lossy()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), paths.len(), wrong.join("\n\n"));
}

#[test]
fn every_case_is_real_on_7() {
    every_case(Prisma::V7);
}

#[test]
fn every_case_is_real_on_6() {
    every_case(Prisma::V6);
}

/// Changes at random, each drafted by the engine: decided, rewritten, proved, applied to rows, compared.
#[test]
fn whatever_is_renamed_keeps_its_values() {
    let bench = RefCell::new(Bench::new(Prisma::V7));
    let cases = std::env::var("CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(12);
    let config = Config { cases, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&generate::plans(), |plan| {
        let change = plan.change();
        let tried = bench.borrow_mut().try_out(&change);
        tried.map(drop).map_err(|error| {
            let Change { before, after, options, .. } = &change;
            TestCaseError::fail(format!("{error}\n{before}\n{after}\n{options:?}"))
        })
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
