//! What the draft of a large change costs beside plain Prisma's: a whole project goes to snake_case, every table and every column
//! renamed. Time as a ratio, and memory. Ends with status 1 over a limit.
//!
//! Wall time is what somebody waits, and includes what both let the database do.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;

#[path = "common/mod.rs"]
mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use common::cost::{self, Cost};
use common::squawk;
use support::Project;

/// 95 tables of 10 columns, and their names: 1,045 renames.
const MODELS: usize = 95;
const FIELDS: usize = 10;

/// Rounds in which both run once.
const ROUNDS: usize = 3;

/// As long as plain Prisma takes, at most.
const RATIO: f64 = 1.5;

/// Memory at most.
const MEGABYTES: f64 = 300.0;

const ARGUMENTS: [&str; 5] = ["migrate", "dev", "--create-only", "--name", "snake"];

fn main() -> ExitCode {
    let project = Project::prisma7().schema(&models(false)).migration("20250101000000_init", &tables()).applied();
    // where nobody has committed the schema, who is who is asked
    for arguments in [&["init", "--quiet"][..], &["add", "prisma"], &["commit", "--quiet", "--message", "init"]] {
        project.git(arguments);
    }
    project.set_schema(&models(true));
    let contenders = [env!("CARGO_BIN_EXE_prisma-safe"), "node_modules/.bin/prisma"]
        .map(|program| [&[program], &ARGUMENTS[..]].concat().into_iter().map(str::to_owned).collect::<Vec<_>>());
    let mut costs = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            costs.push(run(&project, contender));
        }
    }
    let [ours, theirs] = costs.map(|costs| cost::median(&costs));
    let python = squawk::installed().with_file_name("python");
    let memory = cost::peak(&python, |python| project.command(&python.display().to_string(), [""; 0]), &contenders[0]);
    let (cpu, wall) = (ours.cpu / theirs.cpu, ours.wall / theirs.wall);
    let verdict = |good: bool| if good { "ok" } else { "OVER" };
    let (fast, small) = (wall <= RATIO, memory <= MEGABYTES);
    println!("draft of 1,045 renames / prisma  wall {wall:5.2}  (limit {RATIO})  CPU {cpu:5.2}  {}", verdict(fast));
    println!("peak memory                      {memory:5.1} MB (limit {MEGABYTES} MB)  {}", verdict(small));
    println!("prisma-safe {:.1} s, prisma {:.1} s; CPU {:.1} s, {:.1} s", ours.wall, theirs.wall, ours.cpu, theirs.cpu);
    if fast && small { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Drafts once, and takes the draft away again.
fn run(project: &Project, contender: &[String]) -> Cost {
    let script = cost::script("exit 1");
    let cost = cost::measure(
        project.command("sh", ["-c", &script, "sh", "1"].into_iter().chain(contender.iter().map(String::as_str))),
        1,
    );
    let mut drafts = project.migrations();
    drafts.retain(|name| name.ends_with("_snake"));
    assert_eq!(drafts.len(), 1, "{contender:?} has drafted one migration");
    for name in drafts {
        fs::remove_dir_all(project.path(&format!("prisma/migrations/{name}"))).expect("a draft");
    }
    cost
}

/// The models; `mapped` to names in snake_case.
fn models(mapped: bool) -> String {
    let map = |attribute: &str| if mapped { attribute.to_owned() } else { String::new() };
    let mut text = String::new();
    for model in 0..MODELS {
        let _ = writeln!(text, "model SomeThing{model} {{\n  someId Int @id {}", map("@map(\"some_id\")"));
        for field in 1..FIELDS {
            let _ = writeln!(text, "  someField{field} String? {}", map(&format!("@map(\"some_field{field}\")")));
        }
        let _ = writeln!(text, "{}\n}}", map(&format!("  @@map(\"some_thing{model}\")")));
    }
    text
}

/// The tables as Prisma creates them.
fn tables() -> String {
    let mut sql = String::new();
    for model in 0..MODELS {
        let _ = writeln!(sql, "CREATE TABLE \"SomeThing{model}\" (\n    \"someId\" INTEGER NOT NULL,");
        for field in 1..FIELDS {
            let _ = writeln!(sql, "    \"someField{field}\" TEXT,");
        }
        let _ = writeln!(sql, "\n    CONSTRAINT \"SomeThing{model}_pkey\" PRIMARY KEY (\"someId\")\n);");
    }
    sql
}
