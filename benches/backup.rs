//! What a backup and its proof cost beside PostgreSQL's own tools, in one run on a generated database: interleaved, medians,
//! as ratios. Ends with status 1 over a limit.
//!
//! `PRISMA_SAFE_BENCH_MB` is the size of the database (default 1200), `PRISMA_SAFE_BENCH_ROUNDS` how often each contender
//! runs (default 3).
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "benchmarks start programs and print")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

#[path = "common/database.rs"]
mod database;

use jiff::{Timestamp, Unit};
use prisma_safe::backup::Manifest;
use prisma_safe::env::Env;
use prisma_safe::tools::scratch::{Locale, ScratchServer, large_settings, server_programs};

#[path = "../tests/support/mod.rs"]
mod support;

use support::Project;

/// The database holds more than this many megabytes.
const MEGABYTES: u64 = 1200;
const ROUNDS: u64 = 3;

fn main() -> ExitCode {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let megabytes = number("PRISMA_SAFE_BENCH_MB", MEGABYTES);
    let bench = Bench::build(megabytes);
    let rounds = number("PRISMA_SAFE_BENCH_ROUNDS", ROUNDS).max(1);
    let mut found = Found::default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}");
        bench.round(&mut found);
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine at the end: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" "));
    found.report()
}

/// What was measured: seconds, bytes.
#[derive(Default)]
struct Found {
    plain: Vec<f64>,
    ours: Vec<f64>,
    proved: Vec<f64>,
    restored: Vec<f64>,
    memory: u64,
    ours_bytes: u64,
    custom_bytes: u64,
    plain_bytes: u64,
}

impl Found {
    fn report(&self) -> ExitCode {
        let [plain, ours, proving, restored] =
            [&self.plain, &self.ours, &self.proved, &self.restored].map(|values| median(values.clone()));
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let ratio = |one: u64, other: u64| one as f64 / other as f64;
        println!("\n| what | prisma-safe | beside | ratio | limit |\n|---|---|---|---|---|");
        let mut good = true;
        let mut row = |what: &str, ours: String, theirs: String, value: f64, limit: f64| {
            good &= value <= limit;
            let verdict = if value <= limit { "" } else { " OVER" };
            println!("| {what} | {ours} | {theirs} | {value:.2}{verdict} | {limit:.1} |");
        };
        let seconds = |value: f64| format!("{value:.1} s");
        row(
            "taking a `.sql.zst` backup",
            seconds(ours),
            format!("`pg_dump -Fp` to a file: {plain:.1} s"),
            ours / plain,
            1.2,
        );
        row(
            "proving it *restored*",
            seconds(proving),
            format!("`pg_restore -j2` of a directory dump: {restored:.1} s"),
            proving / restored,
            1.2,
        );
        row(
            "its size",
            format!("{:.0} MB", megabytes(self.ours_bytes)),
            format!(
                "`pg_dump -Fc`: {:.0} MB (plain: {:.0} MB)",
                megabytes(self.custom_bytes),
                megabytes(self.plain_bytes)
            ),
            ratio(self.ours_bytes, self.custom_bytes),
            1.0,
        );
        row(
            "most memory of our process",
            format!("{:.0} MB", megabytes(self.memory)),
            "64 MB".into(),
            megabytes(self.memory) / 64.0,
            1.0,
        );
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// The database that is backed up, and where everything is written.
struct Bench {
    source: ScratchServer,
    programs: PathBuf,
    directory: tempfile::TempDir,
    project: Project,
}

impl Bench {
    fn build(megabytes: u64) -> Self {
        let programs = server_programs(&Env::read()).expect("PostgreSQL");
        let directory = tempfile::Builder::new().prefix("ps-bench-").tempdir_in("/tmp").expect("a directory");
        fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("a directory");
        let settings = "shared_buffers = 1GB\nmax_wal_size = 8GB\nautovacuum = off\nmaintenance_work_mem = 512MB\nwal_level = minimal\nmax_wal_senders = 0";
        let place = directory.path().join("source");
        let source =
            ScratchServer::start_with(&place, std::process::id(), programs.clone(), settings).expect("a server");
        source
            .create_database("bench", Locale { encoding: "UTF8", collate: "C.UTF-8", ctype: "C.UTF-8" })
            .expect("a database");
        let mut client = source.connect("bench").expect("a session");
        let size = database::fill(&mut client, megabytes);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        println!("a database of {size:.0} MB with its indexes, on {cores} cores");
        let project = Project::prisma7().schema("model User {\n  id BigInt @id\n}\n");
        project.write("prisma-safe.toml", "[backup]\nformat = 'sql.zst'\n");
        Self { source, programs, directory, project }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn round(&self, found: &mut Found) {
        found.plain.push(timed(&mut self.program("pg_dump", &["-Fp", "-f", "plain.sql"]), |_| {}));
        found.plain_bytes = size_of(&self.path("plain.sql"));
        fs::remove_file(self.path("plain.sql")).expect("a file");
        self.backup(found);
        timed(&mut self.program("pg_dump", &["-Fd", "-j2", "-f", "directory"]), |_| {});
        found.restored.push(self.restore());
        fs::remove_dir_all(self.path("directory")).expect("a directory");
        if found.custom_bytes == 0 {
            timed(&mut self.program("pg_dump", &["-Fc", "-f", "custom"]), |_| {});
            found.custom_bytes = size_of(&self.path("custom"));
        }
    }

    /// One backup with its proof: the seconds until the file was whole and read back from the disk, those of the proof, the
    /// most memory of all of it.
    fn backup(&self, found: &mut Found) {
        let url = self.source.url("bench").expect("a URL");
        let mut command =
            self.project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["-q", "backup", "--url", url.expose()]);
        let memory = &mut found.memory;
        let began = Timestamp::now();
        let seconds = timed(&mut command, |child| *memory = peak(child).max(*memory));
        let backups = self.project.path("backups");
        for path in fs::read_dir(&backups).expect("backups").map(|file| file.expect("a file").path()) {
            if path.extension().is_some_and(|ending| ending == "zst") {
                let manifest = Manifest::read(&path).expect("a manifest").expect("a manifest");
                let taken = (manifest.finished_at - began).total(Unit::Second).expect("seconds");
                found.ours_bytes = manifest.bytes;
                found.ours.push(taken);
                found.proved.push(seconds - taken);
            }
        }
        fs::remove_dir_all(&backups).expect("backups");
    }

    /// Seconds of `pg_restore -j2` alone, into a server that runs already, and of counting the rows as we do.
    fn restore(&self) -> f64 {
        let place = self.path("target");
        // the contender's has the settings of ours
        let settings = large_settings();
        let target =
            ScratchServer::start_with(&place, std::process::id(), self.programs.clone(), &settings).expect("a server");
        target
            .create_database("bench", Locale { encoding: "UTF8", collate: "C.UTF-8", ctype: "C.UTF-8" })
            .expect("a database");
        let mut command = Command::new(self.programs.join("pg_restore"));
        command.args(["-j2", "-d", "bench", "directory"]).current_dir(self.directory.path());
        command.envs(target.url("bench").expect("a URL").libpq_env());
        timed(&mut command, |_| {})
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.args(arguments).current_dir(self.directory.path());
        command.envs(self.source.url("bench").expect("a URL").libpq_env());
        command
    }
}

/// Seconds that a program takes; `watch` looks at it meanwhile.
fn timed(command: &mut Command, mut watch: impl FnMut(&Child)) -> f64 {
    let started = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("a program");
    loop {
        if let Some(status) = child.try_wait().expect("an end") {
            assert!(status.success(), "{command:?} failed");
            return started.elapsed().as_secs_f64();
        }
        watch(&child);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The most memory that a process has had, in bytes.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().map_or(0, |kilobytes| kilobytes * 1024)
}

fn size_of(path: &Path) -> u64 {
    File::open(path).and_then(|file| file.metadata()).expect("a file").len()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
