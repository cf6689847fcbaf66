//! What will happen, before anything does: the statements, what comes back, what does not, what is lost by it.

use postgres::Client;

use super::Way;
use super::choose::Chosen;
use crate::catalog::Catalog;
use crate::database::history::State;
use crate::error::{Explain as _, Result};
use crate::project::migrations::checksum_matches;
use crate::rules::cost;
use crate::sql::Script;
use crate::ui::Shell;
use crate::undo::capture::Capture;
use crate::undo::losses::{self, Loss};
use crate::undo::{Capsule, Down, code, held, plan, reverse};

/// Shows one migration's way back; `newer` go back before it.
pub(super) fn show(way: &Way, newer: &[Way], client: &mut Client, shell: &Shell) -> Result<()> {
    let (chosen, down) = (&way.chosen, &way.down);
    let name = &chosen.migration.name;
    let state = if chosen.row.state() == State::Failed { "failed" } else { "applied" };
    let from = match &down.path {
        Some(path) => format!("by {}", path.display()),
        None => "by its reverse, worked out just now".to_owned(),
    };
    shell.status("Rolling back", format_args!("{name} ({state} {}), {from}", chosen.row.started_at));
    for statement in down.statements() {
        shell.detail(statement);
    }
    if !checksum_matches(&chosen.row.checksum, &chosen.migration.sql) {
        shell.warn(format_args!("{name} was edited after it was applied: its reverse may be another one"));
    }
    for capture in way.capsule.iter().flat_map(|capsule| &capsule.captures) {
        shell.detail(format_args!("comes back: {}, {}", capture.what(), cost::rows(capture.rows)));
    }
    match &way.backup {
        Some(found) => {
            shell.detail(format_args!("nobody has kept what it destroyed: it comes from {}", found.path.display()));
        }
        None => way.missing.iter().for_each(|what| shell.warn(what)),
    }
    let down = Script::parse(down.text.as_str());
    let lost = losses::losses(&way.after, &down);
    let newer: Vec<&Capture> =
        newer.iter().flat_map(|way| &way.capsule).flat_map(|capsule| &capsule.captures).collect();
    let lost = held::held(client, &lost, &newer).explain(|| "could not look at what the rollback drops".into())?;
    for lost in lost {
        shell.warn(format_args!("lost by the rollback, and kept in its backup only: {lost}"));
    }
    Ok(())
}

/// What does not come back, a sentence each.
pub(super) fn missing(chosen: &Chosen, down: &Down, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let measured = capsule.and_then(|capsule| capsule.measured.as_ref());
    let mut missing: Vec<String> = down.impossible.iter().map(|what| irreversible(what, measured.is_some())).collect();
    missing.extend(by_code(chosen, capsule, before));
    if capsule.is_none_or(|capsule| capsule.definitions.is_none()) {
        let unread = down.defined.iter();
        missing.extend(
            unread.map(|what| format!("cannot be reversed, as its definition was not read before the deploy: {what}")),
        );
    }
    missing.extend(unkept(chosen, capsule, before));
    missing
}

/// Of code, what the rehearsal has measured was kept.
pub(super) fn irreversible(what: &str, measured: bool) -> String {
    match measured && reverse::is_code(what) {
        true => format!("cannot be reversed: {what} beyond the rows that it changed or deleted in the rehearsal"),
        false => format!("cannot be reversed: {what}"),
    }
}

/// What code did that no statement names, a sentence each.
fn by_code(chosen: &Chosen, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let Some(capsule) = capsule else { return Vec::new() };
    match (&capsule.measured, &capsule.definitions) {
        (Some(stays), _) => stays.iter().map(|rows| format!("stays: {rows}")).collect(),
        (None, Some((definitions, _))) => {
            let fired = code::fired(definitions, before, &Script::parse(chosen.migration.sql.as_str()));
            let say = |what: String| format!("cannot be reversed, as no rehearsal has measured it: {what}");
            fired.into_iter().map(say).collect()
        }
        // that nobody has read the definitions is said elsewhere
        (None, None) => Vec::new(),
    }
}

/// What the migration destroyed and no capsule has, a sentence each.
pub(super) fn unkept(chosen: &Chosen, capsule: Option<&Capsule>, before: &Catalog) -> Vec<String> {
    let destroyed = losses::losses(before, &Script::parse(chosen.migration.sql.as_str()));
    let kept = |statement: usize, loss: &Loss| {
        capsule.is_some_and(|capsule| {
            capsule.captures.iter().any(|own| own.statement == statement && own.table() == *loss.table())
        })
    };
    let lost = destroyed.losses.iter().filter(|(statement, loss)| !kept(*statement, loss));
    lost.map(|(_, loss)| format!("does not come back, as nobody has kept it: {}", plan::what_of(loss))).collect()
}
