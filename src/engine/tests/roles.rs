//! The roles in a session.

use std::cell::RefCell;
use std::path::Path;

use serde_json::{Value, json};

use super::super::deploy::Deploy;
use super::super::draft::Draft;
use super::super::session::End;
use super::{ECHO, Seat, session};
use crate::database::DatabaseUrl;
use crate::engine::*;

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

/// Leaves at the first call; works on another database until then.
struct Redirected;

impl Role for Redirected {
    fn seated(&mut self, _: &Target) -> Result<Option<DatabaseUrl>> {
        DatabaseUrl::parse("postgresql://h/other").map(Some)
    }

    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        Ok(match request.method.as_str() {
            "leave" => Reply::Leave,
            "again" => {
                engine.redirect(&DatabaseUrl::parse("postgresql://h/third")?)?;
                Reply::Relay(request)
            }
            _ => Reply::Relay(request),
        })
    }
}

#[test]
fn the_real_engine_can_be_sent_to_another_database_and_prisma_left_behind() {
    // the answer is what the engine was told
    let engine = "#!/bin/sh\nwhile read -r line; do id=${line#*'\"id\":'}; printf '{\"id\":%s,\"result\":%s}\\n' \"${id%%,*}\" \"$2\"; done\n";
    let args = ["--datasource", r#"{"url":"postgresql://h/first"}"#];
    let (end, answers, _) = session(engine, &args, &mut Redirected, |mut seat| {
        let answers = ["x", "again"].map(|method| seat.call(1, method, json!({}))["result"]["url"].clone());
        assert_eq!(seat.call(2, "leave", json!({})), Value::Null);
        seat.leave();
        answers
    });
    assert_eq!(end.unwrap(), End::Leave);
    assert_eq!(answers, [json!("postgresql://h/other"), json!("postgresql://h/third")]);
}
