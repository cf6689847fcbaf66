//! What will happen, before anything does: the statements, what comes back, what does not, what is lost by it.

use postgres::Client;

use crate::database::history::State;
use crate::error::{Explain as _, Result};
use crate::project::migrations::checksum_matches;
use crate::rules::cost;
use crate::sql::Script;
use crate::ui::Shell;
use crate::undo::capture::Capture;
use crate::undo::way::Way;
use crate::undo::{held, losses};

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
            shell.detail(format_args!("what it destroyed was not saved: it comes from {}", found.path.display()));
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
