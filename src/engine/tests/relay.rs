//! What goes through a session, and how one ends.

use serde_json::{Value, json};

use super::super::session::End;
use super::{ECHO, session};
use crate::engine::*;
use crate::error::Error;

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
fn noise_on_stderr_blocks_nothing() {
    // both pipes are full at once
    let engine = r#"#!/bin/sh
noise() { i=0; while [ $i -lt 2000 ]; do echo "$1$1$1$1$1$1$1$1$1$1"; i=$((i + 1)); done; }
while IFS= read -r line; do
  noise 0123456789 >&2 &
  noise '{"level":1}'
  wait
  echo '{"jsonrpc":"2.0","id":1,"result":"done"}'
done
"#;
    let (_, (lines, (status, stderr)), _) = session(engine, &[], &mut Relay, |mut seat| {
        seat.say(&json!({"jsonrpc": "2.0", "id": 1, "method": "x"}));
        let mut lines = 0;
        while seat.line() != "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"done\"}\n" {
            lines += 1;
        }
        (lines, seat.leave())
    });
    assert_eq!((lines, stderr.lines().count(), status), (2000, 2000, Some(0)));
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
    let (_, (out, (status, stderr)), _) = session(engine, &args, &mut Relay, |mut seat| (seat.line(), seat.leave()));
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
