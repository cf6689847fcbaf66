//! `migrate reset`, `migrate resolve`, `db push` and `db execute`: Prisma's own off production; on production only after
//! consent and a backup.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::Args;
use tempfile::NamedTempFile;

use crate::config::Config;
use crate::consent::Gate;
use crate::context::Context;
use crate::database::Identity;
use crate::deploy::back_up::{self, Before};
use crate::digest::hash_of;
use crate::engine::{self, Fence, Guard};
use crate::error::{Explain as _, Result};
use crate::exit::Exit;
use crate::guard::{self, Pass};
use crate::init::Doors;
use crate::target::Target;
use crate::tools::prisma;
use crate::{commands, consent, database};

/// A command that can destroy data without a migration.
pub trait Fenced {
    /// What it does to a database, as a clause.
    fn does(&self) -> &'static str;
    /// Whether it can destroy anything with these options.
    fn dangerous(&self) -> bool {
        true
    }
    /// What lets it through.
    fn gate(&self) -> &Gate;
    /// The command and its options, as Prisma takes them.
    fn prisma(&self) -> Vec<OsString>;
    /// The SQL it is given, read once: consent is to this text, and not to whatever stands in the file later. `directory`
    /// is Prisma's.
    ///
    /// # Errors
    /// If it cannot be read.
    fn script(&self, _directory: &Path) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }
    /// As [`Fenced::prisma`], with the script in this file.
    fn with_script(&self, _file: &Path) -> Vec<OsString> {
        self.prisma()
    }
}

/// `migrate reset`
#[derive(Debug, Args)]
pub struct Reset {
    /// Skip Prisma's own question
    #[arg(short, long)]
    force: bool,
    /// As Prisma's (up to 6)
    #[arg(long)]
    skip_generate: bool,
    /// As Prisma's (up to 6)
    #[arg(long)]
    skip_seed: bool,
    #[command(flatten)]
    gate: Gate,
}

/// `migrate resolve`
#[derive(Debug, Args)]
pub struct Resolve {
    /// Record a migration as applied
    #[arg(long, value_name = "MIGRATION")]
    applied: Option<OsString>,
    /// Record a migration as rolled back
    #[arg(long, value_name = "MIGRATION")]
    rolled_back: Option<OsString>,
    #[command(flatten)]
    gate: Gate,
}

/// `db push`
#[derive(Debug, Args)]
pub struct Push {
    /// Ignore data loss warnings
    #[arg(long)]
    accept_data_loss: bool,
    /// Drop everything first
    #[arg(long)]
    force_reset: bool,
    /// As Prisma's (up to 6)
    #[arg(long)]
    skip_generate: bool,
    #[command(flatten)]
    gate: Gate,
}

/// `db execute`
#[derive(Debug, Args)]
pub struct Execute {
    /// The script
    #[arg(long, value_name = "FILE")]
    file: Option<OsString>,
    /// Read the script from standard input
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    gate: Gate,
}

/// The words of a command, its flags that are on, and its options that have a value.
fn words(command: [&str; 2], flags: &[(&str, bool)], options: &[(&str, &Option<OsString>)]) -> Vec<OsString> {
    let mut words: Vec<OsString> = command.iter().map(OsString::from).collect();
    words.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
    for (option, value) in options {
        if let Some(value) = value {
            words.extend([OsString::from(option), value.clone()]);
        }
    }
    words
}

impl Fenced for Reset {
    fn does(&self) -> &'static str {
        "drops everything in it"
    }
    fn gate(&self) -> &Gate {
        &self.gate
    }
    fn prisma(&self) -> Vec<OsString> {
        let flags = [("--force", self.force), ("--skip-generate", self.skip_generate), ("--skip-seed", self.skip_seed)];
        words(["migrate", "reset"], &flags, &[])
    }
}

impl Fenced for Resolve {
    fn does(&self) -> &'static str {
        "rewrites its migration history"
    }
    fn gate(&self) -> &Gate {
        &self.gate
    }
    fn prisma(&self) -> Vec<OsString> {
        words(["migrate", "resolve"], &[], &[("--applied", &self.applied), ("--rolled-back", &self.rolled_back)])
    }
}

impl Fenced for Push {
    fn does(&self) -> &'static str {
        "changes its tables without a migration and may lose data"
    }
    fn dangerous(&self) -> bool {
        self.accept_data_loss || self.force_reset
    }
    fn gate(&self) -> &Gate {
        &self.gate
    }
    fn prisma(&self) -> Vec<OsString> {
        let flags = [
            ("--accept-data-loss", self.accept_data_loss),
            ("--force-reset", self.force_reset),
            ("--skip-generate", self.skip_generate),
        ];
        words(["db", "push"], &flags, &[])
    }
}

impl Fenced for Execute {
    fn does(&self) -> &'static str {
        "runs SQL that was not reviewed"
    }
    fn gate(&self) -> &Gate {
        &self.gate
    }
    fn prisma(&self) -> Vec<OsString> {
        words(["db", "execute"], &[("--stdin", self.stdin)], &[("--file", &self.file)])
    }
    fn script(&self, directory: &Path) -> Result<Option<Vec<u8>>> {
        match &self.file {
            Some(file) => {
                let path = directory.join(file);
                std::fs::read(&path).map(Some).explain(|| format!("could not read {}", path.display()))
            }
            None if self.stdin => {
                let mut text = Vec::new();
                std::io::stdin().read_to_end(&mut text).explain(|| "could not read the script from stdin".into())?;
                Ok(Some(text))
            }
            None => Ok(None),
        }
    }
    fn with_script(&self, file: &Path) -> Vec<OsString> {
        words(["db", "execute"], &[], &[("--file", &Some(file.into()))])
    }
}

/// Runs a fenced command: target → consent → backup → Prisma.
///
/// # Errors
/// Exit status 3 without consent on production.
pub fn run(fenced: &dyn Fenced, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let global = &context.global;
    let mut args = fenced.prisma();
    args.extend(global.prisma());
    let elsewhere = global.url.is_some() || global.environment.is_some();
    if !fenced.dangerous() && !elsewhere {
        return prisma::exec(&project, &args);
    }
    let config = Config::load(project.root())?;
    let (mut target, discovered) = commands::target(&project, &config, context)?;
    let guarded = is_guarded(&mut target);
    let (mut staged, mut pass) = (None, Pass::none());
    if fenced.dangerous() && target.production {
        let gate = fenced.gate();
        let script = fenced.script(project.directory())?;
        let server = Identity::of(&target.url, "prisma-safe").ok();
        let plan = plan(&args, script.as_deref(), &Identity::name(&target.url, server.as_ref()));
        if guarded {
            pass = Pass::take(&target.url, &plan)?;
        }
        let consent = consent::ask(context, &target, fenced.does(), &plan, gate.confirm.as_deref())?;
        context.shell.debug(format_args!("consent: {}", consent.word()));
        let (root, settings) = (project.root(), &config.backup);
        let before = Before { target: &target, root, settings, gate, precedes: &[], schemas: &[] };
        back_up::before(&before, None, context)?;
        if let Some(script) = script {
            let copy = private(&script)?;
            args = fenced.with_script(copy.path());
            args.extend(global.prisma());
            staged = Some(copy);
        }
    }
    // the door would refuse what was just consented to
    let through_the_door = target.production && Doors::of(project.root())?.engine.is_some();
    if !elsewhere && staged.is_none() && !through_the_door && !guarded {
        return prisma::exec(&project, &args);
    }
    if global.schema.is_none()
        && args.iter().any(|arg| arg == "execute")
        && project.version().is_none_or(|version| version.major() < 7)
    {
        // it takes the schema's database only with an option
        args.extend(discovered.schema_files.iter().take(1).flat_map(|file| ["--schema".into(), file.into()]));
    }
    engine::fence(&project, context, &args, &mut |_| {
        let url = (elsewhere || guarded).then(|| pass.engine_url(&target.url)).transpose()?;
        Ok(Guard { fence: Fence::Open, url })
    })
}

/// Whether the database has a guard; then a person has said that it is production. Prisma reports a database that cannot be reached.
fn is_guarded(target: &mut Target) -> bool {
    let asked =
        database::connect(&target.url, "prisma-safe").and_then(|mut client| guard::pass::is_guarded(&mut client));
    let guarded = asked.unwrap_or_default();
    if guarded && !target.production {
        target.production = true;
        "it has a guard".clone_into(&mut target.because);
    }
    guarded
}

/// A file of our own with the script that was consented to; gone with the value.
fn private(script: &[u8]) -> Result<NamedTempFile> {
    let explain = || "could not keep the script in a file of its own".to_owned();
    let mut file = tempfile::Builder::new().prefix("prisma-safe-").suffix(".sql").tempfile().explain(explain)?;
    file.write_all(script).and_then(|()| file.flush()).explain(explain)?;
    Ok(file)
}

/// The hash that consent without a terminal names: this command with this script on this database.
fn plan(args: &[OsString], script: Option<&[u8]>, identity: &str) -> String {
    let words = args.iter().map(|arg| arg.as_encoded_bytes());
    hash_of(["prisma-safe command 2", identity].into_iter().map(str::as_bytes).chain(words).chain(script))
}
