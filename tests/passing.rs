//! Passing through: what is not guarded or fenced is the project's own Prisma, untouched.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Key, Output, Prisma, Project, Terminal};

const SONG: &str = "model Song {\n  isrc   String @id\n  artist String\n}\n";
const SONG_SQL: &str = "CREATE TABLE \"Song\" (\n    \"isrc\" TEXT NOT NULL,\n    \"artist\" TEXT NOT NULL,\n\n    \
                        CONSTRAINT \"Song_pkey\" PRIMARY KEY (\"isrc\")\n);\n";

/// Says everything about itself.
const TELLTALE: &str = r"
const stdin = require('node:fs').readFileSync(0, 'utf8');
console.log(JSON.stringify({ args: process.argv.slice(2), stdin, tty: process.stdout.isTTY === true, cwd: process.cwd() }));
console.error('on stderr');
process.exitCode = 7;
";

fn told(output: &Output) -> serde_json::Value {
    output.json()
}

fn every_word_is_prismas(prisma: Prisma) {
    let project = Project::on(prisma).schema(SONG).migration("20250101000000_init", SONG_SQL).applied();
    let to_schema = if prisma == Prisma::V7 { "--to-schema" } else { "--to-schema-datamodel" };
    for arguments in [
        &["validate"][..],
        &["migrate", "status"],
        &["migrate", "diff", "--from-empty", to_schema, "prisma/schema.prisma", "--script", "--exit-code"],
        &["migrate", "status", "--schema", "prisma/nowhere.prisma"],
        &["db", "pull", "--print"],
        &["db"],
        &["migrate"],
        &["no-such-command"],
    ] {
        let (plain, ours) = (project.prisma(arguments), project.run(arguments));
        assert_eq!(ours.stdout, plain.stdout, "{arguments:?}\n{ours}");
        assert_eq!(ours.stderr, plain.stderr, "{arguments:?}\n{ours}");
        assert_eq!(ours.status, plain.status, "{arguments:?}\n{ours}");
    }
}

#[test]
fn every_word_is_prismas_on_7() {
    every_word_is_prismas(Prisma::V7);
}

#[test]
fn every_word_is_prismas_on_6() {
    every_word_is_prismas(Prisma::V6);
}

#[test]
fn arguments_stdin_and_status_reach_prisma_untouched() {
    let project = Project::prisma7().package("prisma", "7.10.1", TELLTALE);
    let mut command =
        project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["generate", "--generator", "a b", "--", "-x", "ü'\"$"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\ntwo").unwrap();
    let output = Output::of("generate".into(), child.wait_with_output().unwrap()).exits(7);
    assert_eq!(told(&output)["args"], serde_json::json!(["generate", "--generator", "a b", "--", "-x", "ü'\"$"]));
    assert_eq!(told(&output)["stdin"], "one\ntwo");
    assert_eq!(output.stderr, "on stderr\n");
}

#[test]
fn prisma_is_found_upwards_and_runs_where_it_was_called() {
    let project = Project::prisma7().package("prisma", "7.10.1", TELLTALE);
    project.write("apps/api/package.json", "{}");
    let output = project.run(["-C", "apps/api", "studio"]).exits(7);
    assert_eq!(told(&output)["cwd"], project.path("apps/api").canonicalize().unwrap().to_str().unwrap());
    assert_eq!(told(&output)["args"], serde_json::json!(["studio"]));
}

#[test]
fn a_terminal_stays_a_terminal_and_ctrl_c_is_prismas() {
    let script = "console.log('tty', process.stdin.isTTY && process.stdout.isTTY);\
                  process.on('SIGINT', () => { console.log('interrupted'); process.exit(9); }); setInterval(() => {}, 1000);";
    let project = Project::prisma7().package("prisma", "7.10.1", script);
    let mut terminal = Terminal::start(project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["studio"]));
    terminal.sees("tty true").press(Key::CtrlC);
    terminal.sees("interrupted");
    assert_eq!(terminal.ends().0, 9);
}

#[test]
fn a_signal_to_prisma_safe_is_prismas() {
    let script = "process.on('SIGTERM', () => process.exit(42)); console.log('ready'); setInterval(() => {}, 1000);";
    let project = Project::prisma7().package("prisma", "7.10.1", script);
    let mut command = project.command(env!("CARGO_BIN_EXE_prisma-safe"), ["studio"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut line).unwrap();
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(42));
}

#[test]
fn a_prisma_that_is_killed_is_seen_to_be() {
    let project = Project::prisma7().package("prisma", "7.10.1", "process.kill(process.pid, 'SIGKILL')");
    project.run(["generate"]).exits(137);
}

#[test]
fn prisma_8_is_refused_with_what_to_do() {
    let project = Project::prisma7().package("prisma", "8.0.0-rc.5", TELLTALE);
    for arguments in [&["generate"][..], &["migrate", "deploy"], &["migrate", "dev", "--name", "x"]] {
        let output = project.run(arguments).exits(2).says("8.0.0-rc.5").says("prisma@7");
        assert_eq!(output.stdout, "", "{output}");
    }
    // Prisma 7 beside it is the one that is meant
    let project = project.package("@prisma/prisma7", "7.10.1", TELLTALE);
    assert_eq!(told(&project.run(["generate"]).exits(7))["args"], serde_json::json!(["generate"]));
}

#[test]
fn without_prisma_npx_brings_it() {
    let project = Project::prisma7()
        .package("other", "1.0.0", "")
        .only_programs(&["node"], &[("npx", "echo \"npx $*\"; exit 5")]);
    project.run(["generate", "--sql"]).exits(5).says("npx prisma generate --sql\n");
}

#[test]
fn without_prisma_and_npx_or_without_node_it_says_what_to_install() {
    let nothing = Project::prisma7().package("other", "1.0.0", "").only_programs(&["node"], &[]);
    nothing.run(["generate"]).exits(1).says("npm install --save-dev prisma@7");
    nothing.run(["migrate", "deploy"]).exits(1).says("npm install --save-dev prisma@7");
    let no_node = Project::prisma7().only_programs(&[], &[]);
    no_node.run(["generate"]).exits(1).says("Node.js").says("https://nodejs.org");
    no_node.run(["migrate", "deploy"]).exits(1).says("Node.js");
}

#[test]
fn a_cargo_workspace_names_its_prisma_project() {
    let project = Project::prisma7();
    project.write("web/node_modules/prisma/package.json", r#"{"version":"7.10.1","bin":{"prisma":"index.js"}}"#);
    project.write("web/node_modules/prisma/index.js", TELLTALE);
    project
        .write("Cargo.toml", "[workspace]\nmembers = [\"api\"]\n[workspace.metadata.prisma-safe]\nproject = \"web\"\n");
    project.write("api/Cargo.toml", "[package]\nname = \"api\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    project.write("api/src/lib.rs", "");
    // the toolchain's own cargo: rustup's would look for its settings in the real home directory
    let project = project.env("CARGO", env!("CARGO"));
    let output = project.program(env!("CARGO_BIN_EXE_cargo-prisma-safe"), ["prisma-safe", "generate"]).exits(7);
    assert_eq!(told(&output)["args"], serde_json::json!(["generate"]));
    assert!(told(&output)["cwd"].as_str().unwrap().ends_with("/web"), "{output}");
}
