//! The database that is to be replaced: what the role may do on its server, and what a dump does not carry over.

use postgres::Client;
use postgres::error::SqlState;
use serde_json::Value;

use super::{APPLICATION, connect};
use crate::database::{self, DatabaseUrl, Failure};
use crate::error::{Error, Explain as _, Result};

/// Databases that a session can be opened to while the target itself is renamed.
const DESKS: &[&str] = &["postgres", "template1", "defaultdb"];

const ROLE: &str = "
SELECT current_setting('server_version_num')::int4 / 10000, r.rolsuper, r.rolcreatedb
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user";

/// As JSON: which columns there are depends on the version.
const DATABASE: &str = "
SELECT d.oid, to_jsonb(d), pg_catalog.pg_get_userbyid(d.datdba)::text, pg_catalog.pg_encoding_to_char(d.encoding)::text,
       t.spcname::text, pg_catalog.pg_has_role(d.datdba, 'MEMBER'), pg_catalog.shobj_description(d.oid, 'pg_database')
FROM pg_catalog.pg_database d JOIN pg_catalog.pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = $1";

/// What keeps to the database itself, not to its name, and would be lost to its users by a swap.
const BOUND: &str = "
SELECT format('the prepared transaction %s', gid) FROM pg_catalog.pg_prepared_xacts WHERE database = $1
UNION ALL
SELECT format('the replication slot %s', slot_name) FROM pg_catalog.pg_replication_slots WHERE database = $1";

const SUBSCRIPTIONS: &str = "
SELECT format('the subscription %s', subname) FROM pg_catalog.pg_subscription s
JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE d.datname = $1";

/// A database, its server, and what the role may do there.
pub(super) struct Target {
    url: DatabaseUrl,
    /// `15`
    pub(super) major: u32,
    superuser: bool,
    creates: bool,
    /// `None`: no database has the name.
    pub(super) found: Option<Found>,
    /// With the target itself.
    client: Option<Client>,
    /// With another database of the server, and its name.
    desk: Option<(Client, &'static str)>,
    /// Why there is no other database to work from.
    no_desk: Option<String>,
}

/// What `pg_database` says.
pub(super) struct Found {
    pub(super) oid: u32,
    pub(super) row: Value,
    pub(super) owner: String,
    pub(super) encoding: String,
    pub(super) tablespace: String,
    pub(super) owned: bool,
    pub(super) comment: Option<String>,
}

impl Target {
    /// Looks at the server. A database that does not exist is not an error.
    pub(super) fn read(url: &DatabaseUrl) -> Result<Self> {
        let name = url.database();
        let mut no_desk = None;
        let mut desk = None;
        for candidate in DESKS.iter().filter(|candidate| **candidate != name) {
            match connect(url, candidate) {
                Ok(client) => {
                    desk = Some((client, *candidate));
                    break;
                }
                Err(error) => no_desk = no_desk.or(Some(error)),
            }
        }
        let mut client = match database::connect(url, APPLICATION) {
            Ok(client) => Some(client),
            Err(error) => {
                // only the server's list of databases says that it does not exist
                let exists =
                    desk.as_mut().map(|(desk, _)| find(desk, &name)).transpose()?.is_none_or(|found| found.is_some());
                if exists {
                    return Err(error);
                }
                None
            }
        };
        let Some(any) = client.as_mut().or(desk.as_mut().map(|(desk, _)| desk)) else {
            return Err(Error::failed(format!("could not reach {}", url.identity())));
        };
        let role = any.query_one(ROLE, &[]).map_err(Failure::from);
        let role = role.explain(|| "could not ask what this role may do".into())?;
        let found = find(any, &name)?;
        Ok(Self {
            url: url.clone(),
            major: u32::try_from(role.get::<_, i32>(0)).unwrap_or_default(),
            superuser: role.get(1),
            creates: role.get(2),
            found,
            no_desk: no_desk.filter(|_| desk.is_none()).map(|error| error.to_string()),
            client,
            desk,
        })
    }

    pub(super) fn exists(&self) -> bool {
        self.found.is_some()
    }

    pub(super) fn oid(&self) -> u32 {
        self.found.as_ref().map_or(0, |found| found.oid)
    }

    /// The target where it exists, else another database of its server.
    pub(super) fn reachable(&self) -> DatabaseUrl {
        match &self.desk {
            Some((_, desk)) if self.found.is_none() => self.url.with_database(desk),
            _ => self.url.clone(),
        }
    }

    pub(super) fn name(&self) -> String {
        self.url.database()
    }

    /// The session with the target itself.
    pub(super) fn client(&mut self) -> Result<&mut Client> {
        let url = &self.url;
        self.client.as_mut().ok_or_else(|| {
            Error::failed(format!("the database {} does not exist", url.database()))
                .help("create it first, or restore all of the backup: that creates it")
        })
    }

    /// The session with another database, to rename the target from, and that database's name; the one with the target ends.
    pub(super) fn into_desk(self) -> Result<(Client, &'static str, Option<Found>)> {
        drop(self.client);
        let (desk, place) = self.desk.ok_or_else(|| Error::failed("there is no other database to work from"))?;
        Ok((desk, place, self.found))
    }

    /// Whether it has no tables.
    pub(super) fn is_empty(&mut self) -> Result<bool> {
        match &mut self.client {
            Some(client) => super::super::needed(client).map(|needed| !needed),
            None => Ok(true),
        }
    }

    /// Whether the role may create a database here and rename the target.
    pub(super) fn may_rename(&self) -> Result<()> {
        let refused = |why: String| {
            Err(Error::refused("this role cannot swap databases here")
                .because(why)
                .help("use a role with CREATEDB that owns the database, or swap schemas within it: --swap schemas"))
        };
        if let Some(why) = &self.no_desk {
            return refused(format!("no other database can be connected to ({why})"));
        }
        if DESKS.contains(&self.name().as_str()) {
            return refused(format!("{} is a database that others rely on by its name", self.name()));
        }
        if self.superuser {
            return Ok(());
        }
        if !self.creates {
            return refused("the role has no CREATEDB".into());
        }
        match &self.found {
            Some(found) if !found.owned => refused(format!("the database belongs to {}", found.owner)),
            _ => Ok(()),
        }
    }

    /// Refuses what belongs to the database's identity: it would stay with the old one.
    pub(super) fn refuse_bound(&mut self) -> Result<()> {
        let name = self.name();
        let Some(client) = self.client.as_mut() else { return Ok(()) };
        let mut bound = texts(client.query(BOUND, &[&name]))?;
        // only a superuser may look
        bound.extend(texts(client.query(SUBSCRIPTIONS, &[&name])).unwrap_or_default());
        if bound.is_empty() {
            return Ok(());
        }
        Err(Error::refused(format!("{} cannot be swapped while it has {}", name, bound.join(", ")))
            .because("it belongs to the database itself and would stay with the old one")
            .help("end or drop it first, or restore into another database: --into URL"))
    }

    /// Refuses when the server does not have the extensions of the backup.
    pub(super) fn offers(&mut self, extensions: &[String]) -> Result<()> {
        let Some(client) = self.client.as_mut().or(self.desk.as_mut().map(|(desk, _)| desk)) else { return Ok(()) };
        let rows = client.query("SELECT name::text FROM pg_catalog.pg_available_extensions", &[]);
        let offered = texts(rows)?;
        let missing: Vec<&str> = extensions
            .iter()
            .map(String::as_str)
            .filter(|name| !offered.iter().any(|offered| offered == name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::refused(format!("the server does not have the extension {}", missing.join(", ")))
            .because("the backup holds objects that need it")
            .help("install the package that brings it to the server"))
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({})", self.url)
    }
}

fn find(client: &mut Client, name: &str) -> Result<Option<Found>> {
    let row = client.query_opt(DATABASE, &[&name]).map_err(Failure::from);
    let row = row.explain(|| format!("could not look for the database {name}"))?;
    Ok(row.map(|row| Found {
        oid: row.get(0),
        row: row.get(1),
        owner: row.get(2),
        encoding: row.get(3),
        tablespace: row.get(4),
        owned: row.get(5),
        comment: row.get(6),
    }))
}

/// The first column of all rows.
pub(super) fn texts(rows: Result<Vec<postgres::Row>, postgres::Error>) -> Result<Vec<String>> {
    let rows = rows.map_err(Failure::from).explain(|| "could not ask the server".into())?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Whether the server says that something is in use.
pub(super) fn in_use(error: &postgres::Error) -> bool {
    error.code() == Some(&SqlState::OBJECT_IN_USE)
}
