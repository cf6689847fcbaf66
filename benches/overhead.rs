//! What prisma-safe costs beside plain Prisma, in one run. Ends with status 1 over a limit.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::process::ExitCode;

mod measure;
#[path = "../tests/support/mod.rs"]
mod support;

use measure::{Check, Cost, interleaved, report};
use support::Project;

/// Runs of a program that ends in milliseconds, in one measurement.
const BATCH: u32 = 25;

const PRISMA_SAFE: &str = env!("CARGO_BIN_EXE_prisma-safe");

fn main() -> ExitCode {
    report(&[deploy(), small()].concat())
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
        &|arguments| project.command("sh", arguments),
        1,
        0,
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
        &|arguments| project.command("sh", arguments),
        BATCH,
        0,
        [
            &[PRISMA_SAFE, "--version"],
            &[PRISMA_SAFE, "generate"],
            &["node", "node_modules/prisma/build/index.js", "generate"],
        ],
    );
    let overhead = Cost { cpu: ours.cpu - node.cpu, wall: ours.wall - node.wall };
    vec![
        milliseconds("prisma-safe --version", version, 10.0),
        milliseconds("overhead of a passed-through command", overhead, 30.0),
    ]
}

fn milliseconds(what: &str, cost: Cost, limit: f64) -> Check {
    Check { what: what.to_owned(), value: cost.cpu * 1e3, wall: Some(cost.wall * 1e3), limit, unit: " ms" }
}
