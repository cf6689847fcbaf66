//! squawk's command line, from PyPI into a virtual environment of the benchmarks' own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The version that results are compared with.
const VERSION: &str = "2.70.0";

/// Installs it where it is missing; gives its path.
pub(crate) fn installed() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("squawk-{VERSION}"));
    let program = home.join("bin/squawk");
    if !program.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home));
        let package = format!("squawk-cli=={VERSION}");
        run(Command::new(home.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", &package]));
    }
    program
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}; python3 with venv is needed"));
    assert!(status.success(), "{command:?} failed");
}
