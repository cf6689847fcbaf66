//! A database URL in Prisma's form; printed nowhere.
//!
//! Prisma reads a URL with the `url` crate (quaint, `connector/postgres/url.rs`), and so do we: what Prisma connects to is
//! what prisma-safe looks at. libpq and the `postgres` crate refuse Prisma's parameters; they get a translation.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::pooler::Pooler;
use crate::error::{Error, Result};

const DEFAULT_PORT: u16 = 5432;
const DEFAULT_DATABASE: &str = "postgres";
const DEFAULT_SCHEMA: &str = "public";
/// Prisma's `connect_timeout` where the URL names none.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Tcp(String),
    /// The directory of a unix socket (`?host=/var/run/postgresql`).
    Socket(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(name) if name.contains(':') => write!(f, "[{name}]"),
            Self::Tcp(name) => f.write_str(name),
            Self::Socket(directory) => write!(f, "{}", directory.display()),
        }
    }
}

/// Where a URL leads by its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub server: String,
    pub port: u16,
    pub database: String,
    pub schema: String,
}

/// What [`Place::server`] is for every way to reach this machine.
const THIS_MACHINE: &str = "localhost";

impl Place {
    pub(super) fn is_local(&self) -> bool {
        self.server == THIS_MACHINE
    }
}

/// A PostgreSQL URL as Prisma takes it. `Debug` and `Display` redact.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: ::url::Url,
}

impl DatabaseUrl {
    /// Parses Prisma's form.
    ///
    /// # Errors
    /// Exit status 2 if it is no PostgreSQL URL. The error never holds the URL.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::usage("the database URL is empty"));
        }
        let (scheme, _) = text.split_once(':').unwrap_or(("", text));
        if !matches!(scheme, "postgresql" | "postgres") {
            return Err(refuse_scheme(scheme));
        }
        let url = ::url::Url::parse(text).map_err(|error| {
            let help = match error {
                // libpq takes it, Prisma does not
                ::url::ParseError::EmptyHost => {
                    "name a host; for a socket write postgresql://USER@localhost/DATABASE?host=/run/postgresql"
                }
                _ => {
                    "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE?schema=public, and percent-encode special characters of the password (@ is %40, / is %2F, # is %23, % is %25)"
                }
            };
            Error::usage("the database URL is not valid").because(error).help(help)
        })?;
        if url.fragment().is_some() {
            return Err(Error::usage("the database URL ends at its # sign")
                .help("percent-encode special characters of the password (# is %23)"));
        }
        Ok(Self { url })
    }

    /// The whole URL with its password, for the environment of a child process only.
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// Where the server listens; `localhost` if the URL does not say. `?host=` beats the authority, as in Prisma.
    pub fn host(&self) -> Host {
        if let Some(host) = self.parameter("host").filter(|host| !host.is_empty()) {
            return if host.starts_with('/') { Host::Socket(host.into()) } else { Host::Tcp(host) };
        }
        let host = self.url.host_str().filter(|host| !host.is_empty()).unwrap_or("localhost");
        Host::Tcp(host.trim_start_matches('[').trim_end_matches(']').to_owned())
    }

    /// The port, 5432 by default; also of a unix socket, whose file is named after it.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(DEFAULT_PORT)
    }

    /// The user; `None` means the operating system's user.
    pub fn user(&self) -> Option<String> {
        Some(self.url.username()).filter(|user| !user.is_empty()).map(|user| decode(user).into_owned())
    }

    /// The password.
    pub(super) fn password(&self) -> Option<String> {
        self.url.password().map(|password| decode(password).into_owned())
    }

    /// The database, `postgres` by default.
    pub fn database(&self) -> String {
        let path = self.url.path().trim_start_matches('/');
        let first = path.split('/').next().filter(|name| !name.is_empty()).unwrap_or(DEFAULT_DATABASE);
        decode(first).into_owned()
    }

    /// The schema that Prisma puts its tables into (`?schema=`), `public` by default.
    pub fn schema(&self) -> String {
        self.parameter("schema").filter(|schema| !schema.is_empty()).unwrap_or_else(|| DEFAULT_SCHEMA.to_owned())
    }

    /// How long reaching the server may take (`?connect_timeout=`, 5 seconds by default); `None` is without limit.
    pub fn connect_timeout(&self) -> Option<Duration> {
        match self.parameter("connect_timeout").and_then(|seconds| seconds.parse().ok()) {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => Some(DEFAULT_CONNECT_TIMEOUT),
        }
    }

    /// A query parameter, decoded as Prisma decodes it: `+` is a space. The last of several counts.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().filter(|(key, _)| key == name).last().map(|(_, value)| value.into_owned())
    }

    /// Whether the server is on this machine: loopback or a unix socket.
    pub fn is_local(&self) -> bool {
        match self.host() {
            Host::Socket(_) => true,
            Host::Tcp(name) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                name == "localhost"
                    || name.ends_with(".localhost")
                    || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
            }
        }
    }

    /// The pooler that the URL goes through, as far as its text tells.
    pub fn pooled(&self) -> Option<Pooler> {
        Pooler::named_by(self)
    }

    /// The same server and user, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("/{}", encode(name)));
        Self { url }
    }

    /// The same, but reaching the server may take so many seconds at most.
    #[must_use]
    pub fn within(&self, seconds: u64) -> Self {
        self.with_parameter("connect_timeout", Some(&seconds.to_string()))
    }

    /// The same database, another schema for Prisma's tables.
    #[must_use]
    pub fn with_schema(&self, schema: &str) -> Self {
        self.with_parameter("schema", Some(schema))
    }

    /// The same as another URL of the application's names it: programs other than Prisma's refuse a `schema` in a URL.
    #[must_use]
    pub fn written_like(&self, other: &Self) -> Self {
        let names = |url: &Self| url.parameter("schema").is_some();
        match (names(self), names(other)) {
            (true, false) => self.with_parameter("schema", None),
            (false, true) => self.with_schema(&other.schema()),
            _ => self.clone(),
        }
    }

    /// Adds start-up options (`-c lock_timeout=3000`) to those the URL has. Spaces become `%20`: libpq takes no `+`.
    #[must_use]
    pub fn with_options(&self, options: &str) -> Self {
        let options = match self.parameter("options") {
            Some(before) if !before.is_empty() => format!("{before} {options}"),
            _ => options.to_owned(),
        };
        self.with_parameter("options", Some(&options))
    }

    /// Sets a query parameter, or removes it; the others keep their values and order.
    #[must_use]
    pub(super) fn with_parameter(&self, name: &str, value: Option<&str>) -> Self {
        let kept = self.url.query_pairs().filter(|(key, _)| key != name);
        let mut pairs: Vec<String> = kept.map(|(key, value)| format!("{}={}", encode(&key), encode(&value))).collect();
        pairs.extend(value.map(|value| format!("{}={}", encode(name), encode(value))));
        let mut url = self.url.clone();
        url.set_query(Some(pairs.join("&")).filter(|query| !query.is_empty()).as_deref());
        Self { url }
    }

    /// The same URL at another TCP host and port; `None` if `host` is not a host name.
    pub(super) fn at(&self, host: &str, port: u16) -> Option<Self> {
        let mut url = self.with_parameter("host", None).url;
        url.set_host(Some(host)).ok()?;
        url.set_port(Some(port)).ok()?;
        Some(Self { url })
    }

    /// `host:port/database`: neither user nor password.
    pub fn address(&self) -> String {
        format!("{}:{}/{}", self.host(), self.port(), self.database())
    }

    /// `host:port/database?schema=…`, for messages: neither user nor password.
    pub fn identity(&self) -> String {
        format!("{}?schema={}", self.address(), self.schema())
    }

    /// Whether both are written for the same schema of the same database of the same server. Only [`super::identity`] asks the
    /// servers.
    pub fn same_database(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    /// Where it leads by its text, the same for every way to write it: a pooler counts as the server behind it, and every way to
    /// reach this machine is one.
    pub(super) fn place(&self) -> Place {
        let (database, schema) = (self.database(), self.schema());
        // its poolers serve every project of a region under one host
        if let Some(project) = self.supabase_project() {
            return Place { server: format!("{project}.supabase.co"), port: DEFAULT_PORT, database, schema };
        }
        let direct = self.pooled().and_then(|pooler| pooler.direct_suggestion().cloned());
        let direct = direct.as_ref().unwrap_or(self);
        Place { server: direct.server(), port: direct.port(), database: direct.database(), schema: direct.schema() }
    }

    /// The project that a URL of Supabase's is about: in the host where it is direct, in the user's name through a pooler.
    pub fn supabase_project(&self) -> Option<String> {
        let host = self.host().to_string().trim_end_matches('.').to_ascii_lowercase();
        match host.strip_prefix("db.").and_then(|rest| rest.strip_suffix(".supabase.co")) {
            Some(project) => Some(project.to_owned()),
            None if host.ends_with(".pooler.supabase.com") => {
                self.user()?.split_once('.').map(|(_, project)| project.to_ascii_lowercase())
            }
            None => None,
        }
    }

    fn server(&self) -> String {
        if self.is_local() {
            return THIS_MACHINE.into();
        }
        let name = self.host().to_string();
        name.trim_end_matches('.').to_ascii_lowercase()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = self.user() {
            write!(f, "{user}@")?;
        }
        write!(f, "{}:{}/{}", self.host(), self.port(), self.database())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Percent-decoding as Prisma does it: text that is then no UTF-8 is taken as it stands.
fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

/// Percent-encoding that both Prisma and libpq read back: a space is `%20`.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Why a URL of another scheme cannot be used, and which one can.
fn refuse_scheme(scheme: &str) -> Error {
    let direct = "give the database's direct URL, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with --url or in prisma-safe.toml ([environments.NAME] url-env)";
    match scheme {
        "prisma" => Error::usage("a prisma:// URL goes through Prisma Accelerate, which neither migrates nor backs up")
            .help(direct),
        "prisma+postgres" => {
            Error::usage("a prisma+postgres:// URL speaks Prisma's own protocol, which pg_dump does not")
                .help(format!("{direct}; Prisma's console and `prisma dev` show it"))
        }
        "file" | "sqlite" => Error::usage("this is a SQLite database; prisma-safe guards PostgreSQL"),
        "mysql" | "mariadb" | "sqlserver" | "mongodb" | "mongodb+srv" | "cockroachdb" => {
            Error::usage(format!("this is a {scheme} database; prisma-safe guards PostgreSQL"))
        }
        // what stands before the colon may be half a password: it is not repeated
        _ => Error::usage("the database URL does not begin with postgresql:// or postgres://").help(direct),
    }
}

#[cfg(test)]
mod tests;
