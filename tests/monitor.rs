//! `monitor` and `report` after a deploy: what the server counts since, and the deployment as a page.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::support::project::Project;
use crate::support::schema::assert_valid;
use crate::support::{Database, Key, Terminal, soon};

const SONG: &str = "model Song {\n  id     Int    @id\n  artist String\n}\n";
const INIT: &str = "CREATE TABLE \"Song\" (\"id\" INTEGER NOT NULL, \"artist\" TEXT NOT NULL, PRIMARY KEY (\"id\"));\n";
const INDEX: &str = "-- <script>\nCREATE INDEX \"Song_artist_idx\" ON \"Song\"(\"artist\");\n\
                     CREATE TABLE \"<script>\" (\"id\" INTEGER NOT NULL, PRIMARY KEY (\"id\"));\n";

fn check<'a>(document: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let found = document["checks"].as_array().expect("checks").iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {document:#}"))
}

fn blocked(database: &Database) -> bool {
    database
        .value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        == "1"
}

#[test]
fn a_deployment_is_watched_and_becomes_a_page() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).rows("Song", 50);
    project.add_migration("20250201000000_index", INDEX);
    project.run(["deploy"]).succeeds();

    // the page that the deploy has left, made again
    let output = project.run(["report"]).succeeds();
    let path = output.stdout.trim().to_owned();
    let page = std::fs::read_to_string(&path).expect("the page");
    for part in [
        "finished</b>: deployment to 127.0.0.1",
        "Song_artist_idx",
        "&quot;&lt;script&gt;&quot;",
        "proof: restored",
        "reversible without loss",
        "class=\"writers\"",
        "the database is as it should be",
    ] {
        assert!(page.contains(part), "{part} is not in {path}");
    }
    assert!(
        !page.contains("<script") && !page.contains("http:") && !page.contains("https:"),
        "nothing is fetched or run"
    );
    assert!(!page.contains("p@ss") && !page.contains("p%40ss"), "no password");
    project.run(["report", "1999"]).exits(2).says("no deployment's name begins with 1999");
    project.run(["report", "--list"]).succeeds().says("/music_");

    // healthy, with what the statistics could not tell
    let document = project.run(["monitor", "--format", "json"]).succeeds().json();
    assert_valid("monitor", &document);
    assert_eq!(document["verdict"], "healthy", "{document:#}");
    assert_eq!(document["rollback"], "prisma-safe rollback 20250201000000_index");
    let indexes = check(&document, "index use");
    assert!(indexes["notes"][0].as_str().expect("a note").contains("Song_artist_idx"), "{indexes}");
    assert_eq!(check(&document, "statements")["status"], "unchecked", "the extension is not there");
    let html = project.run(["monitor", "--format", "html"]).succeeds();
    assert!(html.stdout.starts_with("<!doctype html>") && html.stdout.contains("<b>healthy</b>"), "{}", html.stdout);

    watched_at_a_terminal(&project);

    // who waits for a lock, a broken index, a constraint that is not validated
    let database = project.database();
    database.execute("ALTER TABLE \"Song\" ADD CONSTRAINT long CHECK (length(artist) > 100) NOT VALID");
    let unique = database.connect().batch_execute("CREATE UNIQUE INDEX CONCURRENTLY one ON \"Song\" ((1))");
    assert!(unique.is_err(), "it leaves an invalid index");
    let mut holder = database.connect();
    holder.batch_execute("BEGIN; LOCK TABLE \"Song\"").expect("a lock");
    let url = database.url().to_owned();
    let waiter = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).expect("a session");
        client.batch_execute("SELECT FROM \"Song\"").expect("rows");
    });
    soon("the waiter waits", || blocked(database));
    let watched = soon_json(&project);
    drop(holder);
    waiter.join().expect("the waiter");
    assert_valid("monitor", &watched);
    assert_eq!(watched["verdict"], "watch", "{watched:#}");
    assert!(check(&watched, "blocked sessions")["cure"].as_str().expect("a cure").contains("pg_terminate_backend("));
    assert_eq!(check(&watched, "invalid indexes")["cure"], "DROP INDEX CONCURRENTLY public.one;");
    assert!(check(&watched, "constraints")["cure"].as_str().expect("a cure").contains("VALIDATE CONSTRAINT long"));

    // a failed migration is a reason to go back, and ends a long watch at once
    database.execute("UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '20250201000000_index'");
    let failed = project.run(["monitor", "--for", "1h", "--every", "1s", "--format", "json"]).exits(3).json();
    assert_valid("monitor", &failed);
    assert_eq!((&failed["verdict"], &check(&failed, "history")["status"]), (&"rollBack".into(), &"failed".into()));
    assert_eq!(failed["looks"].as_array().expect("looks").len(), 1);

    // a rollback is a new beginning: its state is what everything is compared with
    database.execute("UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL");
    database.execute("ALTER TABLE \"Song\" DROP CONSTRAINT long");
    database.execute("DROP INDEX one");
    project.run(["rollback"]).succeeds();
    project.run(["verify"]).succeeds().says("compared with the rollback of");
    let document = project.run(["monitor", "--format", "json"]).succeeds().json();
    assert!(document["since"].as_str().expect("a beginning").starts_with("the rollback of"), "{document:#}");
    assert_eq!(check(&document, "last rollback")["status"], "passed");
    assert_eq!(
        document["rollback"], "prisma-safe rollback 20250101000000_init",
        "what is rolled back is not named again"
    );
}

/// Each look takes the place of the one before, also after the terminal has become narrower; Ctrl-C ends it without an error.
fn watched_at_a_terminal(project: &Project) {
    const PROGRAM: &str = env!("CARGO_BIN_EXE_prisma-safe");
    const WATCH: [&str; 4] = ["monitor", "--watch", "--every", "1s"];
    let lines = |text: &str, columns: usize| -> usize {
        text.lines().map(|line| console::measure_text_width(line).div_ceil(columns).max(1)).sum()
    };
    let mut terminal = Terminal::resized(&project.command(PROGRAM, WATCH), 120, 40);
    terminal.sees("(since: ").sees("healthy").sees("\r\n");
    // each byte of the mark is seen as a character of its own
    let seen = terminal.seen().replace("â\u{9c}\u{93}", "x");
    let first = &seen[seen.rfind("127.0.0.1:").expect("the target")..];
    assert!(lines(first, 120) < lines(first, 40), "{first}");
    terminal.sees(&format!("\x1b[{}A", lines(first, 120))).sees("healthy");
    terminal.sees(&format!("\x1b[{}A", lines(first, 40))).sees("healthy");
    terminal.press(Key::CtrlC);
    let (status, seen) = terminal.ends();
    assert_eq!(status, 130, "{seen}");
    assert!(!seen.contains("error"), "{seen}");

    // a terminal that is too small shows the verdict and what has room: nothing is left above its first row
    const ROWS: usize = 6;
    let mut small = Terminal::sized(&project.command(PROGRAM, WATCH), ROWS, 120);
    small.sees("more checks, for which the terminal is too small: prisma-safe monitor").sees("healthy").sees("\r\n");
    let seen = small.seen().to_owned();
    let look = &seen[seen.rfind("127.0.0.1:").expect("the target")..];
    let rows = lines(look, 120);
    assert!((3..ROWS).contains(&rows), "{look}");
    small.sees(&format!("\x1b[{rows}A")).sees("healthy").press(Key::CtrlC);
    assert_eq!(small.ends().0, 130);

    // for a file or a pipe the looks follow each other, and nothing moves a cursor
    let mut piped = project.command(PROGRAM, WATCH).stdout(Stdio::piped()).spawn().expect("a program");
    let mut output = BufReader::new(piped.stdout.take().expect("stdout")).lines();
    let looks = output.by_ref().map_while(Result::ok).filter(|line| {
        assert!(!line.contains('\x1b'), "{line:?}");
        line.starts_with("healthy")
    });
    assert_eq!(looks.take(2).count(), 2);
    piped.kill().expect("a kill");
    piped.wait().expect("an end");
}

/// A wait counts when it lasts five seconds.
fn soon_json(project: &Project) -> serde_json::Value {
    let mut document = serde_json::Value::Null;
    soon("the wait is long", || {
        document = project.run(["monitor", "--format", "json"]).succeeds().json();
        check(&document, "blocked sessions")["status"] == "warned"
    });
    document
}

#[test]
fn a_review_says_how_far_each_migration_can_be_taken_back() {
    let project = Project::prisma7().schema(SONG).migration("20250101000000_init", INIT).applied();
    project.add_migration("20250201000000_drop", "ALTER TABLE \"Song\" DROP COLUMN \"artist\";\n");
    project.add_migration("20250202000000_call", "SELECT reset_everything();\n");
    let review = |more: &[&str]| project.run([&["review", "--offline", "--all"], more].concat());
    let document = review(&["--format", "json"]).exits(3).json();
    assert_valid("review", &document);
    let migrations = document["migrations"].as_array().expect("migrations").iter();
    let grades: Vec<&str> = migrations.map(|it| it["undo"]["grade"].as_str().expect("a grade")).collect();
    assert_eq!(grades, ["reversible", "kept", "backup"]);
    review(&[]).exits(3).says("undo: 20250202000000_call: only from the backup (");
    for format in ["markdown", "github", "sarif", "html"] {
        let output = review(&["--format", format]).exits(3);
        assert!(output.stdout.contains("reversible from kept data"), "{format}: {}", output.stdout);
    }
    let refused =
        |name: &str, exit| project.run(["review", "--offline", name, "--fail-on", "irreversible"]).exits(exit);
    refused("20250101000000_init", 0);
    refused("20250202000000_call", 3).says("can be undone from a backup only: 20250202000000_call");
}
