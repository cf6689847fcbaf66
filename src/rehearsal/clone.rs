//! A copy of the target that its host makes (`[rehearsal] clone`): a branch, a thin clone, a database made from a template. It is
//! noted before it is asked for, so that what a killed run left is removed by the next one; it is proved to be another database
//! than the target, with the target's history, before anything runs on it; and it says of itself that it is a copy.

mod note;
mod proof;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use postgres::Client;

use self::note::Noted;
use super::APPLICATION;
use super::settings::CloneBy;
use crate::database::{DatabaseUrl, Failure, activity, connect};
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
        note::sweep(wanted);
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
        let url = proof::the_url(&said)?.with_schema(&wanted.target.schema());
        if let Err(error) = proof::prove(&url, wanted) {
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
        self.copy_named(&self.url.database(), to)
    }

    /// Makes a database of one that was made of it.
    pub(super) fn copy_of(&self, from: &str, to: &str) -> Result<()> {
        self.copy_named(&self.of(from), to)
    }

    fn copy_named(&self, original: &str, to: &str) -> Result<()> {
        let mut client = self.desk()?;
        let create =
            format!("CREATE DATABASE {} TEMPLATE {}", quote_identifier(&self.of(to)), quote_identifier(original));
        let copied = activity::end_all(&mut client, original, true).and_then(|()| Ok(client.batch_execute(&create)?));
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
