//! Which backups stay and where else they are: `backup prune`, `backup pin`, `backup copy`.

use std::path::{Path, PathBuf};

use super::super::output;
use crate::backup::manifest::Manifest;
use crate::backup::{Settings, copies, prune, report};
use crate::context::Context;
use crate::deploy::thin_out::{ThinnedOut, Thinning, thin_out};
use crate::error::{Error, Result};
use crate::exit::Exit;

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
pub(super) fn prune(context: &Context, root: &Path, settings: &Settings, args: &Prune, json: bool) -> Result<Exit> {
    let how = Thinning { dry_run: args.dry_run, trust_clock: args.trust_clock };
    let thinned = thin_out(root, settings, how, context)?;
    let ThinnedOut { plan, elsewhere, done, now } = &thinned;
    if json {
        output::print(&report::pruned(plan, elsewhere, done.as_ref(), *now), &context.shell)?;
    } else if args.dry_run {
        context.shell.print(&report::fates(plan, elsewhere, *now));
    } else {
        thinned.say(&context.shell);
    }
    Ok(Exit::Done)
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
    let failed = copies::send(path, &manifest, &places, context)?;
    failed.map_or(Ok(Exit::Done), Err)
}
