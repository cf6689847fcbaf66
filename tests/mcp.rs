//! `prisma-safe mcp`, asked by the protocol's own client library.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::journey::songs;
use crate::support::{Output, Prisma, Project};

const EXE: &str = env!("CARGO_BIN_EXE_prisma-safe");

/// Makes the calls and gives what the client printed.
fn ask(project: &Project, calls: &Value) -> Output {
    let fixture = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/mcp"));
    assert!(fixture.join("node_modules").is_dir(), "the client is not installed yet: run `make setup`");
    let script = fixture.join("client.mjs");
    let mut command = project.command("node", [script.as_os_str(), EXE.as_ref(), "mcp".as_ref()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("node");
    child.stdin.take().expect("stdin").write_all(calls.to_string().as_bytes()).expect("the calls");
    Output::of("client.mjs prisma-safe mcp".into(), child.wait_with_output().expect("an end"))
}

/// The words of an error, with the help.
fn error(answer: &Value) -> &str {
    assert_eq!(answer["isError"], true, "{answer:#}");
    answer["content"][0]["text"].as_str().expect("a text")
}

#[test]
fn its_answers_are_the_documents_of_the_command_line_and_nothing_changes() {
    let project = songs(Prisma::V7, 10);
    let name = "20250102000000_rename";
    project.add_migration(name, "ALTER TABLE \"Song\" DROP COLUMN \"artist\", ADD COLUMN \"artist_name\" TEXT;\n");
    let drops = "ALTER TABLE \"Song\" DROP COLUMN \"artist\";";
    project.run(["catalog", "--output", "target.json"]).succeeds();
    let (files, rows) = (project.files("."), project.database().contents());
    let asked = ask(
        &project,
        &json!([
            { "name": "review_sql", "arguments": { "sql": drops } },
            { "name": "review_sql", "arguments": { "sql": drops, "offline": true } },
            { "name": "review_sql", "arguments": { "sql": drops, "catalog": "target.json" } },
            { "name": "review_migrations" },
            { "name": "review_migrations", "arguments": { "migrations": ["20250101000000_init"], "offline": true } },
            { "name": "list_renames", "arguments": { "migration": name } },
            { "name": "status", "arguments": {} },
            { "name": "explain_rule", "arguments": { "rule": "drop-column" } },
            { "name": "explain_rule", "arguments": { "rule": "drop-colum" } },
            { "name": "list_renames", "arguments": { "migration": "--output=stolen" } },
            { "name": "status", "arguments": { "deploy": true } },
            { "name": "deploy", "arguments": {} },
        ]),
    )
    .succeeds();
    let document = asked.json();
    let answers = document["answers"].as_array().expect("answers");
    let structured = |at: usize| {
        assert_eq!(answers[at]["isError"], false, "{at}: {:#}", answers[at]);
        &answers[at]["structuredContent"]
    };

    assert_eq!(document["server"]["name"], "prisma-safe");
    let tools = document["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 5);
    assert!(tools.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true), "{tools:#?}");

    // before it is written: against the target, behind the migrations alone, and by a file
    let rules = |at: usize| -> Vec<&str> {
        let findings = structured(at)["migrations"][0]["findings"].as_array().expect("findings");
        findings.iter().map(|finding| finding["rule"].as_str().expect("a rule")).collect()
    };
    for at in [0, 1, 2] {
        assert_eq!(structured(at)["verdict"], "fail", "{at}: {:#}", answers[at]);
        assert!(rules(at).contains(&"drop-column"), "{at}: {:?}", rules(at));
    }
    let evidence = structured(0)["migrations"][0]["findings"].to_string();
    assert!(evidence.contains("10 rows hold a value"), "{evidence}");
    assert!(structured(0)["target"]["serverVersion"].is_string() && structured(1)["target"]["serverVersion"].is_null());
    let text: Value = serde_json::from_str(answers[0]["content"][0]["text"].as_str().expect("a text")).expect("JSON");
    assert_eq!(&text, structured(0), "for clients that read no structured content");

    // what the command line prints
    assert_eq!(structured(3), &project.run(["review", "--format", "json"]).exits(3).json());
    let offline = project.run(["review", "20250101000000_init", "--offline", "--format", "json"]).succeeds();
    assert_eq!(structured(4), &offline.json());
    assert_eq!(structured(5), &project.run(["renames", name, "--format", "json"]).succeeds().json());
    assert_eq!(structured(6), &project.run(["status", "--format", "json"]).exits(1).json());
    let page = answers[7]["content"][0]["text"].as_str().expect("a page");
    assert_eq!(page, project.run(["explain", "drop-column"]).succeeds().stdout);

    assert!(error(&answers[8]).contains("did you mean `drop-column`?"), "{}", answers[8]);
    assert!(error(&answers[9]).contains("no migration or SQL file `--output=stolen`"), "{}", answers[9]);
    assert!(error(&answers[10]).contains("unknown field `deploy`"), "{}", answers[10]);
    assert!(answers[11]["failed"].as_str().expect("a failure").contains("unknown tool deploy"));

    assert_eq!((project.files("."), project.database().contents()), (files, rows));
    project.run(["--url", "postgresql://u:hidden@h/d", "mcp"]).exits(2).says("--env").says_nothing_of("hidden");
    project.run(["mcp"]).succeeds();
    project.run(["review", "-", "--fix"]).exits(2).says("--fix changes files");
}

/// A database that takes the connection and says nothing: other calls are answered, and neither a call that is taken back nor one
/// whose client is gone goes on.
#[test]
fn a_silent_database_holds_nothing_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let project = Project::prisma7();
    project.write(".env", &format!("DATABASE_URL=\"postgresql://u@127.0.0.1:{port}/silent\"\n"));
    let (one, two) = (project.path("one"), project.path("two"));
    let files = [one.clone(), two.clone()];
    let silent = std::thread::spawn(move || {
        files.map(|file| {
            let (mut connection, _) = listener.accept().expect("a connection");
            std::fs::write(file, "").expect("a sign");
            let began = Instant::now();
            connection.read_to_end(&mut Vec::new()).expect("an end");
            began.elapsed()
        })
    });
    let asked = ask(&project, &json!([{ "name": "status", "cancelWhen": one }, { "name": "explain_rule" }])).succeeds();
    let answers = asked.json();
    assert!(answers["answers"][0]["failed"].as_str().expect("a failure").contains("taken back"), "{answers:#}");
    assert!(answers["answers"][1]["content"][0]["text"].as_str().expect("a list").contains("drop-column"));
    ask(&project, &json!([{ "name": "status", "hangUpWhen": two }])).succeeds();
    let ends = silent.join().expect("two ends");
    // by itself it would give up after twenty seconds
    assert!(ends.iter().all(|end| *end < Duration::from_secs(15)), "{ends:?}");
}
