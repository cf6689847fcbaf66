//! What a backup, its proof and a rehearsal need: programs, a scratch server, its extensions, room, keys, places of copies.

use jiff::Timestamp;

use super::Scene;
use super::database::Reached;
use crate::backup::directory::Directory;
use crate::backup::{self, Ahead, Request, copies, encryption};
use crate::database::Failure;
use crate::deploy::verify::{Check, Status};
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::rehearsal::RehearsalMode;
use crate::target::{BackupPolicy, Target};
use crate::tools::pg_dump::PgDump;
use crate::tools::scratch::{self, Asking, Opened};

pub(super) fn checks(scene: &Scene<'_>, reached: Option<Reached>) -> Vec<Check> {
    let mut checks = match (reached, scene.target) {
        (Some(reached), Ok(target)) => of_database(scene, target, reached),
        _ => vec![
            without_server(scene),
            Check::new("scratch server", Status::Unchecked, ["no database was reached, so no version is known"]),
            disk(scene, None),
        ],
    };
    checks.extend([encryption(scene), copies(scene), newest(scene)]);
    checks
}

/// Which of the versions here would fit is known by the server.
fn without_server(scene: &Scene<'_>) -> Check {
    match PgDump::find(0, &scene.context.env, scene.settings.backup.pg_bin.as_deref()) {
        Ok(found) => {
            let note = format!("{} is here; whether it fits is known when the server is", found.version());
            Check::new("pg_dump", Status::Unchecked, [note])
        }
        Err(error) => Check::failed("pg_dump", &error),
    }
}

fn of_database(scene: &Scene<'_>, target: &Target, mut reached: Reached) -> Vec<Check> {
    let (settings, rehearsal) = (&scene.settings.backup, &scene.settings.rehearsal);
    let rehearsed = rehearsal.mode != RehearsalMode::Off && !rehearsal.by_host();
    if target.backup == BackupPolicy::Never {
        return vec![Check::new("pg_dump", Status::Passed, ["this environment takes no backups (backup = \"never\")"])];
    }
    if let Some(provider) = settings.provider {
        let note = format!("backups are taken by {provider}; `prisma-safe backup` tries it");
        return vec![Check::new("pg_dump", Status::Unchecked, [note])];
    }
    let mut checks = Vec::new();
    let program = reached.major.map(|major| PgDump::find(major, &scene.context.env, settings.pg_bin.as_deref()));
    match &program {
        // where it is missing, that is an obstacle below
        Some(Ok(program)) => checks.push(Check::new("pg_dump", Status::Passed, [program.version()])),
        Some(Err(_)) => {}
        None => checks.push(without_server(scene)),
    }
    let directory = scene.root.join(&settings.directory);
    let request = Request {
        url: &target.url,
        schemas: &reached.schemas,
        directory: &directory,
        project: scene.root,
        production: target.production,
        environment: target.environment.as_deref(),
        precedes: &[],
        definitions_only: false,
        settings,
        env: &scene.context.env,
    };
    let pending: Vec<Migration> = match scene.discovered {
        Ok(found) => {
            found.migrations.iter().filter(|it| reached.standing.pending.contains(&it.name)).cloned().collect()
        }
        Err(_) => Vec::new(),
    };
    let ahead = Ahead { request: Some(request), rehearsed, pending: &pending, asking: Asking::MayNot };
    match ahead.look(&mut reached.client) {
        Ok(found) => {
            checks.extend(found.obstacles.iter().map(|obstacle| {
                Check::new("backup", Status::Failed, [&obstacle.message]).with_cure(Some(&obstacle.help))
            }));
            checks.extend(found.starting.into_iter().flat_map(|starting| served(starting.wait(), reached.major)));
        }
        Err(error) => checks.push(Check::failed("backup", &error)),
    }
    checks.push(disk(scene, reached.bytes));
    checks
}

/// A server has started, or has not; it is gone with this.
fn served(opened: Result<Opened>, major: Option<u32>) -> Vec<Check> {
    let name = "scratch server";
    let (server, missing) = match opened {
        Ok(opened) => opened,
        Err(error) => return vec![Check::failed(name, &error)],
    };
    let version = server.connect("postgres").and_then(|mut client| {
        let row = client.query_one("SELECT split_part(current_setting('server_version'), ' ', 1)", &[]);
        row.and_then(|row| row.try_get::<_, String>(0)).map_err(Failure::from).explain(|| "it did not answer".into())
    });
    let started = match version {
        Ok(version) => format!("PostgreSQL {version} of {} started here", server.programs().display()),
        Err(error) => return vec![Check::failed(name, &error)],
    };
    let extensions = if missing.is_empty() {
        Check::new("extensions", Status::Passed, ["the scratch server has every extension of the database"])
    } else {
        let install = major.and_then(|major| scratch::install_extensions(&missing, major));
        let lacks = format!(
            "the scratch server lacks {}: copies are without them, and without what needs them",
            missing.join(", ")
        );
        Check::new("extensions", Status::Warned, [lacks]).with_cure(install)
    };
    vec![Check::new(name, Status::Passed, [started]), extensions]
}

fn disk(scene: &Scene<'_>, bytes: Option<u64>) -> Check {
    let settings = &scene.settings.backup;
    let directory = scene.root.join(&settings.directory);
    let free = match Directory::room(&directory) {
        Ok(free) => free,
        Err(error) => return Check::failed("disk", &error),
    };
    let have = format!("{} free for {}", backup::size(free), directory.display());
    let Some(bytes) = bytes else {
        return Check::new("disk", Status::Unchecked, [have, "the database's size is not known".into()]);
    };
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    let needed = (bytes as f64 * settings.space_factor) as u64;
    let note = format!("{have}; a backup may take {}", backup::size(needed));
    match free >= needed {
        true => Check::new("disk", Status::Passed, [note]),
        false => Check::new("disk", Status::Warned, [note])
            .with_cure(Some("free some space, or name another place: backup.directory in prisma-safe.toml")),
    }
}

fn encryption(scene: &Scene<'_>) -> Check {
    let settings = &scene.settings.backup;
    let recipients = match encryption::recipients(settings) {
        Ok(recipients) => recipients,
        Err(error) => return Check::failed("encryption", &error),
    };
    let Some(recipients) = recipients else {
        let away = !settings.copies.is_empty();
        let (status, note) = match away {
            true => (Status::Warned, "backups are not encrypted, and copies of them leave this machine"),
            false => (Status::Passed, "off: backups are not encrypted"),
        };
        let cure = away.then_some("name recipients of age: backup.encrypt in prisma-safe.toml (docs/backups.md)");
        return Check::new("encryption", status, [note]).with_cure(cure);
    };
    let names = recipients.names().join(", ");
    match encryption::keys(settings, &scene.context.env) {
        Ok(keys) if keys.is_empty() => Check::new(
            "encryption",
            Status::Warned,
            [format!("encrypted to {names}; no identity is here that opens them, so nothing is restored from here")],
        )
        .with_cure(Some("export PRISMA_SAFE_AGE_IDENTITY_FILE=FILE where a restore would run")),
        Ok(_) => Check::new("encryption", Status::Passed, [format!("encrypted to {names}; an identity is here")]),
        Err(error) => Check::failed("encryption", &error),
    }
}

fn copies(scene: &Scene<'_>) -> Check {
    let settings = &scene.settings.backup;
    let places = match copies::places(settings, &scene.context.env) {
        Ok(places) => places,
        Err(error) => return Check::failed("copies", &error),
    };
    if places.is_empty() {
        let production = scene.target.is_ok_and(|target| target.production) && settings.provider.is_none();
        let status = if production { Status::Warned } else { Status::Passed };
        let cure = production.then_some("name a place: backup.copies in prisma-safe.toml (docs/backups.md)");
        return Check::new("copies", status, ["backups are on this machine only"]).with_cure(cure);
    }
    let listed: Vec<(String, Result<usize>)> = places
        .iter()
        .map(|place| (place.to_string(), place.list().map(|found| found.iter().filter(|copy| copy.whole).count())))
        .collect();
    let failed: Vec<&Error> = listed.iter().filter_map(|(_, found)| found.as_ref().err()).collect();
    let notes = listed.iter().map(|(place, found)| match found {
        Ok(count) => format!("{place}: {count} whole"),
        Err(error) => format!("{place}: {}", error.with_causes()),
    });
    let status = if failed.is_empty() { Status::Passed } else { Status::Failed };
    Check::new("copies", status, notes).with_cure(failed.first().and_then(|error| error.help_text()))
}

fn newest(scene: &Scene<'_>) -> Check {
    let directory = scene.root.join(&scene.settings.backup.directory);
    let entries = match backup::list(&directory) {
        Ok(entries) => entries,
        Err(error) => return Check::failed("backups", &error),
    };
    let good = entries.iter().filter(|entry| entry.state == backup::State::Good);
    let Some(newest) = good.clone().next() else {
        return Check::new("backups", Status::Passed, [format!("none in {} yet", directory.display())]);
    };
    let hours = Timestamp::now().as_second().saturating_sub(newest.time.as_second()) / 3600;
    let age = match hours {
        ..0 => "taken in the future, by its name".to_owned(),
        0..48 => format!("{hours} h old"),
        _ => format!("{} days old", hours / 24),
    };
    Check::new("backups", Status::Passed, [format!("{} here, the newest is {} ({age})", good.count(), newest.file())])
}
