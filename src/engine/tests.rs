//! Sessions with a real socket, a real process as the engine, and a seat on a thread of its own.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::binary::Binary;
use super::deploy::Deploy;
use super::draft::Draft;
use super::inbox::{Inbox, Prisma};
use super::session::{End, serve};
use super::wire::Hello;
use super::*;
use crate::cli::Global;
use crate::context::Env;
use crate::error::Error;
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

    /// The next line; null once the seat is left.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_default()
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
    let project = Project::find(directory.path(), &context.env).unwrap();

    let (post, events) = channel();
    let process = Prisma::start(crate::tools::command("sleep").arg("60"), post.clone()).unwrap();
    let mut inbox = Inbox::new(events, post, process, Arc::new(AtomicBool::new(false)));
    let hello = Hello {
        args: args.iter().map(OsString::from).collect(),
        directory: directory.path().into(),
        env: std::env::vars_os().collect(),
        prisma: inbox.prisma.child().id(),
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

#[test]
fn everything_is_relayed_in_both_directions() {
    let (end, (answers, (status, stderr)), broken) = session(ECHO, &[], &mut Relay, |mut seat| {
        let first = seat.call(1, "devDiagnostic", json!({}));
        let asked = seat.call(2, "ask", json!({}));
        seat.say(&json!({"jsonrpc": "2.0", "id": "q1", "result": {}}));
        let second = seat.hear();
        ([first, asked, second], seat.leave())
    });
    assert_eq!(end.unwrap(), End::Over);
    assert_eq!(answers[0], json!({"jsonrpc": "2.0", "id": 1, "result": {"method": "devDiagnostic"}}));
    assert_eq!(answers[1]["params"]["content"], "hi");
    assert_eq!(answers[2]["id"], 2);
    assert_eq!(status, Some(0));
    assert!(stderr.contains(r#"heard {"jsonrpc":"2.0","id":"q1","result":{}}"#), "{stderr}");
    assert!(!broken);
}

#[test]
fn large_messages_arrive_whole() {
    // more than any pipe or socket holds
    let engine = "#!/bin/sh\nexec sed -u 's/\"method\":\"echo\",\"params\"/\"result\"/'\n";
    let sql = "INSERT INTO \"Song\" VALUES ('\u{e9}\\n');\n".repeat(10_000);
    let params = json!({ "sql": sql });
    let sent = params.clone();
    let (_, (answer, (status, _)), _) = session(engine, &[], &mut Relay, move |mut seat| {
        let answer = seat.call(1, "echo", sent);
        (answer, seat.leave())
    });
    assert!(answer["result"] == params, "the message was changed on its way");
    assert_eq!(status, Some(0));
}

#[test]
fn an_engine_that_dies_is_reported_to_both_sides() {
    let (end, (status, stderr), broken) = session(ECHO, &[], &mut Relay, |mut seat| {
        assert_eq!(seat.call(1, "die", json!({})), Value::Null);
        seat.leave()
    });
    assert_eq!(end.unwrap(), End::Over);
    assert_eq!((status, stderr.as_str(), broken), (Some(3), "last words\n", true));
}

#[test]
fn a_seat_that_leaves_before_its_answer_is_noticed() {
    let (end, (status, _), broken) = session(ECHO, &[], &mut Relay, |mut seat| {
        seat.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "silent"}));
        seat.leave()
    });
    assert_eq!((end.unwrap(), status, broken), (End::Over, Some(1), true));
}

#[test]
fn what_is_no_message_ends_the_journey_instead_of_passing_unseen() {
    let (end, _, _) = session(ECHO, &[], &mut Relay, |mut seat| {
        seat.say(&json!([{"jsonrpc": "2.0", "id": 1, "method": "reset"}]));
        seat.leave()
    });
    assert!(end.is_err());
}

#[test]
fn commands_are_run_by_the_real_engine_with_their_own_arguments() {
    let engine = "#!/bin/sh\necho \"$*\"; echo problem >&2; exit 7\n";
    let args = ["cli", "--datasource", "postgresql://h/d", "can-connect-to-database"];
    let (_, (out, (status, stderr)), _) = session(engine, &args, &mut Relay, |mut seat| {
        let mut out = String::new();
        seat.stdout.read_line(&mut out).unwrap();
        (out, seat.leave())
    });
    assert_eq!(out, "cli --datasource postgresql://h/d can-connect-to-database\n");
    assert_eq!((status, stderr.as_str()), (Some(7), "problem\n"));
}

/// Makes a call of its own before each of Prisma's, answers `answer`, refuses `refuse`, changes the rest.
struct Meddler;

impl Role for Meddler {
    fn request(&mut self, mut request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        Ok(match request.method.as_str() {
            "answer" => Reply::Answer(engine.call("ask", json!({}))?),
            "refuse" => Reply::Refuse(EngineError::new("no", Some("P9999"))),
            "end" => return Err(Error::refused("enough")),
            "gone" => Reply::Answer(json!(engine.call("die", json!({})).unwrap_err().to_string())),
            _ => {
                request.method = "changed".to_owned();
                Reply::Relay(request)
            }
        })
    }

    fn response(&mut self, _: &Request, response: Response, _: &mut Engine<'_>) -> Result<Response> {
        Ok(response.map(|mut result| {
            result["seen"] = true.into();
            result
        }))
    }
}

#[test]
fn a_role_calls_answers_refuses_and_changes() {
    let (end, lines, _) = session(ECHO, &[], &mut Meddler, |mut seat| {
        // what the engine asks during the role's own call reaches Prisma all the same
        let asked = seat.call(1, "answer", json!({}));
        seat.say(&json!({"jsonrpc": "2.0", "id": "q1", "result": {}}));
        let lines = [asked, seat.hear(), seat.call(2, "refuse", json!({})), seat.call(3, "other", json!({}))];
        seat.leave();
        lines
    });
    assert_eq!(end.unwrap(), End::Over);
    assert_eq!(lines[0]["method"], "print");
    assert_eq!(lines[1], json!({"jsonrpc": "2.0", "id": 1, "result": {"method": "ask"}}));
    assert_eq!(lines[2]["error"]["data"]["error_code"], "P9999");
    assert_eq!(lines[3]["result"], json!({"method": "changed", "seen": true}));
}

#[test]
fn a_role_hears_that_the_engine_is_gone() {
    let (_, answer, _) = session(ECHO, &[], &mut Meddler, |mut seat| {
        let answer = seat.call(1, "gone", json!({}));
        seat.leave();
        answer
    });
    assert_eq!(answer["result"], "the schema engine ended while it ran die");
}

#[test]
fn an_error_of_the_role_ends_prisma_without_a_word() {
    let (end, (heard, (status, stderr)), _) = session(ECHO, &[], &mut Meddler, |mut seat| {
        let heard = seat.call(1, "end", json!({}));
        (heard, seat.leave())
    });
    assert_eq!(end.unwrap_err().exit(), Exit::Refused);
    assert_eq!((heard, status, stderr.as_str()), (Value::Null, None, ""));
}

/// A deployer or drafter that keeps what it is shown.
struct Keeper {
    fence: Fence,
    shown: RefCell<Vec<String>>,
}

impl Keeper {
    fn new(fence: Fence) -> Self {
        Self { fence, shown: RefCell::default() }
    }
}

impl Deployer for Keeper {
    fn target(&mut self, _: &Target) -> Result<Guard> {
        Ok(Guard { fence: self.fence, url: None })
    }

    fn deploy(&mut self, request: DeployRequest, _: &mut Engine<'_>) -> Result<Vec<String>> {
        self.shown.borrow_mut().extend(request.migrations.iter().map(|each| format!("{}: {}", each.name, each.sql)));
        Ok(vec!["1_a".into()])
    }
}

impl Drafter for Keeper {
    fn target(&mut self, _: &Target) -> Result<Guard> {
        Ok(Guard { fence: self.fence, url: None })
    }

    fn drafted(&mut self, drafted: Drafted, _: &mut Remaining<'_, '_>) -> Result<String> {
        let warnings = drafted.data_loss.warnings.iter().map(|warning| warning.message.clone());
        self.shown.borrow_mut().extend(warnings.chain([drafted.name, drafted.script]));
        Ok("BETTER".into())
    }
}

fn list(directory: &Path) -> Value {
    json!({"baseDir": directory, "lockfile": {"path": "migration_lock.toml", "content": null}, "migrationDirectories": [
        {"path": "1_a", "migrationFile": {"path": "migration.sql", "content": {"tag": "ok", "value": "SELECT 1"}}},
        {"path": "2_b", "migrationFile": {"path": "migration.sql", "content": {"tag": "ok", "value": "SELECT 2"}}},
    ]})
}

/// An engine that answers everything with one result.
fn answering(result: &Value) -> String {
    format!(
        "#!/bin/sh\nwhile IFS= read -r line; do id=${{line#*'\"id\":'}}; id=${{id%%,*}}\n\
         printf '%s%s%s%s}}\\n' '{{\"jsonrpc\":\"2.0\",\"id\":' \"$id\" ',\"result\":' '{result}'; done\n"
    )
}

#[test]
fn a_deploy_reports_what_was_applied_here_and_there() {
    let mut keeper = Keeper::new(Fence::Production);
    let engine = answering(&json!({"appliedMigrationNames": ["2_b"]}));
    let mut role = Deploy::new(&mut keeper);
    let (_, answer, _) = session(&engine, &[], &mut role, |mut seat| {
        let answer = seat.call(1, "applyMigrations", json!({"migrationsList": list(Path::new("/m"))}));
        seat.leave();
        answer
    });
    assert!(role.reached);
    assert_eq!(answer["result"]["appliedMigrationNames"], json!(["1_a", "2_b"]));
    assert_eq!(*keeper.shown.borrow(), ["1_a: SELECT 1", "2_b: SELECT 2"]);
}

#[test]
fn a_file_that_prisma_could_not_read_stops_a_deploy() {
    let mut keeper = Keeper::new(Fence::Open);
    let (end, (), _) = session(&answering(&Value::Null), &[], &mut Deploy::new(&mut keeper), |mut seat| {
        let mut list = list(Path::new("/m"));
        list["migrationDirectories"][1]["migrationFile"]["content"] = json!({"tag": "error", "value": "ENOENT"});
        seat.call(1, "applyMigrations", json!({ "migrationsList": list }));
        seat.leave();
    });
    let error = end.unwrap_err();
    assert!(error.to_string().contains("/m/2_b/migration.sql") && error.help_text().unwrap().contains("P3015"));
    assert!(keeper.shown.borrow().is_empty());
}

#[test]
fn a_draft_is_decided_before_prisma_writes_it() {
    let mut keeper = Keeper::new(Fence::Production);
    // both calls read their part of one answer
    let engine = answering(&json!({
        "connectorType": "postgresql", "generatedMigrationName": "3_c", "migrationScript": "DROP", "extension": "sql",
        "warnings": [{"message": "1000 rows", "stepIndex": 0}], "unexecutableSteps": [{"message": "x", "stepIndex": 0}],
    }));
    let (_, answers, _) = session(&engine, &[], &mut Draft::new(&mut keeper), |mut seat| {
        let params = json!({"migrationsList": list(Path::new("/m"))});
        let answers = ["applyMigrations", "evaluateDataLoss", "createMigration"]
            .map(|method| seat.call(1, method, params.clone())["result"].clone());
        seat.leave();
        answers
    });
    // nothing is applied to production
    assert_eq!(answers[0], json!({"appliedMigrationNames": []}));
    assert_eq!((&answers[1]["warnings"], &answers[1]["unexecutableSteps"]), (&json!([]), &json!([])));
    assert_eq!(answers[2]["migrationScript"], "BETTER");
    assert_eq!(*keeper.shown.borrow(), ["1000 rows", "3_c", "DROP"]);
}

#[test]
fn an_engine_that_writes_drafts_itself_writes_aside() {
    let project = tempfile::tempdir().unwrap();
    let folder = project.path().join("migrations");
    std::fs::create_dir_all(folder.join("1_a")).unwrap();
    std::fs::write(folder.join("1_a/migration.sql"), "SELECT 1").unwrap();
    // as up to 6.5: the draft goes into the folder that the call names
    let engine = r#"#!/bin/sh
read -r line
folder=${line#*'"migrationsDirectoryPath":"'}; folder=${folder%%'"'*}
cat "$folder/1_a/migration.sql" >&2
mkdir "$folder/3_c" && printf DRAFT > "$folder/3_c/migration.sql" && printf LOCK > "$folder/migration_lock.toml"
echo '{"jsonrpc":"2.0","id":1,"result":{"generatedMigrationName":"3_c"}}'
cat
"#;
    let mut keeper = Keeper::new(Fence::Open);
    let path = folder.clone();
    let (end, (answer, (_, stderr)), _) = session(engine, &[], &mut Draft::new(&mut keeper), move |mut seat| {
        let answer = seat.call(1, "createMigration", json!({"migrationsDirectoryPath": path, "draft": true}));
        (answer, seat.leave())
    });
    end.unwrap();
    assert_eq!(answer["result"], json!({"generatedMigrationName": "3_c"}));
    assert_eq!(stderr, "SELECT 1");
    assert_eq!(*keeper.shown.borrow(), ["3_c", "DRAFT"]);
    assert_eq!(std::fs::read_to_string(folder.join("3_c/migration.sql")).unwrap(), "BETTER");
    assert_eq!(std::fs::read_to_string(folder.join("migration_lock.toml")).unwrap(), "LOCK");
}

#[test]
fn the_fence_stands_around_every_role() {
    let mut keeper = Keeper::new(Fence::Production);
    let (end, (), _) = session(ECHO, &[], &mut Draft::new(&mut keeper), |mut seat| {
        seat.call(1, "reset", json!({}));
        seat.leave();
    });
    assert_eq!(end.unwrap_err().exit(), Exit::Refused);

    let args = ["--datasource", r#"{"url":"postgresql://h/d"}"#, "cli", "create-database"];
    let (end, _, _) = session(ECHO, &args, &mut Deploy::new(&mut keeper), Seat::leave);
    assert_eq!(end.unwrap_err().exit(), Exit::Refused);
}
