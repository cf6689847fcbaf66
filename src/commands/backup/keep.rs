//! Which backups stay and where else they are: `backup prune`, `backup pin`, `backup copy`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::backup::copies::{self, Copied, Kept, Place};
use crate::backup::manifest::Manifest;
use crate::backup::retention::Clock;
use crate::backup::{Backup, Settings, prune, report};
use crate::context::Context;
use crate::deploy::Journal;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::ui::interrupt::Guard;

/// Arguments of `backup prune`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Prune {
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// The clock is right, though it was set by more than a day
    #[arg(long)]
    trust_clock: bool,
}

impl Prune {
    /// Whether it only says what it would do.
    pub(super) fn dry_run(&self) -> bool {
        self.dry_run
    }
}

/// Arguments of `backup pin`.
#[derive(Debug, clap::Args)]
pub(super) struct Pin {
    /// The backup, as `backup list` shows it
    pub(super) file: PathBuf,
    /// Let the rules decide again
    #[arg(long)]
    remove: bool,
}

/// `backup prune`
pub(super) fn prune(
    context: &Context,
    directory: &Path,
    root: &Path,
    settings: &Settings,
    args: &Prune,
    json: bool,
) -> Result<Exit> {
    let needed = Journal::needed_backups(root)?;
    let places = copies::places(settings, &context.env)?;
    let (rules, now, trust_clock) = (settings.retention.rules(), Timestamp::now(), args.trust_clock);
    let request = prune::Request { directory, rules, needed: &needed, trust_clock, now };
    let plan = if args.dry_run { prune::preview(&request)? } else { prune::plan(&request, &context.shell)? };
    if let Some(clock) = plan.clock {
        context.shell.warn(format_args!("nothing is deleted: {clock}"));
        context.shell.note("set the clock right, or say that it is: --trust-clock");
    }
    let done = if args.dry_run { None } else { Some(plan.carry_out(&context.shell)?) };
    let pinned = plan.pinned();
    let clock = Clock { now, jumped: plan.clock.is_some() };
    let request = copies::Request { rules, needed: &needed, pinned: &pinned, clock, dry_run: args.dry_run };
    let mut elsewhere = Vec::new();
    for place in &places {
        let kept = copies::thin_out(place, &request)?;
        for Kept { copy, .. } in kept.iter().filter(|kept| kept.deleted && !args.dry_run) {
            context.shell.status("Deleted", format_args!("{place}/{}", copy.name.as_str()));
        }
        elsewhere.push((place.to_string(), kept));
    }
    if json {
        super::print(context, &report::pruned(&plan, &elsewhere, done.as_ref(), now))?;
    } else if args.dry_run {
        context.shell.print(&report::fates(&plan, &elsewhere, now));
    } else if let Some(done) = done {
        context.shell.status("Pruned", done);
    }
    Ok(Exit::Done)
}

/// Thins out after a backup: a failure makes the backup no worse.
pub(super) fn thin_out(directory: &Path, root: &Path, settings: &Settings, context: &Context) {
    let pruned = prune(context, directory, root, settings, &Prune::default(), false);
    if let Err(error) = pruned {
        context.shell.warn(format_args!("the old backups were not thinned out: {error:?}"));
    }
}

/// `backup pin`
pub(super) fn pin(context: &Context, path: &Path, args: &Pin) -> Result<Exit> {
    prune::pin(path, !args.remove)?;
    let verb = if args.remove { "Unpinned" } else { "Pinned" };
    context.shell.status(verb, path.display());
    Ok(Exit::Done)
}

/// `backup copy`
pub(super) fn copy(context: &Context, path: &Path, settings: &Settings) -> Result<Exit> {
    if settings.copies.is_empty() {
        return Err(
            Error::usage("backup.copies names no place to copy to").help("[backup]\ncopies = [\"s3://bucket/prefix\"]")
        );
    }
    let manifest = Manifest::read(path)?.ok_or_else(|| {
        Error::failed(format!("{} has no manifest, so nothing says what it should hold", path.display()))
            .help("take a new backup")
    })?;
    let places = copies::places(settings, &context.env)?;
    let failed = send(path, &manifest, &places, context)?;
    failed.map_or(Ok(Exit::Done), Err)
}

/// Copies a new backup to every place that the settings name.
///
/// # Errors
/// If fewer copies are there afterwards than are required, or after Ctrl-C.
pub(super) fn copy_new(backup: &Backup, settings: &Settings, context: &Context) -> Result<()> {
    let places = copies::places(settings, &context.env)?;
    let total = places.len();
    let mut missing = 0;
    let mut last = None;
    for place in &places {
        if let Some(error) = send(&backup.path, &backup.manifest, std::slice::from_ref(place), context)? {
            missing += 1;
            last = Some(error);
        }
    }
    let there = total - missing;
    match last {
        Some(error) if there < settings.required_copies => Err(Error::failed(format!(
            "{there} of {} required copies of the backup are there (backup.required-copies)",
            settings.required_copies
        ))
        .because(error)
        .help("the backup itself stands; once the place is reached again: prisma-safe backup copy")),
        _ => Ok(()),
    }
}

/// Copies to each place; gives the first failure, which is shown too. Ctrl-C ends it at once.
fn send(path: &Path, manifest: &Manifest, places: &[Place], context: &Context) -> Result<Option<Error>> {
    let guard = Guard::new()?;
    let mut first = None;
    for place in places {
        context.shell.status("Copying", format_args!("to {place}"));
        match copies::upload(path, manifest, place, &guard) {
            Ok(()) => context.shell.status("Copied", format_args!("to {place}, and read back")),
            Err(error) if error.exit() == Exit::Cancelled => return Err(error),
            Err(error) => {
                context.shell.warn(format_args!("no copy at {place}: {error:?}"));
                first = first.or(Some(error));
            }
        }
    }
    Ok(first)
}

/// The copies at every place; one that is not reached is said, and has none.
pub(super) fn elsewhere(settings: &Settings, context: &Context) -> Result<Vec<(String, Vec<Copied>)>> {
    let mut found = Vec::new();
    for place in copies::places(settings, &context.env)? {
        match place.list() {
            Ok(copies) => found.push((place.to_string(), copies)),
            Err(error) => context.shell.warn(format_args!("the copies at {place} are not known: {error:?}")),
        }
    }
    Ok(found)
}

/// A backup that is typed as a place's copy: it is fetched, unless it is here already.
///
/// # Errors
/// If it is not there, or is not what its manifest says.
pub(super) fn fetched(
    file: &Path,
    directory: &Path,
    settings: &Settings,
    context: &Context,
) -> Result<Option<PathBuf>> {
    let Some(text) = file.to_str().filter(|text| Place::looks_like(text)) else { return Ok(None) };
    // as `backup list` shows it: how its place is reached stands in the settings
    let configured = copies::places(settings, &context.env)?.into_iter().find_map(|place| {
        let name = text.strip_prefix(&format!("{place}/"))?.to_owned();
        (!name.contains(['/', '?'])).then_some((place, name))
    });
    let (place, name) = configured.map_or_else(|| Place::of_copy(text, &context.env), Ok)?;
    copies::fetch(&place, &name, directory, &context.shell).map(Some)
}
