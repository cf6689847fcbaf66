//! How a backup will be restored: decided by what it holds and what the server allows, told, and then carried out.

use postgres::Client;

use super::super::archive::Archive;
use super::super::create::create;
use super::super::{needed, verify};
use super::target::Target;
use super::work::Work;
use super::{APPLICATION, Request, Restored, Scope, Swap, database, schemas, side};
use crate::database::{Identity, pooler};
use crate::digest::hash_of;
use crate::error::{Error, Explain as _, Result};
use crate::guard;
use crate::ui::interrupt::Guard;
use crate::ui::{Shell, moment};

/// What will happen; nothing has yet.
#[derive(Debug)]
pub struct Plan<'a> {
    request: Request<'a>,
    target: Target,
    swap: Swap,
    /// Said to the person before anything happens.
    pub notes: Vec<String>,
}

/// Looks at backup and server, and decides how to go about it. Reads only.
///
/// # Errors
/// Exit status 1 if the server is not reached, 3 if something stands in the way; it is named.
pub fn plan<'a>(request: Request<'a>) -> Result<Plan<'a>> {
    let mut target = Target::read(request.url)?;
    pooler::refuse(&target.reachable(), APPLICATION)?;
    let manifest = request.archive.manifest();
    target.offers(&manifest.source.extensions)?;
    let mut notes = Vec::new();
    if target.major < manifest.source.server_major {
        notes.push(format!(
            "the backup is of PostgreSQL {}, the server is {}: what only the newer one knows cannot be restored",
            manifest.source.server_major, target.major
        ));
    }
    if !request.owners {
        notes.push("owners and rights are not restored (--no-owner): grant them again afterwards".into());
    }
    if request.scope == Scope::Fill && !target.is_empty()? {
        return Err(Error::refused(format!("{} is not empty", request.url.identity()))
            .help("--into takes a database that is empty or does not exist yet"));
    }
    if let Some(without) = &manifest.without {
        notes.push(match request.scope {
            Scope::Replace => format!("the backup is without {}: that stays as it is now", without.said()),
            Scope::Fill | Scope::Table(_) => format!("the backup is without {}", without.said()),
        });
        if request.scope == Scope::Replace && request.swap == Some(Swap::Database) {
            return Err(Error::refused(format!("a swap of databases would lose {}", without.said()))
                .because("the backup was limited to some schemas (backup.schemas)")
                .help("swap these schemas within the database: --swap schemas"));
        }
    }
    let limited = manifest.without.is_some() && request.scope == Scope::Replace;
    let swap = match (request.scope, request.swap) {
        (Scope::Table(_), _) => Swap::Schemas,
        (_, None) if limited => Swap::Schemas,
        (_, Some(swap)) => swap,
        (_, None) if target.may_rename().is_ok() => Swap::Database,
        (_, None) => Swap::Schemas,
    };
    match (request.scope, swap) {
        (Scope::Table(_), _) => side::check(&mut target)?,
        (_, Swap::Database) => {
            target.may_rename()?;
            target.refuse_bound()?;
        }
        (_, Swap::Schemas) => {
            if request.swap.is_none()
                && !limited
                && let Err(why) = target.may_rename()
            {
                notes.push(format!("schemas are swapped within the database, because {}", why.causes().join(": ")));
            }
            schemas::check(&mut target, request.archive)?;
        }
    }
    Ok(Plan { request, target, swap, notes })
}

impl Plan<'_> {
    /// What it does to the database, as a clause: `replaces all of its data by …`.
    pub fn describe(&self) -> String {
        let manifest = self.request.archive.manifest();
        let of = format!("{} of {}", manifest.file, moment(manifest.started_at));
        match self.request.scope {
            Scope::Replace => {
                format!("replaces all of its data by the backup {of}; what was written since is set aside")
            }
            Scope::Fill => format!("loads the backup {of} into it"),
            Scope::Table(table) => format!("brings table {table} of the backup {of} beside the live one"),
        }
    }

    /// Names exactly this backup and this database: what `--confirm` takes.
    pub fn hash(&self) -> String {
        let manifest = self.request.archive.manifest();
        let scope = format!("{:?} {:?} {}", self.request.scope, self.swap, self.request.owners);
        let server = Identity::of(self.request.url, "prisma-safe restore").ok();
        let (target, oid) = (Identity::name(self.request.url, server.as_ref()), self.target.oid().to_string());
        hash_of(["prisma-safe restore 1", &manifest.id, &manifest.sha256, &target, &oid, &scope].map(str::as_bytes))
    }

    /// Does it.
    ///
    /// # Errors
    /// Exit status 1 if a step or a check fails, 130 after Ctrl-C; then the live database is what it was, and what was
    /// loaded is gone again.
    pub fn carry_out(mut self, shell: &Shell) -> Result<Restored> {
        let guard = Guard::new()?;
        proved(self.request.archive, &guard, shell)?;
        let before = match self.request.before.filter(|_| self.request.scope == Scope::Replace) {
            Some(request) if self.target.exists() && needed(self.target.client()?)? => {
                shell.step("Backing up", format_args!("{}, as it is now", request.url));
                let backup = create(request, shell)?;
                shell.status("Backed up", &backup);
                Some(backup)
            }
            _ => None,
        };
        let guarded = match self.target.exists() {
            true => guarded(self.target.client()?)?,
            false => None,
        };
        let work = Work {
            guarded,
            guard: &guard,
            shell,
            archive: self.request.archive,
            url: self.request.url,
            owners: self.request.owners,
        };
        let mut restored = match (self.request.scope, self.swap) {
            (Scope::Table(table), _) => side::bring(table, &mut self.target, &work)?,
            (_, Swap::Database) => database::replace(self.target, self.request.scope, &work)?,
            (_, Swap::Schemas) => schemas::replace(self.target, &work)?,
        };
        restored.before = before;
        Ok(restored)
    }
}

/// The guard of the live database, if it has one.
fn guarded(client: &mut Client) -> Result<Option<Option<guard::Settings>>> {
    if !guard::pass::is_guarded(client)? {
        return Ok(None);
    }
    let settings = guard::Settings::read(client);
    settings.map(Some).explain(|| "could not read the settings of the guard".into())
}

/// Reads the whole backup before anything is touched: its hash, its end, its rows.
fn proved(archive: &Archive, guard: &Guard, shell: &Shell) -> Result<()> {
    let file = &archive.manifest().file;
    shell.step("Verifying", file);
    let problems = verify::problems(archive, guard, shell)?;
    if problems.is_empty() {
        return Ok(());
    }
    Err(Error::failed(format!("{file} is not the backup that was taken; nothing was restored"))
        .because(problems.join("\n"))
        .help("restore another one (prisma-safe backup list), or look for an undamaged copy of this one"))
}
