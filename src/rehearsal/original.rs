//! What a rehearsal is played on: a backup, restored into a scratch server, or a copy that the host made, of which copies are made.

use postgres::Client;
use serde::{Deserialize, Serialize};

use super::clone::HostCopy;
use super::contained::cut_off;
use super::{APPLICATION, Session, analyze};
use crate::backup::{Lacking, Restored};
use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::{Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};
use crate::tools::scratch::{LOGGED, ScratchServer};
use crate::values::Since;

/// How every copy is unlike production.
const USUAL: [&str; 2] = [
    "the copy has no other load and skips fsync: expect production to be slower",
    "everything ran as a superuser: privileges are not rehearsed, only looked at before",
];

/// Whether every copy is unlike production in this way.
pub(super) fn is_usual(unlike: &str) -> bool {
    USUAL.contains(&unlike)
}

/// What is loaded of the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Data {
    /// Every row.
    Full,
    /// Tables without rows, but for Prisma's history.
    Schema,
}

/// Where it is: gone with it in either case.
#[derive(Debug)]
enum Place {
    /// A restored backup, on a server of our own.
    Scratch(ScratchServer),
    /// A copy that the host made.
    Host(HostCopy),
}

/// A copy of the target that is copied once more, so that before and after stand side by side.
#[derive(Debug)]
pub struct Original {
    place: Place,
    name: String,
    backup: String,
    data: Data,
    unlike: Vec<String>,
    /// What it is without.
    lacking: Lacking,
    logged: bool,
    /// Who deploys: what is created belongs to this role, as it will.
    role: Option<String>,
    /// What the deploy's sessions have set.
    session: Session,
}

impl Original {
    /// Takes over what was restored.
    pub fn new(restored: Restored, data: Data, role: Option<String>) -> Self {
        let Restored { server, database, file, unlike, lacking } = restored;
        let mut unlike = unlike;
        unlike.extend(USUAL.map(String::from));
        if data == Data::Schema {
            unlike.push("the tables were empty: neither times nor values are rehearsed".into());
        }
        let session = Session::default();
        let place = Place::Scratch(server);
        Self { place, name: database, backup: file, data, unlike, lacking, logged: false, role, session }
    }

    /// Takes over what the host made. Its sessions are like production's, as its roles are.
    pub(super) fn of_host(copy: HostCopy) -> Self {
        let unlike = vec![
            "the copy is the host's, with its own load and size: times may differ".into(),
            "write-ahead log is counted for the copy's whole server".into(),
        ];
        Self {
            name: copy.database(),
            backup: copy.name().to_owned(),
            place: Place::Host(copy),
            data: Data::Full,
            unlike,
            lacking: Lacking::default(),
            logged: false,
            role: None,
            session: Session::default(),
        }
    }

    /// A session with another database of its server.
    fn desk(&self) -> Result<Client> {
        match &self.place {
            Place::Scratch(server) => server.connect("postgres"),
            Place::Host(copy) => copy.desk(),
        }
    }

    /// Sessions here have what those on production have set; without an answer from there, the report says so.
    ///
    /// # Errors
    /// The scratch server's own.
    pub fn speaking_as(mut self, session: Result<Session>) -> Result<Self> {
        match session {
            Ok(session) => {
                // the host's copy has them
                let refused = match &self.place {
                    Place::Scratch(_) => session.carry(&mut self.desk()?, &self.name)?,
                    Place::Host(_) => Vec::new(),
                };
                if !refused.is_empty() {
                    self.unlike.push(format!("this server does not take production's {}", refused.join(", ")));
                }
                self.session = session;
            }
            Err(error) => self.unlike.push(format!(
                "what sessions on production have set (time zone, date style, search path) is not known: {error}"
            )),
        }
        Ok(self)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The file's name.
    pub fn backup(&self) -> &str {
        &self.backup
    }

    /// What it is without, as its server lacks an extension.
    pub(super) fn lacking(&self) -> &Lacking {
        &self.lacking
    }

    pub(super) fn data(&self) -> Data {
        self.data
    }

    pub(super) fn unlike(&self) -> &[String] {
        &self.unlike
    }

    /// Makes it ready to be copied and rehearsed on: cut off from other servers, analysed, with the write-ahead log of production.
    pub(super) fn make_ready(&mut self) -> Result<()> {
        if !self.logged {
            let mut client = self.connect()?;
            let cut_off = cut_off(&mut client).explain(|| "could not cut the copy off from other servers".into())?;
            self.unlike.extend(cut_off);
            analyze::all(&|| self.connect())?;
            // under `minimal` a table that is written anew makes no log, and the report would be too good
            let minimal =
                client.query_one("SELECT current_setting('wal_level') = 'minimal'", &[]).map_err(Failure::from);
            let minimal: bool = minimal.explain(|| "the scratch server does not tell its settings".into())?.get(0);
            drop(client);
            if let (true, Place::Scratch(server)) = (minimal, &mut self.place) {
                server.restart(LOGGED)?;
            }
            self.logged = true;
        }
        Ok(())
    }

    /// Another copy, and what may write to it; sessions on the original are ended.
    pub(super) fn copy(&self, to: &str) -> Result<Since> {
        let server = match &self.place {
            Place::Scratch(server) => server,
            Place::Host(copy) => {
                copy.copy(to)?;
                // a copy has the rows of its template, not its settings
                self.session.carry(&mut copy.desk()?, &copy.of(to))?;
                return self.since();
            }
        };
        server.drop_database(to)?;
        server.clone_database(&self.name, to)?;
        self.session.carry(&mut self.desk()?, to)?;
        let Some(role) = &self.role else { return self.since() };
        // one that owns nothing in the backup is not there yet; a superuser, as all of them are here
        let (literal, quoted, database) = (quote_literal(role), quote_identifier(role), quote_identifier(to));
        let become_it = format!(
            "DO $role$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {literal}) THEN \
             EXECUTE pg_catalog.format('CREATE ROLE %I SUPERUSER', {literal}); END IF; END $role$; \
             ALTER ROLE {quoted} SUPERUSER; ALTER DATABASE {database} SET role = {literal}"
        );
        let became = self.desk()?.batch_execute(&become_it).map_err(Failure::from);
        became.explain(|| format!("could not act as {role} on the copy"))?;
        self.since()
    }

    /// A copy of a copy, as it is now; sessions on that are ended.
    pub(super) fn copy_of(&self, from: &str, to: &str) -> Result<Since> {
        match &self.place {
            Place::Scratch(server) => server.clone_database(from, to),
            Place::Host(copy) => copy.copy_of(from, to),
        }?;
        self.since()
    }

    /// Nothing has been written to a copy that was just made.
    fn since(&self) -> Result<Since> {
        Since::read(&mut self.desk()?).explain(|| "the copy's server does not tell its transactions".into())
    }

    /// A copy that is not needed any more. One on a server of our own goes with the server, or when it is made anew: to remove its
    /// files twice would take time.
    pub(super) fn let_go(&self, name: &str) -> Result<()> {
        match &self.place {
            Place::Scratch(_) => Ok(()),
            Place::Host(copy) => copy.drop_copy(name),
        }
    }

    /// Removes a copy at once, since the next one needs the room.
    pub(super) fn drop_copy(&self, name: &str) -> Result<()> {
        match &self.place {
            Place::Scratch(server) => server.drop_database(name),
            Place::Host(copy) => copy.drop_copy(name),
        }
    }

    /// The URL of the original or a copy, as Prisma takes it.
    pub(super) fn url(&self, database: &str, schema: &str) -> Result<DatabaseUrl> {
        let url = match &self.place {
            Place::Scratch(server) => server.url(database)?,
            Place::Host(copy) => copy.url(database),
        };
        Ok(url.with_schema(schema))
    }

    /// A session on the original.
    ///
    /// # Errors
    /// The scratch server's own.
    pub fn connect(&self) -> Result<Client> {
        match &self.place {
            Place::Scratch(server) => connect(&server.url(&self.name)?, APPLICATION),
            Place::Host(copy) => connect(&copy.url(&self.name), APPLICATION),
        }
    }

    pub(super) fn server_major(&self) -> Result<u32> {
        Ok(self.server_version()?.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default())
    }

    pub(super) fn server_version(&self) -> Result<String> {
        let row = self.connect()?.query_one("SELECT current_setting('server_version')", &[]);
        let row = row.map_err(Failure::from).explain(|| "the scratch server does not tell its version".into())?;
        let version: String = row.get(0);
        Ok(version.split_whitespace().next().unwrap_or_default().to_owned())
    }
}
