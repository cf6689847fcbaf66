//! What prisma-safe costs beside plain Prisma, in one run: interleaved, medians, as ratios. Ends with status 1 over a limit.
//!
//! CPU is what counts; wall time is shown beside it.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::process::ExitCode;

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::cost::{self, Cost};

use support::Project;

/// Rounds in which every contender runs once.
const ROUNDS: usize = 9;

/// Runs of a program that ends in milliseconds, in one round: the shell counts in hundredths of a second.
const BATCH: u32 = 25;

const PRISMA_SAFE: &str = env!("CARGO_BIN_EXE_prisma-safe");

fn main() -> ExitCode {
    let checks = [deploy(), small()].concat();
    let width = checks.iter().map(|check| check.what.len()).max().unwrap_or_default();
    for Check { what, cpu, limit, unit, wall } in &checks {
        let verdict = if cpu <= limit { "ok" } else { "OVER" };
        println!("{what:<width$}  CPU {cpu:6.2}{unit}  (limit {limit}{unit})  wall {wall:6.2}{unit}  {verdict}");
    }
    if checks.iter().all(|check| check.cpu <= check.limit) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A measured value and its limit.
#[derive(Clone)]
struct Check {
    what: &'static str,
    cpu: f64,
    wall: f64,
    limit: f64,
    unit: &'static str,
}

impl Check {
    fn ratio(what: &'static str, ours: Cost, theirs: Cost, limit: f64) -> Self {
        Self { what, cpu: ours.cpu / theirs.cpu, wall: ours.wall / theirs.wall, limit, unit: "" }
    }

    fn milliseconds(what: &'static str, cost: Cost, limit: f64) -> Self {
        Self { what, cpu: cost.cpu * 1e3, wall: cost.wall * 1e3, limit, unit: " ms" }
    }
}

/// `migrate deploy` with nothing pending, on a database that holds rows.
fn deploy() -> Vec<Check> {
    let project = Project::prisma7()
        .schema("model Song {\n  isrc   String @id\n  artist String\n}\n")
        .migration(
            "20250101000000_init",
            "CREATE TABLE \"Song\" (\"isrc\" TEXT PRIMARY KEY, \"artist\" TEXT NOT NULL);\n",
        )
        .rows("Song", 1_000);
    let entry = project.path("node_modules/prisma/build/index.js").display().to_string();
    let [ours, npx, node] = interleaved(
        &project,
        1,
        [
            &[PRISMA_SAFE, "migrate", "deploy"],
            &["npx", "prisma", "migrate", "deploy"],
            &["node", &entry, "migrate", "deploy"],
        ],
    );
    vec![
        Check::ratio("migrate deploy, nothing pending / npx prisma", ours, npx, 1.0),
        Check::ratio("migrate deploy, nothing pending / node …/prisma", ours, node, 1.1),
    ]
}

/// What needs no database: with a Prisma that does nothing, so that only the difference is left.
fn small() -> Vec<Check> {
    let project = Project::prisma7().package("prisma", "7.10.1", "");
    let [version, ours, node] = interleaved(
        &project,
        BATCH,
        [
            &[PRISMA_SAFE, "--version"],
            &[PRISMA_SAFE, "generate"],
            &["node", "node_modules/prisma/build/index.js", "generate"],
        ],
    );
    let overhead = Cost { cpu: ours.cpu - node.cpu, wall: ours.wall - node.wall };
    vec![
        Check::milliseconds("prisma-safe --version", version, 10.0),
        Check::milliseconds("overhead of a passed-through command", overhead, 30.0),
    ]
}

/// Every contender once a round, so that a busy moment hits all; after one round that only warms up.
fn interleaved<const N: usize>(project: &Project, batch: u32, contenders: [&[&str]; N]) -> [Cost; N] {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            let cost = run(project, batch, contender);
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    costs.map(|costs| cost::median(&costs))
}

fn run(project: &Project, batch: u32, contender: &[&str]) -> Cost {
    let (script, times) = (cost::script("exit 1"), batch.to_string());
    cost::measure(project.command("sh", ["-c", &script, "sh", &times].iter().chain(contender)), batch)
}
