//! What a backup, its proof and a rehearsal will need, looked at before anything runs: programs, rights, extensions. All that is
//! missing is reported at once, each with the way on, and the scratch server begins to start.

use std::path::Path;
use std::thread;

use postgres::Client;

use super::directory::Directory;
use super::lacking::{Lacking, plural, schema_in};
use super::manifest::Proof;
use super::prove;
use super::request::Request;
use super::scope::Scope;
use super::server::Server;
use crate::error::{Error, Explain as _, Result};
use crate::project::Migration;
use crate::sql::StatementKind;
use crate::tools::pg_dump::PgDump;
use crate::tools::scratch::{self, Asking, Need, Opened, Search};

/// What leaves the rehearsal out, as prisma-safe.toml has it.
const NO_REHEARSAL: &str = "    [rehearsal]\n    mode = \"off\"\n    reason = \"…\"";
/// What leaves the restoring of a backup out.
const NO_PROOF: &str = "    [backup]\n    proof = \"read\"";

/// What is about to be done.
#[derive(Debug, Clone, Copy)]
pub struct Ahead<'a> {
    /// The backup, or the dump of definitions; `None`: nothing is dumped here.
    pub request: Option<Request<'a>>,
    /// Whether the migrations are rehearsed on a scratch server.
    pub rehearsed: bool,
    pub pending: &'a [Migration],
    /// Whether a person may be asked to let server programs be downloaded.
    pub asking: Asking,
}

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub message: String,
    pub help: String,
}

impl Obstacle {
    fn of(error: &Error) -> Self {
        let causes = error.causes().join(": ");
        let message = if causes.is_empty() { error.to_string() } else { format!("{error} ({causes})") };
        Self { message, help: error.help_text().unwrap_or_default().to_owned() }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub obstacles: Vec<Obstacle>,
    /// The scratch server, if one is needed and there can be one.
    pub starting: Option<Starting>,
}

impl Ahead<'_> {
    /// Looks. Changes nothing.
    ///
    /// # Errors
    /// Only if the database cannot be asked.
    pub fn look(&self, client: &mut Client) -> Result<Found> {
        let mut found = Found::default();
        let Some(request) = &self.request else { return Ok(found) };
        let server = Server::read(client)?;
        let mut note = |result: Result<()>| match result {
            Ok(()) => true,
            Err(error) => {
                found.obstacles.push(Obstacle::of(&error));
                false
            }
        };
        let pg_bin = request.settings.pg_bin.as_deref();
        let dumps = note(PgDump::find(server.major, request.env, pg_bin).map(drop));
        if !request.definitions_only {
            note(Directory::demand_writable(request.directory));
        }
        let proved = !request.definitions_only && request.settings.proof > Proof::Read;
        let served = match proved || self.rehearsed {
            true => {
                // without a pg_dump the answer would lead nowhere
                let asking = if dumps { self.asking } else { Asking::MayNot };
                let there = scratch::demand(server.major, &request.search(), asking);
                note(there.map_err(|error| self.without_server(error, proved)))
            }
            false => false,
        };
        let scope = Scope::of(client, request, false)?;
        note(scope.check(request));
        for migration in self.pending.iter().filter(|_| self.rehearsed) {
            note(self.demand_inside(migration, scope.schemas()));
        }
        if !served {
            return Ok(found);
        }
        let created: Vec<String> = self.pending.iter().flat_map(created).collect();
        let mut starting = Starting::begin(&server, &created, &request.search());
        let plain = server.extensions.iter().chain(&created).all(|name| name == "plpgsql");
        if !plain || scratch::is_doubtful() {
            let missing = match starting.missing() {
                Ok(missing) => missing,
                Err(error) => {
                    note(Err(self.without_server(error, proved)));
                    return Ok(found);
                }
            };
            if proved {
                note(prove::demand_extensions(&missing, request.settings.proof, server.major));
            }
            if self.rehearsed && !missing.is_empty() {
                let own = request.own();
                let schemas: Vec<&str> = own.iter().map(String::as_str).collect();
                let lacking = Lacking::in_database(client, &missing, &schemas);
                let lacking = lacking.explain(|| "could not ask what needs the extensions of the database".into())?;
                note(demand_untouched(self.pending, &lacking, proved, server.major));
            }
        }
        found.starting = Some(starting);
        Ok(found)
    }

    /// The way on where no server of the version is there.
    fn without_server(&self, error: Error, proved: bool) -> Error {
        let settings: Vec<&str> =
            [proved.then_some(NO_PROOF), self.rehearsed.then_some(NO_REHEARSAL)].into_iter().flatten().collect();
        let help = error.help_text().map(|help| format!("{help}\nor ")).unwrap_or_default();
        error.help(format!("{help}do without, in prisma-safe.toml:\n{}", settings.join("\n")))
    }

    /// Refuses to rehearse what is about schemas that the backup leaves out.
    fn demand_inside(&self, migration: &Migration, without: &[String]) -> Result<()> {
        match schema_in(migration.script().text(), without) {
            None => Ok(()),
            Some(schema) => Err(Error::failed(format!(
                "migration {} names the schema {schema}, which the copy that it is rehearsed on does not hold",
                migration.name
            ))
            .help(format!("add it to backup.schemas in prisma-safe.toml; or do without a rehearsal:\n{NO_REHEARSAL}"))),
        }
    }
}

/// Refuses to rehearse migrations on a copy that is without what they name.
///
/// # Errors
/// Names it, and the settings that let the deploy go on.
pub fn demand_untouched(pending: &[Migration], lacking: &Lacking, proved: bool, major: u32) -> Result<()> {
    let named = |migration: &Migration| Some((migration.name.clone(), lacking.named_in(migration.script().text())?));
    let Some((migration, name)) = pending.iter().find_map(named) else { return Ok(()) };
    let install = scratch::install_extensions(&lacking.extensions, major).map(|install| format!("{install}\nor "));
    let packaged = lacking.extensions.iter().any(|name| scratch::installable(name));
    let settings = if proved && packaged { format!("{NO_PROOF}\n{NO_REHEARSAL}") } else { NO_REHEARSAL.to_owned() };
    let what = plural(&lacking.extensions);
    Err(Error::failed(format!(
        "migration {migration} cannot be rehearsed: it names {name}, and this machine's PostgreSQL {major} does not have the {what}"
    ))
    .help(format!(
        "{}rehearse on a copy that your host makes (rehearsal.clone), or do without a rehearsal, in prisma-safe.toml:\n{settings}",
        install.unwrap_or_default()
    )))
}

/// Extensions that a migration creates.
fn created(migration: &Migration) -> Vec<String> {
    let name = |kind: &StatementKind| match kind {
        StatementKind::CreateExtension { name } => Some(name.clone()),
        _ => None,
    };
    migration.script().statements().iter().filter_map(|statement| name(&statement.kind)).collect()
}

/// A scratch server that starts beside other work.
#[derive(Debug)]
pub struct Starting {
    thread: Option<thread::JoinHandle<Result<Opened>>>,
    opened: Option<Opened>,
}

impl Starting {
    /// For a copy of this server's database, with the extensions that pending migrations create.
    pub(super) fn begin(source: &Server, created: &[String], search: &Search<'_>) -> Self {
        let (major, bytes, extensions) = (source.major, source.size, source.extensions.clone());
        let (env, pg_bin, project) = (search.env.clone(), search.pg_bin.map(Path::to_owned), search.project.to_owned());
        let created = created.to_vec();
        let thread = thread::spawn(move || {
            let search = Search { env: &env, pg_bin: pg_bin.as_deref(), project: &project };
            scratch::open(&Need { major, extensions: &extensions, created: &created, bytes }, &search)
        });
        Self { thread: Some(thread), opened: None }
    }

    /// The extensions that it has not; waits for it.
    fn missing(&mut self) -> Result<Vec<String>> {
        let opened = self.join()?;
        let missing = opened.1.clone();
        self.opened = Some(opened);
        Ok(missing)
    }

    /// Waits for it.
    ///
    /// # Errors
    /// Those of [`scratch::open`].
    pub fn wait(mut self) -> Result<Opened> {
        match self.opened.take() {
            Some(opened) => Ok(opened),
            None => self.join(),
        }
    }

    fn join(&mut self) -> Result<Opened> {
        let ended = || Error::failed("the scratch server's thread ended unexpectedly");
        self.thread.take().ok_or_else(ended)?.join().map_err(|_| ended())?
    }
}

/// A dump that failed needs no server: it is removed before the error is printed.
impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
