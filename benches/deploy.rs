//! What a safe deploy costs the database, in one run: applying in one transaction against Prisma's own apply of the same file,
//! and how long a reader stands still behind a deploy that meets a lock. Ends with status 1 over a limit.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prisma_safe::catalog::Catalog;
use prisma_safe::database::DatabaseUrl;
use prisma_safe::deploy::{NoHook, Prepared, Route, Runner, Settings};
use prisma_safe::project::Migration;

#[path = "../tests/support/mod.rs"]
mod support;

use support::{Database, Prisma, Project};

const ROUNDS: usize = 5;
const ROWS: usize = 500_000;
/// Work that the server does, so that the way to it is what differs.
const SQL: &str = "ALTER TABLE \"Song\" ALTER COLUMN \"plays\" TYPE BIGINT;\n\
                   CREATE INDEX \"Song_title_idx\" ON \"Song\"(\"title\");\n\
                   UPDATE \"Song\" SET \"title\" = upper(\"title\");\n";
const NAME: &str = "20250102000000_work";
const APPLY_LIMIT: f64 = 1.1;
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// Beyond the lock timeout.
const STALL_LIMIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let (ours, theirs) = apply();
    let ratio = ours / theirs;
    println!("atomic apply {ours:.2} s, Prisma's own {theirs:.2} s: {ratio:.2} (limit {APPLY_LIMIT})");
    let stall = stall();
    let limit = LOCK_TIMEOUT + STALL_LIMIT;
    println!("longest stall of a reader {:.2} s (limit {:.2} s)", stall.as_secs_f64(), limit.as_secs_f64());
    if ratio <= APPLY_LIMIT && stall <= limit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn songs() -> Project {
    let table = "CREATE TABLE \"Song\" (\"isrc\" TEXT PRIMARY KEY, \"title\" TEXT NOT NULL, \"plays\" INT NOT NULL);\n";
    Project::on(Prisma::V7).migration("20250101000000_init", table).rows("Song", ROWS)
}

/// Medians in seconds. Prisma's own time is that of a deploy without the one that finds nothing pending.
fn apply() -> (f64, f64) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let project = songs();
    for _ in 0..ROUNDS {
        let copy = project.database().copy();
        let start = Instant::now();
        runner(&copy, LOCK_TIMEOUT, 0).apply(&prepared(SQL), &mut NoHook).expect("applied");
        ours.push(start.elapsed().as_secs_f64());

        let copy = project.database().copy();
        let deploy = || {
            let start = Instant::now();
            let mut command = project.command("node_modules/.bin/prisma", ["migrate", "deploy"]);
            let output = command.env("DATABASE_URL", copy.url()).output().expect("Prisma");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            start.elapsed().as_secs_f64()
        };
        let idle = deploy();
        project.add_migration(NAME, SQL);
        theirs.push(deploy() - idle);
        std::fs::remove_dir_all(project.path(&format!("prisma/migrations/{NAME}"))).expect("it was there");
    }
    (median(ours), median(theirs))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A report holds the table open; the deploy waits for it, and every reader behind the deploy.
fn stall() -> Duration {
    let project = songs();
    let mut report = project.database().connect();
    report.batch_execute("BEGIN; SELECT count(*) FROM \"Song\"").expect("a report");
    let stop = Arc::new(AtomicBool::new(false));
    let (mut client, stopped) = (project.database().connect(), Arc::clone(&stop));
    let reader = thread::spawn(move || {
        let mut longest = Duration::ZERO;
        while !stopped.load(Ordering::Relaxed) {
            let start = Instant::now();
            client.batch_execute("SELECT 1 FROM \"Song\" LIMIT 1").expect("a read");
            longest = longest.max(start.elapsed());
        }
        longest
    });
    let add = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INT;\n";
    runner(project.database(), LOCK_TIMEOUT, 2).apply(&prepared(add), &mut NoHook).expect_err("the report goes on");
    stop.store(true, Ordering::Relaxed);
    reader.join().expect("a reader")
}

fn runner(database: &Database, lock_timeout: Duration, lock_retries: u32) -> Runner {
    let settings = Settings {
        lock_timeout,
        statement_timeout: Duration::ZERO,
        lock_retries,
        deploy_wait: Duration::ZERO,
        show_queries: true,
        end_idle: None,
    };
    Runner::open(DatabaseUrl::parse(database.url()).expect("a URL"), settings, Arc::default()).expect("a connection")
}

fn prepared(sql: &str) -> Prepared {
    let migration = Migration { name: NAME.into(), path: NAME.into(), sql: sql.into() };
    match Prepared::route(&migration, &Catalog::new("public"), None).expect("a way") {
        Route::Atomic(prepared) => prepared,
        Route::Alone { why, .. } => panic!("{why}"),
        Route::Sections(_) => panic!("a plain migration is applied as a whole"),
    }
}
