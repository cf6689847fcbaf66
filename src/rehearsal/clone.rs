//! A copy of the target that its host makes (`[rehearsal] clone`): a branch, a thin clone, a database made from a template. It is
//! noted before it is asked for, so that what a killed run left is removed by the next one; it is proved to be another database
//! than the target, with the target's history, before anything runs on it; and it says of itself that it is a copy.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use postgres::Client;
use serde::{Deserialize, Serialize};

use super::APPLICATION;
use super::settings::CloneBy;
use crate::database::identity::same_database;
use crate::database::{DatabaseUrl, Failure, History, Sameness, activity, connect};
use crate::deploy::journal;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};
use crate::target::Environments;
use crate::tools::script::{self, Script};
use crate::ui::Shell;

/// Names the copy for `create` and `remove`.
const NAME: &str = "PRISMA_SAFE_CLONE";
/// Names the database that is copied, without user and password.
const TARGET: &str = "PRISMA_SAFE_TARGET";
/// Where copies are noted, below the state's directory.
const DIRECTORY: &str = "clones";
/// Databases that a session can be opened to while the copy itself is copied.
const DESKS: &[&str] = &["postgres", "template1", "defaultdb"];

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) settings: &'a CloneBy,
    /// The project's root.
    pub(super) root: &'a Path,
    pub(super) target: &'a DatabaseUrl,
    /// The target is production.
    pub(super) production: bool,
    pub(super) environments: &'a Environments,
    pub(super) env: &'a Env,
    pub(super) interrupt: &'a Arc<AtomicBool>,
    pub(super) shell: &'a Shell,
}

/// What is noted of a copy, in a file that only this user reads.
#[derive(Serialize, Deserialize)]
struct Note {
    name: String,
    /// As the server shows it; only once it is proved to be a copy.
    url: Option<String>,
}

/// A copy that exists; removed on drop.
pub(super) struct HostCopy {
    url: DatabaseUrl,
    noted: Noted,
}

impl std::fmt::Debug for HostCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostCopy").field("name", &self.noted.note.name).finish_non_exhaustive()
    }
}

impl HostCopy {
    /// Has the host make one.
    ///
    /// # Errors
    /// Exit status 1 if `create` fails or prints no URL, 3 if what it printed is not shown to be a copy of the target.
    pub(super) fn make(wanted: &Wanted<'_>) -> Result<Self> {
        sweep(wanted);
        let mut noted = Noted::begin(wanted)?;
        let target = wanted.target.identity();
        wanted.shell.status("Copying", format_args!("{target} by rehearsal.clone ({})", noted.note.name));
        let set = [(NAME, noted.note.name.as_str()), (TARGET, target.as_str())];
        let script = Script {
            line: &wanted.settings.create,
            key: "rehearsal.clone.create",
            directory: wanted.root,
            set: &set,
            limit: wanted.settings.timeout,
        };
        let said = script::run(&script, wanted.interrupt, wanted.shell)?;
        let url = the_url(&said)?.with_schema(&wanted.target.schema());
        if let Err(error) = prove(&url, wanted) {
            // nothing shows what `remove` would remove
            let name = noted.forget();
            return Err(error.help(format!(
                "nothing was run on it, and it was not removed: correct rehearsal.clone.create, and remove the copy {name} if there is one"
            )));
        }
        noted.note.url = Some(url.expose().to_owned());
        noted.write()?;
        let clone = Self { url, noted };
        clone.mark();
        Ok(clone)
    }

    pub(super) fn name(&self) -> &str {
        &self.noted.note.name
    }

    /// The copy itself, or a database made of it.
    pub(super) fn url(&self, database: &str) -> DatabaseUrl {
        match database == self.url.database() {
            true => self.url.clone(),
            false => self.url.with_database(&self.of(database)),
        }
    }

    pub(super) fn database(&self) -> String {
        self.url.database()
    }

    /// The name, on its server, of a database that is made of it: like no other's.
    pub(super) fn of(&self, database: &str) -> String {
        format!("{}_{database}", self.noted.note.name)
    }

    /// A session with another database of its server.
    pub(super) fn desk(&self) -> Result<Client> {
        desk(&self.url)
    }

    /// Makes a database of it, with the same object ids.
    pub(super) fn copy(&self, to: &str) -> Result<()> {
        let mut client = self.desk()?;
        let original = self.url.database();
        let create =
            format!("CREATE DATABASE {} TEMPLATE {}", quote_identifier(&self.of(to)), quote_identifier(&original));
        let copied = activity::end_all(&mut client, &original, true).and_then(|()| Ok(client.batch_execute(&create)?));
        copied.map_err(|failure| {
            Error::failed("the host's copy could not be copied once more, to compare before and after")
                .because(failure)
                .help(
                    "its role needs CREATEDB and to own the copied database, and no other role may be connected to it; \
                     else rehearse on a restored backup: leave rehearsal.clone out",
                )
        })
    }

    pub(super) fn drop_copy(&self, name: &str) -> Result<()> {
        drop_database(&mut self.desk()?, &self.of(name))
    }

    /// A deploy to it is refused from now on, whichever way its URL is given.
    fn mark(&self) {
        let database = quote_identifier(&self.url.database());
        let mark = format!("ALTER DATABASE {database} SET {MARK} = {}", quote_literal(&self.noted.note.name));
        // a role that may not set it may be refused nothing either
        let _ = connect(&self.url, APPLICATION).map(|mut client| client.batch_execute(&mark));
    }
}

/// Says of a database that it is such a copy, in every session.
pub const MARK: &str = "prisma_safe.copy";

impl Drop for HostCopy {
    fn drop(&mut self) {
        self.noted.remove();
    }
}

/// A copy that was asked for, and its note.
struct Noted {
    note: Note,
    path: PathBuf,
    /// Locked as long as this run needs it.
    lock: Option<File>,
    remove: String,
    limit: Duration,
    root: PathBuf,
    shell: Shell,
    /// Whether there is anything to remove.
    open: bool,
}

impl Noted {
    fn begin(wanted: &Wanted<'_>) -> Result<Self> {
        let directory = journal::place(wanted.root).join(DIRECTORY);
        let unwritable = || format!("could not note a copy in {}", directory.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).explain(unwritable)?;
        let id = getrandom::u64().explain(|| "the system gives no random numbers".into())?;
        let name = format!("prisma_safe_{id:016x}");
        let path = directory.join(format!("{name}.json"));
        let mut noted = Self::of(Note { name, url: None }, path, wanted);
        let file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(noted.lock_path()).explain(unwritable)?;
        // without file locks, the next run asks for nothing that this one needs: names are its own
        let _ = file.try_lock();
        noted.lock = Some(file);
        noted.write()?;
        Ok(noted)
    }

    fn of(note: Note, path: PathBuf, wanted: &Wanted<'_>) -> Self {
        Self {
            note,
            path,
            lock: None,
            remove: wanted.settings.remove.clone(),
            limit: wanted.settings.timeout,
            root: wanted.root.to_owned(),
            shell: wanted.shell.clone(),
            open: true,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    /// Writes the note, for this user alone.
    fn write(&self) -> Result<()> {
        let unwritable = || format!("could not write {}", self.path.display());
        let text = serde_json::to_vec(&self.note).explain(unwritable)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.path)
            .explain(unwritable)?;
        file.write_all(&text).and_then(|()| file.sync_all()).explain(unwritable)
    }

    /// There is nothing to remove; gives the name.
    fn forget(&mut self) -> String {
        self.open = false;
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.lock_path());
        self.note.name.clone()
    }

    /// Removes the copy and what was made of it. What does not succeed is said, and tried again by the next run.
    fn remove(&mut self) {
        if !self.open {
            return;
        }
        self.open = false;
        let url = self.note.url.as_deref().and_then(|url| DatabaseUrl::parse(url).ok());
        if let Some(Ok(mut client)) = url.as_ref().map(desk) {
            for made in super::MADE_OF_A_COPY {
                // a host that removes a whole branch takes them along
                let _ = drop_database(&mut client, &format!("{}_{made}", self.note.name));
            }
        }
        let script = Script {
            line: &self.remove,
            key: "rehearsal.clone.remove",
            directory: &self.root,
            set: &[(NAME, self.note.name.as_str())],
            limit: self.limit,
        };
        // a copy holds production's rows: Ctrl-C does not leave it behind
        let removed = script::run(&script, &AtomicBool::new(false), &self.shell);
        let error = match removed {
            Ok(_) if url.is_some_and(|url| connect(&url, APPLICATION).is_ok()) => {
                Error::failed("rehearsal.clone.remove reports success, and the copy still answers")
            }
            Ok(_) => {
                self.forget();
                return;
            }
            Err(error) => error,
        };
        let causes = error.causes().join(": ");
        self.shell.warn(format_args!(
            "the copy {} of the database was not removed: {error}{}{causes}; the next rehearsal tries again, unless {} is deleted",
            self.note.name,
            if causes.is_empty() { "" } else { ": " },
            self.path.display()
        ));
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the copies of runs that were killed.
fn sweep(wanted: &Wanted<'_>) {
    let directory = journal::place(wanted.root).join(DIRECTORY);
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Some(note) = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok()) else {
            continue;
        };
        let noted = Noted::of(note, path, wanted);
        let free = File::open(noted.lock_path()).is_ok_and(|lock| lock.try_lock().is_ok());
        let mut noted = noted;
        noted.open = free;
        if free {
            wanted
                .shell
                .status("Removing", format_args!("the copy {}, which an earlier run has left", noted.note.name));
        }
    }
}

/// The one URL that `create` printed.
fn the_url(said: &str) -> Result<DatabaseUrl> {
    let is_url = |line: &&str| ["postgres://", "postgresql://"].iter().any(|scheme| line.starts_with(scheme));
    let urls: Vec<&str> = said.lines().map(str::trim).filter(is_url).collect();
    let help = "it prints the copy's URL (postgresql://…) on a line of its own, once, and everything else on stderr";
    match urls.as_slice() {
        [url] => DatabaseUrl::parse(url)
            .map_err(|_| Error::failed("rehearsal.clone.create printed a URL that cannot be understood").help(help)),
        [] => Err(Error::failed("rehearsal.clone.create printed no URL of a copy").help(help)),
        many => Err(Error::failed(format!("rehearsal.clone.create printed {} URLs", many.len())).help(help)),
    }
}

/// Shows that a URL leads to a copy of the target: another database, not production's, with the same history.
fn prove(url: &DatabaseUrl, wanted: &Wanted<'_>) -> Result<()> {
    let refused =
        |what: &str, why: String| Error::refused(format!("rehearsal.clone.create printed {what}")).because(why);
    match same_database(wanted.target, url, APPLICATION) {
        Sameness::Different(_) => {}
        Sameness::Same => return Err(refused("the URL of the target itself", "the server has shown it".into())),
        Sameness::Unknown(why) => return Err(refused("a URL that is not shown to be another database", why)),
    }
    for (name, environment) in wanted.environments.iter().filter(|(_, environment)| environment.production) {
        let own = environment.own_url(wanted.env);
        let same = own.is_some_and(|own| same_database(&own, url, APPLICATION) == Sameness::Same);
        if same || !wanted.production && environment.owns(url, wanted.env) {
            return Err(refused("the URL of production", format!("it belongs to the environment `{name}`")));
        }
    }
    let history = |url: &DatabaseUrl| -> Result<Vec<(String, bool)>> {
        let history = History::read(&mut connect(url, APPLICATION)?, &wanted.target.schema())?.unwrap_or_default();
        Ok(history.rows.iter().map(|row| (row.id.clone(), row.finished_at.is_some())).collect())
    };
    if history(url)? != history(wanted.target)? {
        return Err(refused(
            "the URL of a database that is no copy of the target as it is now",
            "its migration history is another one".into(),
        ));
    }
    Ok(())
}

fn desk(url: &DatabaseUrl) -> Result<Client> {
    let mut failed = None;
    for desk in DESKS.iter().filter(|desk| **desk != url.database()) {
        match connect(&url.with_database(desk), APPLICATION) {
            Ok(client) => return Ok(client),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    Err(failed.unwrap_or_else(|| Error::failed("there is no other database on the copy's server to work from")))
}

fn drop_database(client: &mut Client, name: &str) -> Result<()> {
    let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote_identifier(name));
    client.batch_execute(&drop).map_err(Failure::from).explain(|| format!("could not drop the database {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_line_is_the_url() {
        let url = |said: &str| the_url(said).map(|url| url.database()).map_err(|error| error.to_string());
        assert_eq!(url("Creating branch…\n  postgresql://u:p@h/copy\ndone\n").unwrap(), "copy");
        assert!(url("see https://host/x\n").unwrap_err().contains("no URL"));
        assert!(url("postgres://h/a\npostgres://h/b\n").unwrap_err().contains("2 URLs"));
        assert!(url("url=postgres://u:secret@h/a\n").unwrap_err().contains("no URL"));
        let error = the_url("postgres://u:secret@h:port/a\n").unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
