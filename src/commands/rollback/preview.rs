//! What will happen, before anything does: the statements, what comes back, what does not, what is lost by it.

use postgres::Client;

use super::Way;
use crate::database::history::State;
use crate::error::{Explain as _, Result};
use crate::project::migrations::checksum_matches;
use crate::sql::Script;
use crate::ui::Shell;
use crate::undo::{keep, losses};

/// Shows one migration's way back.
pub(super) fn show(way: &Way, client: &mut Client, shell: &Shell) -> Result<()> {
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
    kept(way, shell);
    for what in &down.impossible {
        shell.warn(format_args!("cannot be reversed: {what}"));
    }
    let down = Script::parse(down.text.as_str());
    let lost = losses::losses(&way.after, &down);
    let lost = keep::held(client, &lost).explain(|| "could not look at what the rollback drops".into())?;
    for lost in lost {
        shell.warn(format_args!("lost by the rollback, and kept in its backup only: {lost}"));
    }
    Ok(())
}

fn kept(way: &Way, shell: &Shell) {
    let destroyed = losses::losses(&way.before, &Script::parse(way.chosen.migration.sql.as_str()));
    match &way.capsule {
        Some(capsule) => {
            for capture in &capsule.captures {
                let rows = indicatif::HumanCount(capture.rows);
                shell.detail(format_args!("comes back: {}, {rows} rows kept since {}", capture.what(), capsule.taken_at));
            }
        }
        None if destroyed.losses.is_empty() => {}
        None => {
            for (_, loss) in &destroyed.losses {
                shell.warn(format_args!("not kept: {}", keep::what_of(loss)));
            }
        }
    }
}
