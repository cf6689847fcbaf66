//! Replaying a long history beside squawk linting the same files: CPU time in one run, as a ratio; and twice the history, which
//! must not cost much more than twice the time. Ends with status 1 over a limit.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

#[path = "common/mod.rs"]
mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use common::cost::{self, Cost};
use common::squawk;
use prisma_safe::catalog::Catalog;
use prisma_safe::sql::Script;

/// Migrations of the history that is compared.
const MIGRATIONS: usize = 1_000;

/// Rounds in which every contender runs once.
const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--replay") {
        return replay(Path::new(&arguments[at + 1]));
    }
    let folder = tempfile::tempdir().expect("a directory");
    let own = std::env::current_exe().expect("this program").display().to_string();
    let histories = [MIGRATIONS, 2 * MIGRATIONS].map(|count| history(&folder.path().join(count.to_string()), count));
    let ours = histories.each_ref().map(|folder| vec![own.clone(), "--replay".into(), folder.display().to_string()]);
    let mut theirs = vec![squawk::installed().display().to_string()];
    theirs.extend(files(&histories[0]).iter().map(|path| path.display().to_string()));
    let [once, twice, lint] = interleaved([&ours[0], &ours[1], &theirs]);
    let checks = [
        (format!("replay of {MIGRATIONS} migrations / squawk on the same files"), once, lint, 1.0),
        ("replay of twice as many / of these".to_owned(), twice, once, 2.6),
    ];
    let mut within = true;
    for (what, ours, theirs, limit) in checks {
        let (cpu, wall) = (ours.cpu / theirs.cpu, ours.wall / theirs.wall);
        let verdict = if cpu <= limit { "ok" } else { "OVER" };
        println!("{what:<56}  CPU {cpu:5.2}  (limit {limit})  wall {wall:5.2}  {verdict}");
        within &= cpu <= limit;
    }
    println!("replay {:.3} s, squawk {:.3} s of CPU", once.cpu, lint.cpu);
    if within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is measured: reads, parses and replays every file.
fn replay(folder: &Path) -> ExitCode {
    let mut catalog = Catalog::new("public");
    for path in files(folder) {
        let name = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let script = Script::parse(fs::read_to_string(&path).expect("a migration"));
        catalog.apply(&script, &name);
    }
    assert!(catalog.opaque.is_empty(), "{:?}", catalog.opaque.first());
    println!("{} tables", catalog.tables.len());
    ExitCode::SUCCESS
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a history");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path().join("migration.sql")).collect();
    files.sort();
    files
}

/// A history as projects have them: new tables with keys and enums, columns that come, change and go, indexes, renames.
fn history(folder: &Path, count: usize) -> PathBuf {
    for number in 0..count {
        let directory = folder.join(format!("2025{number:010}_step"));
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join("migration.sql"), migration(number)).expect("a migration");
    }
    folder.to_owned()
}

fn migration(n: usize) -> String {
    let mut sql = String::new();
    let target = n.saturating_sub(1);
    let _ = write!(
        sql,
        "-- CreateEnum\nCREATE TYPE \"Kind{n}\" AS ENUM ('DRAFT', 'LIVE', 'GONE');\n\n\
         -- CreateTable\nCREATE TABLE \"Song{n}\" (\n    \"id\" SERIAL NOT NULL,\n    \"isrc\" TEXT NOT NULL,\n    \
         \"title\" VARCHAR(200) NOT NULL,\n    \"kind\" \"Kind{n}\" NOT NULL DEFAULT 'DRAFT',\n    \"price\" DECIMAL(10,2),\n    \
         \"plays\" INTEGER NOT NULL DEFAULT 0,\n    \"songId\" INTEGER,\n    \
         \"createdAt\" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,\n\n    \
         CONSTRAINT \"Song{n}_pkey\" PRIMARY KEY (\"id\")\n);\n\n\
         -- CreateIndex\nCREATE UNIQUE INDEX \"Song{n}_isrc_key\" ON \"Song{n}\"(\"isrc\");\n\n\
         -- CreateIndex\nCREATE INDEX \"Song{n}_title_kind_idx\" ON \"Song{n}\"(\"title\", \"kind\");\n\n\
         -- AddForeignKey\nALTER TABLE \"Song{n}\" ADD CONSTRAINT \"Song{n}_songId_fkey\" FOREIGN KEY (\"songId\") \
         REFERENCES \"Song{target}\"(\"id\") ON DELETE SET NULL ON UPDATE CASCADE;\n\n",
    );
    if n > 0 {
        let _ = write!(
            sql,
            "-- DropIndex\nDROP INDEX \"Song{target}_title_kind_idx\";\n\n\
             -- AlterTable\nALTER TABLE \"Song{target}\" DROP COLUMN \"price\",\nADD COLUMN     \"year\" INTEGER,\n\
             ADD COLUMN     \"note\" TEXT NOT NULL DEFAULT '',\nALTER COLUMN \"plays\" SET DATA TYPE BIGINT;\n\n\
             -- AlterTable\nALTER TABLE \"Song{target}\" RENAME COLUMN \"note\" TO \"remark\";\n\n\
             -- AlterEnum\nALTER TYPE \"Kind{target}\" ADD VALUE 'HIDDEN';\n\n\
             -- CreateIndex\nCREATE INDEX \"Song{target}_year_idx\" ON \"Song{target}\"(\"year\");\n",
        );
    }
    sql
}

/// Every contender once a round, so that a busy moment hits all; after one round that only warms up.
fn interleaved<const N: usize>(contenders: [&[String]; N]) -> [Cost; N] {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            let mut shell = Command::new("sh");
            // squawk ends with status 1 where it finds something
            shell.args(["-c", &cost::script("true"), "sh", "1"]).args(*contender);
            let cost = cost::measure(shell, 1);
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    costs.map(|costs| cost::median(&costs))
}
