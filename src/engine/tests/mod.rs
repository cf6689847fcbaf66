//! Sessions with a real socket, a real process as the engine, and a seat on a thread of its own.

mod relay;
mod roles;

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::binary::Binary;
use super::inbox::{Inbox, Prisma};
use super::session::{End, serve};
use super::wire::Hello;
use super::*;
use crate::context::Global;
use crate::env::Env;
use crate::tools::prisma;
use crate::ui::Shell;
use crate::ui::shell::ColorChoice;

/// Answers each call with its own method, parameters left out; `silent` calls are not answered, `die` ends it.
const ECHO: &str = r#"#!/bin/sh
while IFS= read -r line; do
  case $line in *'"silent"'*) continue;; *'"die"'*) echo last words >&2; exit 3;; *'"print"'*|*'"method"'*) ;; *) echo "heard $line" >&2; continue;; esac
  id=${line#*'"id":'}; id=${id%%,*}; method=${line#*'"method":"'}; method=${method%%'"'*}
  case $method in ask) echo '{"jsonrpc":"2.0","id":"q1","method":"print","params":{"content":"hi"}}';; esac
  echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"method\":\"$method\"}}"
done
"#;

/// The seat's side of a session, as Prisma sees it.
struct Seat {
    stdin: Option<PipeWriter>,
    stdout: BufReader<PipeReader>,
    thread: JoinHandle<(Option<u8>, String)>,
}

impl Seat {
    fn take(stream: UnixStream, hello: Hello) -> Self {
        let (seat_stdin, stdin) = std::io::pipe().unwrap();
        let (stdout, mut seat_stdout) = std::io::pipe().unwrap();
        let thread = thread::spawn(move || {
            let mut stderr = Vec::new();
            let status = seat::pump(stream, &hello, seat_stdin, &mut seat_stdout, &mut stderr).unwrap_or(None);
            (status, String::from_utf8(stderr).unwrap())
        });
        Self { stdin: Some(stdin), stdout: BufReader::new(stdout), thread }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    /// The next line as it is; empty once the seat is left.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// The next message; null once the seat is left.
    fn hear(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap_or_default()
    }

    fn call(&mut self, id: u64, method: &str, params: Value) -> Value {
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        self.hear()
    }

    /// Prisma closes its engine's stdin and waits. The exit status and what came on stderr.
    fn leave(mut self) -> (Option<u8>, String) {
        drop(self.stdin.take());
        self.thread.join().unwrap()
    }
}

/// Serves one session with this engine and role, while `prisma` plays Prisma on another thread.
fn session<T: Send + 'static>(
    engine: &str,
    args: &[&str],
    role: &mut dyn Role,
    prisma: impl FnOnce(Seat) -> T + Send + 'static,
) -> (Result<End>, T, bool) {
    let directory = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    script("npx", "");
    let engine = script("engine", engine);
    let env: Env = [("PATH", directory.path()), ("PRISMA_SCHEMA_ENGINE_BINARY", &engine)]
        .map(|(key, path)| (key.to_owned(), path.to_str().unwrap().to_owned()))
        .into_iter()
        .collect();
    let context = Context {
        shell: Shell::new(true, 0, ColorChoice::Never, true, &|_| None),
        global: Global::default(),
        directory: directory.path().to_owned(),
        env,
    };
    let project = prisma::find(directory.path(), &context.env).unwrap();

    let (post, events) = channel();
    let process = Prisma::start(crate::tools::command("sleep").arg("60"), post.clone()).unwrap();
    let mut inbox = Inbox::new(events, post, process, Arc::new(AtomicBool::new(false)));
    let hello = Hello {
        args: args.iter().map(OsString::from).collect(),
        directory: directory.path().into(),
        env: std::env::vars_os().collect(),
        prisma: Some(inbox.prisma.process().id()),
    };
    let (ours, theirs) = UnixStream::pair().unwrap();
    // the introduction is read before the session
    let seat = Seat::take(theirs, hello);
    let mut reader = BufReader::new(ours);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let hello = serde_json::from_str(&line).unwrap();

    let prisma = thread::spawn(move || prisma(seat));
    let end = serve(0, hello, reader, &mut inbox, &mut Binary::new(&project, &context), role);
    let played = prisma.join().unwrap();
    inbox.prisma.end();
    inbox.prisma.reap().unwrap();
    (end, played, inbox.broken)
}
