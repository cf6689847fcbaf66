//! What a deploy takes beside plain Prisma's, in one run, as ratios and as differences: a harmless one on a small database, and a
//! long history with many `CONCURRENTLY` files on an empty one. Ends with status 1 over a limit.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

#[path = "../tests/support/mod.rs"]
mod support;

use support::{Database, Project};

const PRISMA_SAFE: &str = env!("CARGO_BIN_EXE_prisma-safe");
const ROUNDS: usize = 5;
/// Migrations of the long history: one in four is built `CONCURRENTLY`, alone in its file.
const HISTORY: usize = 434;

/// A harmless deploy on a quiet machine takes at most so much more; on a loaded one, the ratio tells.
const HARMLESS_SECONDS: f64 = 1.0;
const HARMLESS_RATIO: f64 = 1.5;
const HISTORY_RATIO: f64 = 2.0;

fn main() -> ExitCode {
    let sound = [
        told("harmless deploy, small database", harmless(), |ours, theirs| {
            ours - theirs <= HARMLESS_SECONDS || ours / theirs <= HARMLESS_RATIO
        }),
        told("434 migrations, empty database", history(), |ours, theirs| ours / theirs <= HISTORY_RATIO),
    ];
    println!(
        "limits: {HARMLESS_SECONDS} s more or {HARMLESS_RATIO} times as long; {HISTORY_RATIO} times as long for the history"
    );
    if sound.iter().all(|sound| *sound) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn told(what: &str, (ours, theirs): (f64, f64), within: fn(f64, f64) -> bool) -> bool {
    let (sound, ratio) = (within(ours, theirs), ours / theirs);
    let verdict = if sound { "ok" } else { "OVER" };
    println!(
        "{what:<32}  prisma-safe {ours:6.2} s  npx prisma {theirs:6.2} s  ratio {ratio:5.2}  {:+.2} s  {verdict}",
        ours - theirs
    );
    sound
}

/// Medians in seconds, ours and theirs, each round on fresh copies of the project's database.
fn beside(project: &Project, rounds: usize) -> (f64, f64) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        for (times, program) in [
            (&mut ours, &[PRISMA_SAFE, "migrate", "deploy"][..]),
            (&mut theirs, &["npx", "prisma", "migrate", "deploy"]),
        ] {
            let took = deploy(project, &project.database().copy(), program);
            // the first round only warms up
            if round > 0 {
                times.push(took);
            }
        }
    }
    (median(ours), median(theirs))
}

fn deploy(project: &Project, database: &Database, program: &[&str]) -> f64 {
    let mut command: Command = project.command(program[0], &program[1..]);
    command.env("DATABASE_URL", database.url()).stdin(Stdio::null());
    let start = Instant::now();
    let output = command.output().expect("a program");
    let took = start.elapsed().as_secs_f64();
    assert!(output.status.success(), "{program:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn harmless() -> (f64, f64) {
    let project = Project::prisma7()
        .schema("model Song {\n  isrc   String @id\n  artist String\n  year   Int?\n}\n")
        .migration(
            "20250101000000_init",
            "CREATE TABLE \"Song\" (\"isrc\" TEXT PRIMARY KEY, \"artist\" TEXT NOT NULL);\n",
        )
        .rows("Song", 1_000);
    project.add_migration("20250102000000_year", "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n");
    beside(&project, ROUNDS)
}

fn history() -> (f64, f64) {
    let project = Project::prisma7();
    for at in 0..HISTORY {
        let table = at / 4;
        let sql = match at % 4 {
            0 => format!("CREATE TABLE \"T{table}\" (\"id\" INTEGER PRIMARY KEY, \"a\" TEXT);\n"),
            1 => format!(
                "ALTER TABLE \"T{table}\" ADD COLUMN \"b\" TEXT, ADD COLUMN \"c\" INTEGER NOT NULL DEFAULT 0;\n"
            ),
            2 => format!("CREATE INDEX CONCURRENTLY \"T{table}_a_idx\" ON \"T{table}\"(\"a\");\n"),
            _ => format!("CREATE UNIQUE INDEX \"T{table}_c_key\" ON \"T{table}\"(\"c\", \"id\");\n"),
        };
        project.add_migration(&format!("{}_m{at}", 20_240_101_000_000_u64 + at as u64), &sql);
    }
    beside(&project, 2)
}
