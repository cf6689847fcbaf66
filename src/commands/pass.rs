//! Commands that are Prisma's own: they go to it untouched, but for the shadow database of a `diff`.

use std::cell::RefCell;
use std::ffi::OsString;

use super::{shadow, target};
use crate::config::Config;
use crate::context::Context;
use crate::engine;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::project::Project;
use crate::tools;

/// Whether a command of Prisma's is a `diff` from or to migrations.
pub(super) fn replays(words: &[OsString]) -> bool {
    let names =
        |option: &str| words.iter().filter_map(|word| word.to_str()).any(|word| word.split('=').next() == Some(option));
    words.first().is_some_and(|word| word == "diff") && (names("--from-migrations") || names("--to-migrations"))
}

/// `migrate diff`: as Prisma's, but no shadow database is emptied that holds anything of anybody's.
pub(super) fn diff(context: &Context, rest: Vec<OsString>) -> Result<Exit> {
    let (project, args) = passed(context, &["migrate"], rest)?;
    let config = Config::load(project.root())?;
    let shadow = RefCell::new(shadow(&project, &config, context));
    // Prisma 5 and 6 tell the engine of a `diff` no more than its two sides
    let told = project.version().is_some_and(|version| version.major() >= 7);
    let target = if told { None } else { target(&project, &config, context).ok() };
    let target = target.map(|(target, _)| target.url);
    target.iter().for_each(|url| shadow.borrow_mut().begin(url));
    engine::diff(
        &project,
        context,
        &args,
        &mut |target| target.url.iter().for_each(|url| shadow.borrow_mut().begin(url)),
        &mut |used| shadow.borrow_mut().take(used, target.as_ref()),
    )
}

/// Becomes Prisma: stdin, stdout, stderr, signals, terminal and exit status are its own.
pub(super) fn pass(context: &Context, words: &[&str], rest: Vec<OsString>) -> Result<Exit> {
    let (project, args) = passed(context, words, rest)?;
    tools::prisma::exec(&project, &args)
}

/// Prisma and its arguments, for a command that is its own.
fn passed(context: &Context, words: &[&str], rest: Vec<OsString>) -> Result<(Project, Vec<OsString>)> {
    let global = &context.global;
    if global.url.is_some() || global.environment.is_some() {
        return Err(Error::usage("--url and --env before a command of Prisma's own mean nothing to it")
            .help("put Prisma's own --url behind the command, or set the variable its configuration reads"));
    }
    let project = tools::prisma::find(&context.directory, &context.env)?;
    let mut args: Vec<OsString> = words.iter().map(OsString::from).collect();
    args.extend(rest);
    args.extend(global.prisma());
    Ok((project, args))
}
