//! What a deploy does around its migrations: whom it waits for, whom it asks, when it begins, what it leaves behind.

mod agents;
mod alone;
mod cuts;
mod killed;
mod partial;
mod quiet;
mod rights;
mod sections;
mod states;
mod status;
mod turns;
mod verify;
mod when;
mod writers;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use crate::journey::songs;
use crate::support::{Output, Prisma, Project};

/// A migration that adds a column.
pub(crate) const YEAR: &str = "20250102000000_year";
pub(crate) const ADD_YEAR: &str = "ALTER TABLE \"Song\" ADD COLUMN \"year\" INTEGER;\n";

/// A project with one pending migration that adds a column.
fn pending(prisma: Prisma) -> Project {
    let project = songs(prisma, 100);
    project.add_migration(YEAR, ADD_YEAR);
    quick(&project, "");
    project
}

/// These settings, and no rehearsal: it is not what is tested here.
pub(crate) fn quick(project: &Project, settings: &str) {
    let off = "[rehearsal]\nmode = \"off\"\nreason = \"a test of something else\"\n";
    project.write("prisma-safe.toml", &format!("{settings}\n{off}"));
}

/// Starts a program whose output is read when it has ended.
pub(crate) fn start(mut command: Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program")
}

/// Reads what a program says until a line begins so; what it says later is read at its end.
#[track_caller]
pub(crate) fn until_it_says(child: &mut Child, words: &str) -> String {
    let mut seen = String::new();
    let mut line = Vec::new();
    let stderr = child.stderr.as_mut().expect("stderr");
    let mut byte = [0];
    while stderr.read(&mut byte).expect("a byte") == 1 {
        line.push(byte[0]);
        if byte[0] == b'\n' {
            let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
            seen.push_str(&text);
            if text.trim_start().starts_with(words) {
                return seen;
            }
        }
    }
    panic!("never said {words}:\n{seen}");
}

pub(crate) fn end(child: Child) -> Output {
    Output::of("prisma-safe".into(), child.wait_with_output().expect("an end"))
}

pub(crate) fn deploy(project: &Project) -> Command {
    project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["migrate", "deploy"])
}
