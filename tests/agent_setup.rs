//! What coding agents read, and the hook before their commands, as people install them.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Output, Prisma, Project};

const EXE: &str = env!("CARGO_BIN_EXE_prisma-safe");

#[test]
fn rules_are_written_where_they_are_read_and_once() {
    let project = Project::on(Prisma::V7);
    project.run(["agent", "install"]).exits(2).says("--for agents");
    project.write("AGENTS.md", "# Rules\n\nBe kind.\n");
    project.write(".claude/settings.json", "{\n  \"model\": \"x\"\n}\n");
    project.run(["agent", "install"]).exits(2).says("+## Database").says("--yes");
    assert_eq!(project.read("AGENTS.md"), "# Rules\n\nBe kind.\n", "nothing is written unseen");
    project.run(["agent", "install", "--yes"]).succeeds().says("Wrote AGENTS.md").says(".claude/settings.json");
    let (agents, settings) = (project.read("AGENTS.md"), project.read(".claude/settings.json"));
    assert!(
        agents.starts_with("# Rules\n\nBe kind.\n") && agents.contains("npx prisma-safe migrate deploy"),
        "{agents}"
    );
    assert!(project.read("CLAUDE.md").contains("prisma-safe review"));
    assert!(settings.contains("\"model\": \"x\"") && settings.contains("prisma-safe agent hook"), "{settings}");
    let servers: serde_json::Value = serde_json::from_str(&project.read(".mcp.json")).expect("JSON");
    let words = ["--no-install", "prisma-safe", "mcp"];
    assert_eq!(servers["mcpServers"]["prisma-safe"]["args"], serde_json::json!(words));
    // neither form was asked for
    assert!(!project.path(".cursor").exists() && !project.path(".github").exists());
    project.run(["agent", "install", "--yes"]).succeeds().says("know the rules already");
    assert_eq!((project.read("AGENTS.md"), project.read(".claude/settings.json")), (agents, settings));

    project.run(["agent", "install", "--yes", "--for", "cursor", "--for", "copilot"]).succeeds();
    assert!(project.read(".cursor/rules/prisma-safe.mdc").starts_with("---\n"));
    assert!(project.read(".github/copilot-instructions.md").contains("prisma-safe"));
    assert!(project.read(".cursor/mcp.json").contains("\"mcpServers\""));
    assert!(project.read(".vscode/mcp.json").contains("\"servers\""));
    project.run(["agent", "install", "--yes"]).succeeds().says("know the rules already");

    project.write(".claude/settings.json", "[]");
    project.run(["agent", "install", "--yes"]).exits(2).says("settings.json");
    assert_eq!(project.read(".claude/settings.json"), "[]");
}

fn hook(project: &Project, input: &str) -> Output {
    let mut command = project.command(EXE, ["agent", "hook"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a hook");
    child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("its input");
    Output::of("prisma-safe agent hook".into(), child.wait_with_output().expect("an end"))
}

#[test]
fn raw_commands_are_turned_towards_prisma_safe() {
    let project = Project::on(Prisma::V7);
    let asked =
        |command: &str| serde_json::json!({"tool_name": "Bash", "tool_input": {"command": command}}).to_string();
    let decision = hook(&project, &asked("npx prisma db push --force-reset")).succeeds().json();
    assert_eq!(decision["hookSpecificOutput"]["permissionDecision"], "deny");
    let reason = decision["hookSpecificOutput"]["permissionDecisionReason"].as_str().expect("a reason");
    assert!(reason.contains("npx prisma-safe db push"), "{reason}");
    let passed = hook(&project, &asked("npx prisma-safe migrate deploy && ls")).succeeds();
    assert_eq!((passed.stdout.as_str(), passed.stderr.as_str()), ("", ""));
    assert_eq!(hook(&project, "{\"tool_name\":\"Edit\",\"tool_input\":{}}").succeeds().stdout, "");
    hook(&project, "no JSON").exits(2).says("not JSON");
}
