//! What a rehearsal costs beside restoring the backup alone, in one run on a generated database: interleaved, medians, as a
//! ratio. Ends with status 1 over the limit.
//!
//! `PRISMA_SAFE_BENCH_MB` is the size of the database (default 1200), `PRISMA_SAFE_BENCH_ROUNDS` how often each runs (default 3).
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "benchmarks start programs and print")]

use std::process::ExitCode;
use std::time::Instant;

#[path = "common/database.rs"]
mod database;
#[path = "../tests/support/mod.rs"]
mod support;

use support::Project;

/// The database holds more than this many megabytes.
const MEGABYTES: u64 = 1200;
const ROUNDS: usize = 3;
/// Clone, deploy and comparison come on top of restoring, and may take this much of it.
const LIMIT: f64 = 1.6;

/// An ordinary step: a rename, a new column with its index, a backfill, a column that goes.
const MIGRATION: &str = r#"
ALTER TABLE "Post" RENAME COLUMN "title" TO "headline";
ALTER TABLE "User" ADD COLUMN "locale" TEXT NOT NULL DEFAULT 'en';
UPDATE "User" SET "locale" = 'de' WHERE id % 10 = 0;
CREATE INDEX "User_locale_idx" ON "User" ("locale");
ALTER TABLE "AuditLog" ADD COLUMN "source" TEXT;
-- prisma-safe:allow drop-column(Account.filler): never read
ALTER TABLE "Account" DROP COLUMN "filler";
"#;

fn main() -> ExitCode {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let rounds = number("PRISMA_SAFE_BENCH_ROUNDS", ROUNDS as u64).max(1);
    let project = Project::prisma7().migration("20250101000000_init", "SELECT 1;\n").applied();
    let size = database::fill(&mut project.database().connect(), number("PRISMA_SAFE_BENCH_MB", MEGABYTES));
    println!("a database of {size:.0} MB with its indexes");
    project.write(
        "prisma-safe.toml",
        "[backup]\nproof = \"read\"\n[rehearsal]\nmax-lock-seconds = 0\nmax-duration-seconds = 0\n",
    );
    project.run(["backup"]).succeeds();
    project.add_migration("20250102000000_next", MIGRATION);
    let (mut restored, mut rehearsed) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        restored.push(seconds(|| drop(project.run(["backup", "verify", "--proof", "restored"]).succeeds())));
        rehearsed.push(seconds(|| drop(project.run(["rehearse"]).succeeds())));
    }
    let (restored, rehearsed) = (median(restored), median(rehearsed));
    let ratio = rehearsed / restored;
    let verdict = if ratio <= LIMIT { "" } else { " OVER" };
    println!("| what | prisma-safe | beside | ratio | limit |\n|---|---|---|---|---|");
    println!(
        "| restoring and rehearsing | {rehearsed:.1} s | restoring alone: {restored:.1} s | {ratio:.2}{verdict} | {LIMIT} |"
    );
    if ratio <= LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(work: impl FnOnce()) -> f64 {
    // nobody waits for the disk to take what another one wrote
    rustix::fs::sync();
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
