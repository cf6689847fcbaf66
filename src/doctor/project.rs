//! The project: Prisma, prisma-safe.toml, schema and migrations.

use super::Scene;
use crate::config::FILE_NAME;
use crate::deploy::verify::{Check, Status};

pub(super) fn checks(scene: &Scene<'_>) -> Vec<Check> {
    vec![prisma(scene), settings(scene), schema(scene)]
}

fn prisma(scene: &Scene<'_>) -> Check {
    let project = match scene.project {
        Ok(project) => project,
        Err(error) => return Check::failed("prisma", error),
    };
    let manager = project.package_manager();
    match (project.version(), project.note()) {
        (Some(version), _) => {
            Check::new("prisma", Status::Passed, [format!("Prisma {version}, installed with {manager}")])
        }
        (None, note) => Check::new("prisma", Status::Warned, note).with_cure(Some(manager.add_command("prisma@7"))),
    }
}

fn settings(scene: &Scene<'_>) -> Check {
    match scene.config {
        Err(error) => Check::failed("settings", error),
        Ok(config) => match &config.path {
            Some(path) => Check::new("settings", Status::Passed, [path.display().to_string()]),
            None => Check::new(
                "settings",
                Status::Warned,
                [format!("there is no {FILE_NAME}: every setting is at its default")],
            )
            .with_cure(Some("prisma-safe init")),
        },
    }
}

fn schema(scene: &Scene<'_>) -> Check {
    let discovered = match scene.discovered {
        Ok(discovered) => discovered,
        Err(error) => return Check::failed("schema", error),
    };
    let root = scene.root;
    let shown = |path: &std::path::Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let files: Vec<String> = discovered.schema_files.iter().map(|file| shown(file)).collect();
    let folder = shown(&discovered.migrations_dir);
    let notes = [
        match files.as_slice() {
            [] => "Prisma named no schema file".to_owned(),
            [one] => one.clone(),
            many => format!("{} schema files, the first is {}", many.len(), many[0]),
        },
        match discovered.migrations.len() {
            0 => format!("no migration in {folder}"),
            1 => format!("1 migration in {folder}"),
            count => format!("{count} migrations in {folder}"),
        },
    ];
    if discovered.provider != "postgresql" {
        let note = format!("the provider is {}: prisma-safe guards postgresql alone", discovered.provider);
        return Check::new("schema", Status::Failed, [note]);
    }
    let status = if files.is_empty() { Status::Unchecked } else { Status::Passed };
    Check::new("schema", status, notes)
}
