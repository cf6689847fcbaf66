//! Ways to the database that lead past prisma-safe: scripts, plain `prisma`, other files of the repository, CI, coding agents.

use std::path::Path;

use super::Scene;
use crate::agent::Agent;
use crate::agent_setup;
use crate::database::DatabaseUrl;
use crate::deploy::verify::{Check, Status};
use crate::init::{Doors, Elsewhere, Plan, Wishes, environments, workflows};
use crate::project::repository;

pub(super) fn checks(scene: &Scene<'_>) -> Vec<Check> {
    let mut checks = doors(scene);
    checks.extend([elsewhere(scene), ci(scene), rules(scene), secrets(scene)]);
    checks
}

fn doors(scene: &Scene<'_>) -> Vec<Check> {
    let doors = match Doors::of(scene.root) {
        Ok(doors) => doors,
        Err(error) => return ["scripts", "plain prisma"].map(|name| Check::failed(name, &error)).into(),
    };
    let init = Some("prisma-safe init");
    let scripts = match doors.scripts.as_slice() {
        [] => Check::new("scripts", Status::Passed, ["no script of package.json runs plain Prisma on a database"]),
        open => Check::new("scripts", Status::Warned, [format!("these run plain Prisma: {}", open.join(", "))])
            .with_cure(init),
    };
    let engine = match doors.engine {
        Some(file) => Check::new("plain prisma", Status::Passed, [format!("{file} leads it to prisma-safe")]),
        None => Check::new("plain prisma", Status::Warned, ["`npx prisma` goes around prisma-safe"]).with_cure(init),
    };
    vec![scripts, engine]
}

fn elsewhere(scene: &Scene<'_>) -> Check {
    match Plan::new(scene.root, scene.settings, &scene.context.env, Wishes::default()) {
        Ok(Plan { elsewhere: Elsewhere { lines, .. }, .. }) if lines.is_empty() => {
            Check::new("other files", Status::Passed, ["none of this repository runs plain Prisma on a database"])
        }
        Ok(Plan { elsewhere: Elsewhere { lines, changes }, .. }) => {
            let cure = if changes.is_empty() { None } else { Some("prisma-safe init --rewire") };
            Check::new("other files", Status::Warned, lines).with_cure(cure)
        }
        Err(error) => Check::failed("other files", &error),
    }
}

fn ci(scene: &Scene<'_>) -> Check {
    match workflows(scene.root).as_slice() {
        [] => Check::new("ci", Status::Warned, ["no workflow reviews migrations"])
            .with_cure(Some("prisma-safe init --ci github (or gitlab)")),
        found => {
            let names: Vec<String> = found.iter().map(|file| file.display().to_string()).collect();
            Check::new("ci", Status::Passed, [names.join(", ")])
        }
    }
}

/// Whether coding agents that work here know the rules. None may be at work at all.
fn rules(scene: &Scene<'_>) -> Check {
    let top = repository(scene.root);
    let project = scene.root.strip_prefix(top).ok().and_then(Path::to_str).unwrap_or_default();
    let running = Agent::detect(&scene.context.env);
    let mut notes: Vec<String> = Vec::new();
    notes.extend(
        running.map(|agent| format!("{} runs this ({}): it cannot consent to losing data", agent.name, agent.mark)),
    );
    // without a file of theirs there is nothing to plan
    let Ok(planned) = agent_setup::plan(top, project, &[]) else {
        notes.push("no file that a coding agent reads is here".into());
        return Check::new("agents", Status::Passed, notes);
    };
    if planned.is_empty() {
        notes.push("they know the rules".into());
        return Check::new("agents", Status::Passed, notes);
    }
    let files: Vec<String> = planned.iter().map(|change| change.path.display().to_string()).collect();
    notes.push(format!("the rules are missing, or older than this version, in {}", files.join(", ")));
    Check::new("agents", Status::Warned, notes).with_cure(Some("prisma-safe agent install"))
}

/// Production's URL in a file is in the reach of every program that works here.
fn secrets(scene: &Scene<'_>) -> Check {
    let name = "production url";
    let Ok(target) = scene.target else {
        return Check::new(name, Status::Unchecked, ["no target is known"]);
    };
    if !target.production {
        return Check::new(name, Status::Passed, ["the target is not production"]);
    }
    let holds = |file: &&str| names_database(&scene.root.join(file), &target.url);
    let files: Vec<&str> = environments::files().filter(holds).collect();
    if files.is_empty() {
        return Check::new(name, Status::Passed, ["no environment file of this project holds it"]);
    }
    Check::new(
        name,
        Status::Warned,
        [format!("{} holds it, within reach of every program and agent that works here", files.join(", "))],
    )
    .with_cure(Some("keep it where deployments run (CI secrets), and switch the guard on: prisma-safe guard on"))
}

fn names_database(file: &Path, url: &DatabaseUrl) -> bool {
    let Ok(pairs) = dotenvy::from_path_iter(file) else { return false };
    pairs.flatten().filter_map(|(_, value)| DatabaseUrl::parse(&value).ok()).any(|own| own.same_database(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_the_database_under_any_variable() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join(".env");
        std::fs::write(&file, "A=1\nLIVE=\"postgresql://u:p@db.example.com/music\"\n").unwrap();
        let url = |text: &str| DatabaseUrl::parse(text).unwrap();
        assert!(names_database(&file, &url("postgresql://other:x@db.example.com:5432/music")));
        assert!(!names_database(&file, &url("postgresql://u:p@db.example.com/other")));
        assert!(!names_database(&place.path().join("none"), &url("postgresql://u:p@h/d")));
    }
}
