//! Real drafts and their rewrites on a scratch server, and rewrites that must not hold.

use std::path::Path;
use std::sync::LazyLock;

use prisma_safe::catalog::Catalog;
use prisma_safe::env::Env;
use prisma_safe::project::Migration;
use prisma_safe::rename::{Draft, Hints, Options, Replay, Rewrite, Scratch, Stage, Verdict, decide, rewrite};
use prisma_safe::sql::Script;
use prisma_safe::tools::scratch::Search;

/// What stands in a case under `=== title`.
fn section(case: &str, title: &str) -> String {
    let Some((_, rest)) = case.split_once(&format!("=== {title}\n")) else { return String::new() };
    let end = if rest.starts_with("=== ") { Some(0) } else { rest.find("\n=== ") };
    rest[..end.unwrap_or(rest.len())].trim_end().to_owned() + "\n"
}

fn options(case: &str) -> Options {
    let mut options = Options::default();
    for line in section(case, "options").lines().filter(|line| !line.is_empty()) {
        match line.split_once(' ') {
            Some(("--rename", value)) => options.rename.push(value.to_owned()),
            Some(("--delete", value)) => options.delete.push(value.to_owned()),
            _ => panic!("not an option: {line}"),
        }
    }
    options
}

fn migration(sql: String) -> Migration {
    Migration { name: "before".into(), path: "before".into(), sql: sql.into() }
}

fn stage() -> Stage<'static> {
    static ENV: LazyLock<Env> = LazyLock::new(Env::read);
    let search = Search { env: &ENV, pg_bin: None, project: Path::new("/") };
    Stage::start(&Scratch { search, like: None, running: None }).expect("a scratch server")
}

/// One server for all of them.
#[test]
fn every_real_draft_and_its_rewrite_are_equal_and_keep_their_values() {
    let stage = stage();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rename/cases");
    for file in std::fs::read_dir(folder).expect("cases").map(|entry| entry.expect("a case").path()) {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let case = std::fs::read_to_string(&file).expect("a case");
        let before = section(&case, "before");
        let catalog = Catalog::replay("public", [("before", &Script::parse(before.clone()))]);
        let script = Script::parse(section(&case, "draft"));
        let hints = Hints {
            schema_before: vec![section(&case, "schema before")],
            schema_after: vec![section(&case, "schema after")],
            ..Hints::default()
        };
        let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
        let decisions = decide(&draft, &options(&case), None).expect("decisions");
        let rewrite = rewrite(&draft, &decisions).expect("a rewrite");
        let replay = stage.replay(&draft, &[migration(before)], &rewrite);
        match name.as_str() {
            // Prisma's own drafts alter what they create or drop elsewhere, and run on no server
            "removedcolumn" | "removedtable" | "valuetable" => {
                assert!(matches!(&replay.catalog, Verdict::NotDone(why) if why.contains("the draft")), "{replay:?}");
            }
            name => assert_eq!(replay.catalog, Verdict::Equal, "{name}: {replay:?}"),
        }
        match (name.as_str(), &replay.values) {
            // one has an UPDATE of its own, the other renames nothing
            ("comments" | "deleteonly", values) => assert!(matches!(values, Verdict::NotDone(_)), "{replay:?}"),
            (name, values) => assert_eq!(*values, Verdict::Equal, "{name}: {replay:?}"),
        }
    }
}

const BEFORE: &str = "CREATE TYPE \"Role\" AS ENUM ('A', 'B');
CREATE TABLE \"User\" (id SERIAL PRIMARY KEY, mail VARCHAR(12) NOT NULL UNIQUE, role \"Role\" NOT NULL);
CREATE TABLE \"Song\" (
  id INT PRIMARY KEY, artist TEXT NOT NULL, title TEXT NOT NULL, stars INT, price NUMERIC(3,2), tags TEXT[],
  state TEXT NOT NULL, by INT NOT NULL, at TIMESTAMP(3) NOT NULL DEFAULT now(),
  CONSTRAINT \"Song_by_fkey\" FOREIGN KEY (by) REFERENCES \"User\"(id),
  CONSTRAINT some_stars CHECK (stars BETWEEN 1 AND 5), CONSTRAINT states CHECK (state IN ('new', 'old'))
);
CREATE INDEX \"Song_artist_idx\" ON \"Song\"(artist);
COMMENT ON COLUMN \"Song\".artist IS 'who sings';
ALTER TABLE \"Song\" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON \"Song\" USING (by = 1);
GRANT SELECT ON \"Song\" TO somebody;
";
const DRAFT: &str = "DROP INDEX \"Song_artist_idx\";
ALTER TABLE \"Song\" DROP COLUMN artist, DROP COLUMN title, ADD COLUMN singer TEXT NOT NULL, ADD COLUMN name TEXT NOT NULL;
CREATE INDEX \"Song_singer_idx\" ON \"Song\"(singer);
";
const RIGHT: &str = "ALTER TABLE \"Song\" RENAME COLUMN artist TO singer;
ALTER TABLE \"Song\" RENAME COLUMN title TO name;
ALTER INDEX \"Song_artist_idx\" RENAME TO \"Song_singer_idx\";
";

/// What running `text` instead of [`DRAFT`] shows.
fn replayed(stage: &Stage<'_>, before: &str, text: &str) -> Replay {
    let catalog = Catalog::replay("public", [("before", &Script::parse(before))]);
    let (script, hints) = (Script::parse(DRAFT), Hints::default());
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    let given = ["Song.artist:singer", "Song.title:name"].map(str::to_owned).to_vec();
    let options = Options { rename: given, ..Options::default() };
    let rewrite = rewrite(&draft, &decide(&draft, &options, None).expect("decisions")).expect("a rewrite");
    let wrong = Rewrite { text: text.into(), ..rewrite };
    stage.replay(&draft, &[migration(before.to_owned())], &wrong)
}

#[test]
fn rewrites_that_lose_something_do_not_hold() {
    let stage = stage();
    let right = replayed(&stage, BEFORE, RIGHT);
    assert_eq!((&right.catalog, &right.values, right.rows), (&Verdict::Equal, &Verdict::Equal, 24), "{right:?}");
    assert!(right.holds() && right.notes.iter().any(|note| note.contains("comment")), "{right:?}");

    for (wrong, words) in [
        // each other's values
        (
            RIGHT.replace("artist TO singer", "artist TO x").replace("title TO name", "title TO singer")
                + "ALTER TABLE \"Song\" RENAME COLUMN x TO name; DROP INDEX \"Song_singer_idx\"; \
               CREATE INDEX \"Song_singer_idx\" ON \"Song\"(singer);",
            "other values than",
        ),
        // the draft itself loses them, on tables that take it
        (
            DRAFT.replace("NOT NULL", "NOT NULL DEFAULT ''")
                + "ALTER TABLE \"Song\" ALTER singer DROP DEFAULT, ALTER name DROP DEFAULT;",
            "other values than",
        ),
        (RIGHT.replace("Song_singer_idx", "Song_singer_i"), "index public.\"Song_singer_idx\" is missing"),
        (RIGHT.to_owned() + "ALTER TABLE \"Song\" ALTER singer DROP NOT NULL;", "NULL instead of NOT NULL"),
        (RIGHT.to_owned() + "ALTER TABLE \"Song\" DROP CONSTRAINT some_stars;", "some_stars is missing"),
        (RIGHT.to_owned() + "ALTER TABLE \"Song\" ADD CONSTRAINT more CHECK (true);", "more is additional"),
        (RIGHT.to_owned() + "DROP POLICY own ON \"Song\";", "own is missing"),
        (RIGHT.to_owned() + "ALTER TABLE \"Nobody\" ADD x INT;", "does not run"),
    ] {
        let replay = replayed(&stage, BEFORE, &wrong);
        assert!(!replay.holds(), "{wrong}: {replay:?}");
        let told = [replay.catalog.differences(), replay.values.differences()].concat().join("\n");
        assert!(told.contains(words), "{wrong}: {told}");
    }
}

#[test]
fn what_is_in_the_way_is_told_and_nothing_is_called_equal() {
    let stage = stage();
    for (before, text, words) in [
        (format!("{BEFORE}CREATE EXTENSION no_such_thing;"), RIGHT.to_owned(), "no_such_thing"),
        (format!("{BEFORE}CREATE VIEW v AS SELECT artist FROM \"Song\";"), RIGHT.to_owned(), "the draft does not run"),
        (
            format!("{BEFORE}CREATE TYPE box3 AS (x int); ALTER TABLE \"Song\" ADD strange box3 NOT NULL;"),
            RIGHT.to_owned(),
            "values of type box3 are not made",
        ),
        (
            format!("{BEFORE}ALTER TABLE \"Song\" ADD CONSTRAINT never CHECK (artist ~ '^[0-9]{{12}}$');"),
            RIGHT.to_owned(),
            "no rows to compare in Song",
        ),
        (BEFORE.to_owned(), format!("{RIGHT}UPDATE \"Song\" SET stars = 1;"), "changes rows by itself"),
        (BEFORE.to_owned(), format!("{RIGHT}ALTER TABLE \"Song\" ADD x INT NOT NULL;"), "adds the required column x"),
    ] {
        let replay = replayed(&stage, &before, &text);
        let told = format!("{replay:?}");
        assert!(told.contains(words), "{text}: {told}");
        assert!(
            matches!(replay.catalog, Verdict::NotDone(_)) || matches!(replay.values, Verdict::NotDone(_)),
            "{told}"
        );
    }
}

/// What cannot run in a transaction runs in a copy.
#[test]
fn statements_that_stand_alone_are_replayed_too() {
    let stage = stage();
    let alone = |text: &str| {
        text.replace("ALTER INDEX \"Song_artist_idx\" RENAME TO \"Song_singer_idx\";", "DROP INDEX CONCURRENTLY \"Song_artist_idx\"; CREATE INDEX CONCURRENTLY \"Song_singer_idx\" ON \"Song\"(singer);")
    };
    let replay = replayed(&stage, BEFORE, &alone(RIGHT));
    assert_eq!((&replay.catalog, &replay.values), (&Verdict::Equal, &Verdict::Equal), "{replay:?}");
    let before = format!("{BEFORE}CREATE INDEX CONCURRENTLY more ON \"Song\"(title);");
    assert_eq!(replayed(&stage, &before, RIGHT).values, Verdict::Equal);
}
