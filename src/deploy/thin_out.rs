//! Thinning out the backups here and elsewhere, but for those that a deployment may still need.

use std::path::Path;

use jiff::Timestamp;

use super::Journal;
use crate::backup::copies::{self, Kept};
use crate::backup::retention::Clock;
use crate::backup::{Settings, prune};
use crate::context::Context;
use crate::error::Result;
use crate::ui::Shell;

/// How it is gone about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thinning {
    /// Only look what would be done.
    pub dry_run: bool,
    /// The clock is right, though it was set by more than a day.
    pub trust_clock: bool,
}

/// What was decided and done.
#[derive(Debug)]
pub struct ThinnedOut {
    pub plan: prune::Plan,
    /// What became of the copies at each place.
    pub elsewhere: Vec<(String, Vec<Kept>)>,
    /// None where nothing was to be done yet.
    pub done: Option<prune::Done>,
    pub now: Timestamp,
}

impl ThinnedOut {
    /// Says what was done, for people.
    pub fn say(&self, shell: &Shell) {
        if let Some(done) = self.done {
            shell.status("Pruned", done);
        }
    }
}

/// Thins out by the rules of the settings; `root` is the project's.
///
/// # Errors
/// If a directory or a place cannot be read or changed.
pub fn thin_out(root: &Path, settings: &Settings, how: Thinning, context: &Context) -> Result<ThinnedOut> {
    let Thinning { dry_run, trust_clock } = how;
    let directory = root.join(&settings.directory);
    let needed = Journal::needed_backups(root)?;
    let places = copies::places(settings, &context.env)?;
    let (rules, now) = (settings.retention.rules(), Timestamp::now());
    let request = prune::Request { directory: &directory, rules, needed: &needed, trust_clock, now };
    let plan = if dry_run { prune::preview(&request)? } else { prune::plan(&request, &context.shell)? };
    if let Some(clock) = plan.clock {
        context.shell.warn(format_args!("nothing is deleted: {clock}"));
        context.shell.note("set the clock right, or say that it is: --trust-clock");
    }
    let done = if dry_run { None } else { Some(plan.carry_out(&context.shell)?) };
    let pinned = plan.pinned();
    let clock = Clock { now, jumped: plan.clock.is_some() };
    let request = copies::Request { rules, needed: &needed, pinned: &pinned, clock, dry_run };
    let mut elsewhere = Vec::new();
    for place in &places {
        let kept = copies::thin_out(place, &request)?;
        for Kept { copy, .. } in kept.iter().filter(|kept| kept.deleted && !dry_run) {
            context.shell.status("Deleted", format_args!("{place}/{}", copy.name.as_str()));
        }
        elsewhere.push((place.to_string(), kept));
    }
    Ok(ThinnedOut { plan, elsewhere, done, now })
}
