//! What a deploy says: little where all is well, the same again never, and the true cause where it is not.

use crate::support::Project;

const TRAM: &str = "model Tram {\n  id   Int    @id\n  line String\n}\n";
const INIT: &str = "CREATE TABLE \"Tram\" (\"id\" INTEGER NOT NULL, \"line\" TEXT NOT NULL, CONSTRAINT \"Tram_pkey\" PRIMARY KEY (\"id\"));\n";

fn trams() -> Project {
    let project = Project::prisma7().schema(TRAM).migration("20250101000000_init", INIT).applied();
    project.database().execute("INSERT INTO \"Tram\" SELECT n, 'line ' || n FROM generate_series(1, 50) n");
    project
}

/// Our own lines: Prisma's on stderr begin with words of its own.
fn ours(stderr: &str) -> Vec<&str> {
    let prismas =
        |line: &&str| !line.is_empty() && !line.starts_with("Loaded Prisma") && !line.starts_with("Prisma schema");
    stderr.lines().filter(prismas).collect()
}

/// The whole history of a project that has lived: code that was not read, columns that became required, columns that went.
#[test]
fn a_first_install_goes_as_plain_prisma_lets_it_and_is_brief() {
    let project = Project::prisma7().schema(&TRAM.replace("line String", "line String\n  depot String"));
    project.add_migration("20250101000000_init", INIT);
    project.add_migration(
        "20250102000000_fill",
        "DO $$ BEGIN EXECUTE 'INSERT INTO \"Tram\" SELECT n, n::text FROM generate_series(1, 0) n'; END $$;\n",
    );
    project.add_migration(
        "20250103000000_depot",
        "ALTER TABLE \"Tram\" ADD COLUMN \"depot\" TEXT NOT NULL;\nALTER TABLE \"Tram\" ADD COLUMN \"old\" TEXT;\n",
    );
    project.add_migration("20250104000000_old", "ALTER TABLE \"Tram\" DROP COLUMN \"old\";\n");
    let deployed = project.run(["migrate", "deploy"]).succeeds().says("for an empty database");
    assert!(ours(&deployed.stderr).len() <= 9, "{}", deployed.stderr);
}

#[test]
fn a_harmless_deploy_says_what_matters_in_eight_lines_and_drift_once() {
    let project = trams();
    project.set_schema(&TRAM.replace("line String", "line String\n  note String?\n  more Int?"));
    project.add_migration(
        "20250102000000_note",
        "ALTER TABLE \"Tram\" ADD COLUMN \"note\" TEXT;\nALTER TABLE \"Tram\" ADD COLUMN \"more\" INTEGER;\n",
    );
    let first = project.run(["migrate", "deploy"]).succeeds();
    let lines = ours(&first.stderr);
    assert!(lines.len() <= 8, "{} lines:\n{}", lines.len(), first.stderr);
    for said in [
        "Target database",
        "Reviewed 20250102000000_note: pass, no findings (plan ",
        "Backed up ",
        "3 tables, 5",
        "restored)",
        "Rehearsed 1 migration on a copy of the backup: ",
        "50 rows in 1 table compared, every value kept",
        "Applying 20250102000000_note in one transaction",
        "Verified history, catalog, rows, indexes, constraints, sequences, drift",
    ] {
        // the history is a table, too
        let said = if said == "3 tables, 5" { "2 tables, 5" } else { said };
        assert!(first.stderr.contains(said), "{said}\n{}", first.stderr);
    }
    assert!(!first.stderr.contains('\u{1b}') && !first.stderr.contains('\r'), "no step lines without a terminal");

    // an index of no schema is drift for ever: told once
    let index = |name: &str| {
        format!(
            "CREATE INDEX \"{name}\" ON \"Tram\" (lower(\"line\")) WHERE \"line\" <> '';\nCREATE INDEX \"{name}_plain\" ON \"Tram\" (\"line\");\n"
        )
    };
    project.add_migration("20250103000000_a", &index("a"));
    project.run(["migrate", "deploy"]).succeeds().says("drift: DROP INDEX \"a_plain\"");
    project.add_migration("20250104000000_b", &index("b"));
    let second =
        project.run(["migrate", "deploy"]).succeeds().says("drift: DROP INDEX \"b_plain\"").says("1 statement told");
    second.says_nothing_of("\"a_plain\"");
    project.add_migration("20250105000000_c", "ALTER TABLE \"Tram\" ALTER COLUMN \"note\" SET DEFAULT 'x';\nALTER TABLE \"Tram\" ALTER COLUMN \"note\" DROP DEFAULT;\n");
    let third = project.run(["migrate", "deploy"]).succeeds();
    third.says_nothing_of("DROP INDEX");
    project.run(["verify"]).succeeds().says("DROP INDEX \"a_plain\"").says("DROP INDEX \"b_plain\"");

    project.add_migration("20250106000000_d", "ALTER TABLE \"Tram\" ADD COLUMN \"last\" TEXT;\n");
    let told = project.run(["migrate", "deploy", "-v"]).succeeds();
    for said in [
        "Checking",
        "Reviewing",
        "Backing up",
        "Rehearsing",
        "blocks all access to Tram",
        "unlike production: ",
        "rows: public",
    ] {
        assert!(told.stderr.contains(said), "{said}\n{}", told.stderr);
    }
}

#[test]
fn a_value_that_does_not_fit_is_told_with_its_statement_and_column() {
    let project = trams();
    project.add_migration(
        "20250102000000_number",
        "-- prisma-safe:allow narrow-type(Tram.line): all are numbers\nALTER TABLE \"Tram\" ALTER COLUMN \"line\" TYPE INTEGER USING \"line\"::integer;\n",
    );
    for more in [&[][..], &["--skip-rehearsal", "--reason", "a test"]] {
        let told =
            project.run(["migrate", "deploy"].iter().chain(more)).exits(1).says("at line 2: ALTER TABLE \"Tram\"");
        let told = told.says("\"line 1\"").says("A value of Tram.line does not fit the new type");
        let (_, error) = told.stderr.split_once("\nerror: ").expect("an error");
        assert!(!error.contains("undo"), "{error}");
    }
    // the journal holds what a person read, not a debugger's words
    project.run(["status"]).exits(1).says("failed").says_nothing_of("Failed:");
}

#[test]
fn prismas_advice_to_reset_does_not_reach_production() {
    let project = trams().production();
    project.database().execute("ALTER TABLE \"Tram\" ADD COLUMN byhand int");
    project.set_schema(&TRAM.replace("line String", "line String\n  note String?"));
    let told = project.run(["migrate", "dev", "--name", "note"]).exits(3).says("is production").says("byhand");
    told.says("migrate resolve --applied").says_nothing_of("migrate reset").says_nothing_of("All data will be lost");

    let moved = project.path("db");
    std::fs::rename(project.path("prisma/migrations"), &moved).expect("moved");
    let told = project
        .run(["migrate", "dev", "--name", "note"])
        .exits(3)
        .says("prisma/migrations does not hold 20250101000000_init");
    told.says("migrations.path").says_nothing_of("migrate reset");
    project.run(["migrate", "deploy"]).succeeds().says("migrations.path").says_nothing_of("older than the last deploy");
    project.run(["status"]).exits(1).says("they are in db").says("migrations.path").says_nothing_of("up to date");
}

#[test]
fn a_review_of_everything_is_counted_by_rule_and_repeats_nothing() {
    let project = Project::prisma7();
    for number in 0..12 {
        let sql = format!(
            "CREATE TABLE \"T{number}\" (\"id\" INTEGER PRIMARY KEY, \"a\" TEXT);\nALTER TABLE \"Old{number}\" DROP COLUMN \"gone\";\n"
        );
        project.add_migration(&format!("202501010000{number:02}_t"), &sql);
    }
    let told = project.run(["review", "--all", "--offline"]).exits(3);
    assert!(told.stdout.contains("by rule") && told.stdout.contains("accepted"), "{told}");
    let row = told.stdout.lines().find(|line| line.starts_with("drop-column ")).expect("a row");
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["drop-column", "12", "-", "-", "-"], "{told}");
    assert_eq!(told.stdout.matches("error[drop-column]: drops").count(), 3, "{told}");
    assert!(told.stdout.contains("error[drop-column]: 9 more like these"), "{told}");
}
