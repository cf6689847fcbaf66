//! Which server and database a session is in, by the server's own word. Names prove nothing: a host calls every database
//! `postgres`, a pooler has the address of none, and a stale variable looks like a fresh one.
//!
//! `system_identifier` is written when a cluster is created, and a physical copy keeps it. So two sessions of this moment are in
//! one database only if one sees the lock that the other holds; what was written down earlier is compared by the identifier
//! and the database's oid.

use std::fmt;

use postgres::Client;
use serde::{Deserialize, Serialize};

use super::connection::first_row;
use super::{DatabaseUrl, Failure, connect};
use crate::error::{Explain as _, Result};

/// Whether two URLs, or a URL and what was written down, mean one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sameness {
    /// The server has shown it.
    Same,
    /// The server has shown the opposite; the clause says by what.
    Different(String),
    /// Nobody could be asked, or the answer tells neither; the clause says why.
    Unknown(String),
}

/// A database as its server names it. Unknown is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Of `pg_control_system()`; absent where the role may not call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_identifier: Option<String>,
    pub database: String,
    pub database_oid: u32,
    /// When this server process began, in microseconds since 1970: a copy of a cluster has another time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<i64>,
    /// Where the server itself took the connection; absent through a socket, and where a host hides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where the server listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// `15.18`
    pub version: String,
}

const FACTS: &str = "
SELECT d.datname, d.oid, (extract(epoch FROM pg_catalog.pg_postmaster_start_time()) * 1000000)::bigint,
       pg_catalog.host(pg_catalog.inet_server_addr()), pg_catalog.current_setting('port'),
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1), pg_catalog.pg_backend_pid()
FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";

const SYSTEM: &str = "SELECT system_identifier FROM pg_catalog.pg_control_system()";

impl Identity {
    /// Asks the server, in statements that a pooler lets through.
    ///
    /// # Errors
    /// The server's own.
    pub fn read(client: &mut Client) -> Result<Self, Failure> {
        Ok(Self::read_with_process(client)?.0)
    }

    /// With the id of the server process that answered.
    fn read_with_process(client: &mut Client) -> Result<(Self, Option<String>), Failure> {
        let facts = first_row(client, FACTS)?;
        let fact = |at: usize| facts.get(at).cloned().flatten();
        // a host may forbid it in ways of its own: absent is a value
        let system_identifier = first_row(client, SYSTEM).ok().and_then(|row| row.into_iter().next().flatten());
        let identity = Self {
            system_identifier,
            database: fact(0).unwrap_or_default(),
            database_oid: fact(1).and_then(|oid| oid.parse().ok()).unwrap_or_default(),
            started: fact(2).and_then(|started| started.parse().ok()),
            address: fact(3),
            port: fact(4).and_then(|port| port.parse().ok()),
            version: fact(5).unwrap_or_default(),
        };
        Ok((identity, fact(6)))
    }

    /// Connects and asks.
    ///
    /// # Errors
    /// Those of [`connect`], and the server's own.
    pub fn of(url: &DatabaseUrl, application_name: &str) -> Result<Self> {
        let mut client = connect(url, application_name)?;
        Self::read(&mut client).explain(|| format!("could not ask {} which server it is", url.identity()))
    }

    /// Whether what was written down earlier is this database. A physical copy of it looks the same.
    pub fn is_still(&self, written: &Self) -> Sameness {
        match (&self.system_identifier, &written.system_identifier) {
            (Some(now), Some(then)) if now != then => {
                Sameness::Different(format!("its server has the identifier {now}, not {then}"))
            }
            _ if self.database_oid != written.database_oid => {
                Sameness::Different(format!("its oid is {}, not {}", self.database_oid, written.database_oid))
            }
            (Some(_), Some(_)) => Sameness::Same,
            _ => Sameness::Unknown("this role may not read the server's identifier".into()),
        }
    }

    /// What names a schema of a database for good, whichever URL led there: for hashes and for what is written down. It is the
    /// server's word. A physical copy (a branch, a restored snapshot) has the identifier of its original, so the host counts as
    /// well; on this machine, where one server has many addresses, it is the port that the server names. Where the server hides
    /// its identifier, the text of the URL is all there is.
    pub fn name(url: &DatabaseUrl, server: Option<&Self>) -> String {
        let place = url.place();
        let by_text = || format!("{}:{}/{}?schema={}", place.server, place.port, place.database, place.schema);
        let Some((server, identifier)) = server.and_then(|server| Some((server, server.system_identifier.as_ref()?)))
        else {
            return by_text();
        };
        let port = if place.is_local() { server.port.unwrap_or(place.port) } else { place.port };
        let oid = server.database_oid;
        format!("{}:{port} server {identifier} database {oid} schema {}", place.server, place.schema)
    }

    /// The same, of the database that `client` is in.
    pub fn name_at(url: &DatabaseUrl, client: &mut Client) -> String {
        Self::name(url, Self::read(client).ok().as_ref())
    }

    /// Whether something that was written down for the address `then` is about this database, reached at `now`. The identifier
    /// alone does not do: a staging server that was copied from production has production's.
    pub fn counts(now: (&str, Option<&Self>), then: (&str, Option<&Self>)) -> bool {
        if now.0 == then.0 {
            return match (now.1, then.1) {
                (Some(now), Some(then)) => !matches!(now.is_still(then), Sameness::Different(_)),
                _ => true,
            };
        }
        // another way to write the same place; addresses are written down without the scheme
        let url = |address: &str| DatabaseUrl::parse(&format!("postgresql://{address}")).ok();
        match (now.1, then.1, url(now.0), url(then.0)) {
            (Some(own), Some(its), Some(one), Some(two)) => {
                own.is_still(its) == Sameness::Same && Self::name(&one, Some(own)) == Self::name(&two, Some(its))
            }
            _ => false,
        }
    }

    /// What two answers of the same moment tell already; none if they may be of one database.
    fn differs(&self, other: &Self) -> Option<String> {
        let unlike =
            |what: &str, one: &dyn fmt::Display, two: &dyn fmt::Display| Some(format!("{what} {one}, not {two}"));
        match (self, other) {
            (Self { system_identifier: Some(one), .. }, Self { system_identifier: Some(two), .. }) if one != two => {
                unlike("its server has the identifier", two, one)
            }
            _ if self.database != other.database => unlike("its database is", &other.database, &self.database),
            _ if self.database_oid != other.database_oid => {
                unlike("its database has the oid", &other.database_oid, &self.database_oid)
            }
            (Self { started: Some(one), .. }, Self { started: Some(two), .. }) if one != two => {
                Some("its server was started at another moment, as a copy or a replica is".into())
            }
            _ => None,
        }
    }

    /// For a message: `PostgreSQL 15.18, server 7579…, database oid 16385`; with the server's address where it is not the URL's.
    pub fn describe(&self, url: &DatabaseUrl) -> String {
        let server = match &self.system_identifier {
            Some(identifier) => format!("server {identifier}"),
            None => "a server that hides its identifier".into(),
        };
        let place = match (&self.address, self.port) {
            (Some(address), Some(port)) if *address != url.host().to_string() || port != url.port() => {
                format!(", which listens at {address}:{port}")
            }
            _ => String::new(),
        };
        format!("PostgreSQL {}, {server}{place}, database oid {}", self.version, self.database_oid)
    }
}

/// Whether two URLs lead to one database now, also where one of them goes through a pooler. Opens two sessions and changes
/// nothing.
pub fn same_database(one: &DatabaseUrl, two: &DatabaseUrl, application_name: &str) -> Sameness {
    let unreached =
        |url: &DatabaseUrl, error: &dyn fmt::Display| Sameness::Unknown(format!("{url} was not asked: {error}"));
    let mut first = match connect(one, application_name) {
        Ok(client) => client,
        Err(error) => return unreached(one, &error),
    };
    let mut second = match connect(two, application_name) {
        Ok(client) => client,
        Err(error) => return unreached(two, &error),
    };
    same_session(&mut first, &mut second)
        .unwrap_or_else(|failure| Sameness::Unknown(format!("the server does not tell: {failure}")))
}

/// The same of two open sessions.
///
/// # Errors
/// The server's own.
pub fn same_session(first: &mut Client, second: &mut Client) -> Result<Sameness, Failure> {
    let (one, process) = Identity::read_with_process(first)?;
    let (two, other) = Identity::read_with_process(second)?;
    if let Some(by) = one.differs(&two) {
        return Ok(Sameness::Different(by));
    }
    // a pool of one: the second session would wait for the transaction of the first
    if process.is_some() && process == other && one.started.is_some() {
        return Ok(Sameness::Same);
    }
    let key = nonce();
    // of the transaction only, so that nothing of it stays with a pooler
    second.batch_execute(&format!("BEGIN; SELECT pg_catalog.pg_advisory_xact_lock({key})"))?;
    let seen = first_row(
        first,
        &format!(
            "SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
             AND database = {} AND classid = {} AND objid = {}",
            two.database_oid,
            key >> 32,
            key & 0xffff_ffff
        ),
    );
    second.batch_execute("ROLLBACK")?;
    let seen = seen?.into_iter().next().flatten();
    Ok(match seen.as_deref() {
        Some("1") => Sameness::Same,
        Some("0") => Sameness::Different("a lock that one session holds is not seen by the other".into()),
        _ => Sameness::Unknown("the server does not show its locks".into()),
    })
}

/// A key that no other session uses at this moment: positive, so that its halves are its bits.
fn nonce() -> i64 {
    let mut bytes = [0; 8];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = u64::from(std::process::id()).to_be_bytes();
    }
    i64::from_be_bytes(bytes) & i64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(system: Option<&str>, oid: u32, started: i64) -> Identity {
        Identity {
            system_identifier: system.map(str::to_owned),
            database: "app".into(),
            database_oid: oid,
            started: Some(started),
            address: None,
            port: None,
            version: "15.18".into(),
        }
    }

    #[test]
    fn names_prove_nothing() {
        let one = identity(Some("7"), 16385, 1);
        assert!(one.differs(&identity(Some("8"), 16385, 1)).is_some());
        assert!(one.differs(&identity(Some("7"), 16386, 1)).is_some());
        assert!(one.differs(&identity(Some("7"), 16385, 2)).is_some(), "a copy of the cluster");
        assert!(one.differs(&identity(None, 16385, 1)).is_none(), "only a lock tells");
        assert!(one.differs(&one).is_none());
    }

    #[test]
    fn one_database_has_one_name_and_another_has_another() {
        let url = |text: &str| DatabaseUrl::parse(&format!("postgresql://u:p@{text}")).unwrap();
        let server = Identity { port: Some(5432), ..identity(Some("7"), 16385, 1) };
        let name = |text: &str| Identity::name(&url(text), Some(&server));
        let own = name("127.0.0.1:5432/app");
        for same in ["localhost:5432/app", "[::1]:6432/app?pgbouncer=true", "localhost/app?host=/run/postgresql"] {
            assert_eq!(name(same), own, "{same}");
        }
        assert_eq!(name("ep-a-1-pooler.eu.aws.neon.tech/app"), name("ep-a-1.eu.aws.neon.tech/app"));
        assert_ne!(name("ep-a-1.eu.aws.neon.tech/app"), name("ep-b-2.eu.aws.neon.tech/app"), "a branch is a copy");
        assert_ne!(name("127.0.0.1:5432/app?schema=other"), own);
        for other in [
            Identity { system_identifier: Some("8".into()), ..server.clone() },
            Identity { database_oid: 16386, ..server.clone() },
            Identity { port: Some(5433), ..server.clone() },
        ] {
            assert_ne!(Identity::name(&url("127.0.0.1:5432/app"), Some(&other)), own);
        }
        let hidden = |text: &str| Identity::name(&url(text), Some(&identity(None, 1, 1)));
        assert_eq!(hidden("127.0.0.1:5432/app"), hidden("localhost:5432/app"));
        assert_ne!(hidden("127.0.0.1:5432/app"), hidden("127.0.0.1:5433/app"));
    }

    #[test]
    fn what_was_written_down_outlives_a_restart_of_the_server() {
        let now = identity(Some("7"), 16385, 2);
        assert_eq!(now.is_still(&identity(Some("7"), 16385, 1)), Sameness::Same);
        assert!(matches!(now.is_still(&identity(Some("8"), 16385, 1)), Sameness::Different(_)));
        assert!(matches!(now.is_still(&identity(Some("7"), 16390, 1)), Sameness::Different(_)), "created anew");
        assert!(matches!(now.is_still(&identity(None, 16385, 1)), Sameness::Unknown(_)));
        let counts = |place: &str, then: Option<&Identity>| Identity::counts(("h/app", Some(&now)), (place, then));
        assert!(counts("h/app", None), "older files do not know it");
        assert!(!counts("h/app", Some(&identity(Some("8"), 16385, 1))), "another server under the same name");
        assert!(!counts("copy/app", Some(&now)), "a copy has the same identifier");
        let local = |now_at: &str, then_at: &str| Identity::counts((now_at, Some(&now)), (then_at, Some(&now)));
        assert!(local("localhost:5432/app?schema=public", "127.0.0.1:5432/app?schema=public"), "one server");
        assert!(!local("localhost:5432/app?schema=public", "127.0.0.1:5432/app?schema=other"));
        let text = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<Identity>(&text).unwrap(), now);
    }
}
