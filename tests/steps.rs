//! Data steps: a program of the project between two migrations, measured on the copy before it runs.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Output, Project, schema, soon};

const INIT: &str = "CREATE TABLE \"Song\" (\"id\" SERIAL NOT NULL, \"artist\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL, \
                    \"note\" TEXT, CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";
const ADD: &str = "ALTER TABLE \"Song\" ADD COLUMN \"genre\" TEXT;\n";
const DEMAND: &str = "-- prisma-safe:allow set-not-null(Song.genre): the data step before it fills it\nALTER TABLE \"Song\" ALTER COLUMN \"genre\" SET NOT NULL;\n";
/// As a program of a project does it: it knows the database from its environment alone.
const FILL: &str = "import fs from \"node:fs\";\nimport pg from \"pg\";\nconst client = new pg.Client({ connectionString: process.env.DATABASE_URL });\n\
    await client.connect();\nconst done = await client.query(process.env.STATEMENT ?? \"UPDATE \\\"Song\\\" SET genre = 'pop' WHERE genre IS NULL\");\n\
    console.log(`${process.env.PRISMA_SAFE_COPY ? \"copy\" : \"target\"}: ${done.rowCount} rows`);\n\
    if (process.env.FAIL && !process.env.PRISMA_SAFE_COPY) process.exit(7);\n\
    if (process.env.HANG && !process.env.PRISMA_SAFE_COPY) { fs.writeFileSync(\"hangs\", \"\"); setInterval(() => {}, 1000); }\n\
    await client.end();\n";
const STEP: &str = "after = \"20250102000000_add\"\nrun = \"node prisma/data/fill.mjs\"\ntouches = [\"Song.genre\"]\n";

/// 500 songs, and two migrations that need a program between them.
fn filling(step: &str) -> Project {
    let project = Project::prisma7().migration("20250101000000_init", INIT).rows("Song", 500);
    project.add_migration("20250102000000_add", ADD);
    project.add_migration("20250103000000_demand", DEMAND);
    project.write("prisma/data/fill.mjs", FILL);
    project.write("prisma/phases/fill-genre.step.toml", step);
    project
}

fn deploy_with(project: &Project, name: &str, value: &str) -> Output {
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"]);
    command.env(name, value);
    Output::of(format!("{name}=… prisma-safe migrate deploy"), command.output().unwrap())
}

/// A deploy that gets Ctrl-C while its step runs on the target.
fn interrupted(project: &Project) -> Output {
    let arguments = ["migrate", "deploy", "--repeat-step", "fill-genre"];
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), arguments);
    command.env("HANG", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    soon("the step runs", || project.path("hangs").is_file());
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    Output::of("prisma-safe migrate deploy, Ctrl-C".to_owned(), child.wait_with_output().unwrap())
}

fn journal(project: &Project) -> String {
    let records = project.files(".prisma-safe/deployments");
    let last = records.iter().filter(|file| file.ends_with(".jsonl")).max().expect("a journal");
    let text = project.read(last);
    for line in text.lines() {
        schema::assert_valid("journal", &serde_json::from_str(line).unwrap());
    }
    text
}

#[test]
fn a_deploy_runs_a_step_in_its_place_once() {
    let project = filling(STEP);
    let database = project.database();

    // what it changes beyond what it declares is seen on the copy, before anything happens
    let undeclared = "UPDATE \"Song\" SET genre = 'pop', plays = plays + 1; COMMENT ON COLUMN \"Song\".plays IS 'new'";
    deploy_with(&project, "STATEMENT", undeclared)
        .exits(3)
        .says("Song.plays holds other values in 500 rows")
        .says("plays has the comment new instead of none");
    assert_eq!(database.value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'genre'"), "0");

    // it fails: the migration before it stands, the one behind it waits; nobody repeats it unasked
    deploy_with(&project, "FAIL", "1").exits(1).says("the data step fill-genre failed").says("500 rows");
    assert!(journal(&project).contains("\"event\":\"stepFailed\""));
    assert_eq!(database.value("SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"), "2");
    project.run(["migrate", "deploy"]).exits(4).says("--repeat-step fill-genre");
    // Ctrl-C: what it has said until then is shown and kept
    interrupted(&project).exits(130).says("target: 0 rows").says("it is pending again");
    let kept = journal(&project);
    assert!(kept.contains("\"event\":\"stepFailed\"") && kept.contains("\"output\":\"target: 0 rows"), "{kept}");
    let rehearsed = project.run(["rehearse", "--format", "json"]).succeeds().json();
    schema::assert_valid("rehearse", &rehearsed);
    assert_eq!(rehearsed["steps"][0]["name"], "fill-genre", "{rehearsed:#}");
    project.run(["migrate", "deploy", "--repeat-step", "fill-genre"]).succeeds();
    assert!(journal(&project).contains("target: 0 rows"), "{}", journal(&project));
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE genre = 'pop'"), "500");

    // it is done; a rollback of the migration that it follows makes it due again
    project.run(["migrate", "deploy"]).succeeds();
    project.run(["phases", "run", "fill-genre"]).exits(3).says("is not due");
    project.run(["phases", "run", "fill-genre", "--dry-run"]).succeeds().says("the target was left alone");
    project.run(["rollback", "20250102000000_add", "--with-later"]).succeeds();
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(database.value("SELECT count(*) FROM \"Song\" WHERE genre = 'pop'"), "500");
    assert_eq!(database.value("SELECT tries FROM _prisma_safe.data_steps"), "4");
}

#[test]
fn sql_is_a_step_too_and_an_empty_database_skips_it() {
    let step = "after = \"20250102000000_add\"\ntouches = [\"Song.genre\"]\nsql = \"\"\"\nUPDATE \"Song\" SET genre = 'rock' WHERE genre IS NULL\n\"\"\"\n";
    let project = filling(step);
    project.write("prisma/phases/wrong.step.toml", "after = \"20250102000000_add\"\nrun = 1\ntouches = []\n");
    project.run(["migrate", "deploy"]).exits(2).says("wrong.step.toml").says("line 2");
    std::fs::remove_file(project.path("prisma/phases/wrong.step.toml")).unwrap();
    project.run(["migrate", "deploy"]).succeeds();
    assert_eq!(project.database().value("SELECT count(*) FROM \"Song\" WHERE genre = 'rock'"), "500");

    let fresh = Project::prisma7();
    for (name, sql) in [("20250101000000_init", INIT), ("20250102000000_add", ADD), ("20250103000000_demand", DEMAND)] {
        fresh.add_migration(name, sql);
    }
    fresh.write("prisma/phases/fill-genre.step.toml", STEP);
    fresh.run(["migrate", "deploy"]).succeeds().says("the data step fill-genre is skipped");
    fresh.run(["migrate", "deploy"]).succeeds();
    assert_eq!(fresh.database().value("SELECT skipped FROM _prisma_safe.data_steps"), "t");
}
