//! What a review costs beside squawk's command line: many migrations in one run, offline, every rule on; and very many. Ends
//! with status 1 over a limit. The migrations are those of other projects where they are at hand, else the repository's own, over
//! and over.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[path = "common/mod.rs"]
mod common;

use common::cost::{self, Cost};
use common::squawk;
use prisma_safe::rules::RULES;
use serde_json::Value;
use tempfile::TempDir;

/// How many files are reviewed: as many as the corpus has, and so many that whatever grows with their square shows.
const SIZES: [usize; 2] = [262, 2_240];

/// Rounds in which every contender runs once.
const ROUNDS: usize = 5;

/// As much CPU time as squawk takes, at most.
const RATIO: f64 = 1.5;

/// Memory at most, however many files there are.
const MEGABYTES: f64 = 100.0;

const PRISMA_SAFE: &str = env!("CARGO_BIN_EXE_prisma-safe");

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let migrations = migrations(root);
    let within = SIZES.map(|size| check(&migrations.iter().cycle().take(size).collect::<Vec<_>>()));
    if within == [true; 2] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Measures so many files; whether they keep the limits.
fn check(migrations: &[&String]) -> bool {
    let squawk = squawk::installed();
    let folder = TempDir::new().expect("a directory");
    let files = write(migrations, folder.path());
    let optional = RULES.iter().filter(|rule| rule.optional).map(|rule| format!("{} = \"on\"\n", rule.id));
    fs::write(folder.path().join("prisma-safe.toml"), format!("[review.rules]\n{}", optional.collect::<String>()))
        .expect("settings");
    let named = |program: &[&str]| -> Vec<String> {
        program.iter().map(ToString::to_string).chain(files.iter().cloned()).collect()
    };
    let ours = named(&[PRISMA_SAFE, "review", "--offline", "--format", "json"]);
    let theirs = named(&[&squawk.display().to_string()]);
    let [ours_cost, theirs_cost] = interleaved([&ours, &theirs], folder.path());
    let (cpu, wall) = (ours_cost.cpu / theirs_cost.cpu, ours_cost.wall / theirs_cost.wall);
    let start = |python: &Path| {
        let mut command = Command::new(python);
        command.current_dir(folder.path());
        command
    };
    let memory = cost::peak(&squawk.with_file_name("python"), start, &ours);
    let verdict = |good: bool| if good { "ok" } else { "OVER" };
    let (fast, small) = (cpu <= RATIO, memory <= MEGABYTES);
    println!(
        "review of {} files / squawk  CPU {cpu:5.2}  (limit {RATIO})  wall {wall:5.2}  {}",
        files.len(),
        verdict(fast)
    );
    println!("peak memory                    {memory:5.1} MB (limit {MEGABYTES:.0} MB)  {}", verdict(small));
    println!("review {:.3} s, squawk {:.3} s of CPU", ours_cost.cpu, theirs_cost.cpu);
    fast && small
}

/// Every contender once a round, so that a busy moment hits all; after one round that only warms up.
fn interleaved<const N: usize>(contenders: [&[String]; N], directory: &Path) -> [Cost; N] {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            let mut shell = Command::new("sh");
            // both end with another status where they find something
            shell.args(["-c", &cost::script("true"), "sh", "1"]).args(*contender).current_dir(directory);
            let cost = cost::measure(shell, 1);
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    costs.map(|costs| cost::median(&costs))
}

/// The texts of the corpus, or of the labelled cases.
fn migrations(root: &Path) -> Vec<String> {
    if let Ok(text) = fs::read_to_string(root.join("../shared/corpus/renames.jsonl")) {
        let case = |line: &str| {
            let case: Value = serde_json::from_str(line).expect("JSON");
            let part = |name: &str| case[name].as_str().expect(name).to_owned();
            format!("{}\n{}", part("before_sql"), part("migration_sql"))
        };
        return text.lines().filter(|line| !line.trim().is_empty()).map(case).collect();
    }
    let folders = ["tests/review", "tests/rules"].map(|folder| fs::read_dir(root.join(folder)).expect(folder));
    let mut paths: Vec<PathBuf> = folders.into_iter().flatten().map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).expect("text")).collect()
}

fn write(migrations: &[&String], folder: &Path) -> Vec<String> {
    let write = |(at, text): (usize, &&String)| {
        let path = folder.join(format!("{at:04}.sql"));
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    migrations.iter().enumerate().map(write).collect()
}
