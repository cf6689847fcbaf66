//! What a backfill costs beside everyone else's work: a million rows in batches against one plain UPDATE, how long a batch holds its
//! rows, and how long a writer of single rows stands still meanwhile. Ends with status 1 over a limit.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use prisma_safe::backfill::{self, Job};
use prisma_safe::database::DatabaseUrl;
use prisma_safe::phases::Plans;
use prisma_safe::phases::settings::Backfill;
use prisma_safe::ui::Shell;
use prisma_safe::ui::shell::ColorChoice;

#[path = "../tests/support/mod.rs"]
mod support;

use support::{Database, Project};

const ROWS: usize = 1_000_000;
const SCHEMA: &str = "model Song {\n  id     Int    @id\n  artist String\n  title  String\n  plays  Int\n}\n";
const SQL: &str = "CREATE TABLE \"Song\" (\"id\" INTEGER NOT NULL, \"artist\" TEXT NOT NULL, \"title\" TEXT NOT NULL, \"plays\" INTEGER NOT NULL,\n\
                   CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"id\"));\n";
const WRITERS: usize = 2;
/// Times as long as one UPDATE, which nobody else can work beside.
const RATIO_LIMIT: f64 = 3.0;
const LOCK_LIMIT: Duration = Duration::from_millis(200);
const STALL_LIMIT: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let project = Project::prisma7().schema(SCHEMA).migration("20250101000000_init", SQL).rows("Song", ROWS);
    project.run(["phases", "rename", "Song.artist:artist_name"]).succeeds();
    project.prisma(["migrate", "deploy"]).succeeds();

    let copy = project.database().copy();
    let start = Instant::now();
    copy.execute("UPDATE \"Song\" SET \"artist_name\" = \"artist\" WHERE \"artist_name\" IS NULL");
    let plain = start.elapsed();
    drop(copy);

    let copy = project.database().copy();
    let alone = fill(&project, &copy);
    drop(copy);
    let ratio = alone.took.as_secs_f64() / plain.as_secs_f64();
    println!(
        "{ROWS} rows in {} batches {:.1} s, one UPDATE {:.1} s: {ratio:.2} (limit {RATIO_LIMIT})",
        alone.batches,
        alone.took.as_secs_f64(),
        plain.as_secs_f64()
    );

    let copy = project.database().copy();
    let (beside, stall, writes) = beside_writers(&project, &copy);
    let wrong = copy.value("SELECT count(*) FROM \"Song\" WHERE \"artist\" IS DISTINCT FROM \"artist_name\"");
    let longest = alone.longest.max(beside.longest);
    println!("longest that a batch held its rows {} ms (limit {} ms)", longest.as_millis(), LOCK_LIMIT.as_millis());
    println!(
        "longest stall of {WRITERS} writers of single rows {} ms (limit {} ms), {writes} writes in {:.1} s, {wrong} rows differ",
        stall.as_millis(),
        STALL_LIMIT.as_millis(),
        beside.took.as_secs_f64()
    );
    let fits = ratio <= RATIO_LIMIT && longest <= LOCK_LIMIT && stall <= STALL_LIMIT && wrong == "0";
    if fits { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fill(project: &Project, database: &Database) -> backfill::Done {
    let plans = Plans::read(&project.path("prisma/migrations")).expect("plans");
    let plan = plans.chosen(None).expect("the plan");
    let url = DatabaseUrl::parse(database.url()).expect("a URL");
    let shell = Shell::new(true, 0, ColorChoice::Never, true, &|_| None);
    let job = Job { plan, url: &url, settings: Backfill::default(), keep_going: false };
    backfill::run(&job, &shell).expect("filled")
}

/// The same while others write single rows, each by its key; and the longest that one of them had to wait.
fn beside_writers(project: &Project, database: &Database) -> (backfill::Done, Duration, u64) {
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (mut client, over) = (database.connect(), Arc::clone(&over));
            thread::spawn(move || {
                let update =
                    client.prepare("UPDATE \"Song\" SET \"artist\" = $1 WHERE \"id\" = $2").expect("a statement");
                let (mut longest, mut writes) = (Duration::ZERO, 0_u64);
                let mut id = 1 + number;
                while !over.load(Ordering::Relaxed) {
                    // every part of the table, the batch at work among them
                    id = (id * 7_919 + 13) % ROWS + 1;
                    let key = i32::try_from(id).expect("a key");
                    let start = Instant::now();
                    client.execute(&update, &[&format!("written {writes}"), &key]).expect("a write");
                    longest = longest.max(start.elapsed());
                    writes += 1;
                }
                (longest, writes)
            })
        })
        .collect();
    let done = fill(project, database);
    over.store(true, Ordering::Relaxed);
    let ends: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer")).collect();
    let longest = ends.iter().map(|(longest, _)| *longest).max().unwrap_or_default();
    (done, longest, ends.iter().map(|(_, writes)| writes).sum())
}
