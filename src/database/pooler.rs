//! Connection poolers. pg_dump and session locks through a transaction pooler break other clients, so they are recognised
//! by name ([`DatabaseUrl::pooled`]) and by behaviour ([`probe`]).

use postgres::Client;

use super::connection::first_row;
use super::{DatabaseUrl, Failure, Host, connect};
use crate::error::{Error, Result};

/// Environment variables that providers fill with the direct URL, most telling first.
pub const DIRECT_VARIABLES: &[&str] =
    &["POSTGRES_URL_NON_POOLING", "DATABASE_URL_UNPOOLED", "DIRECT_DATABASE_URL", "DIRECT_URL"];

/// How long a client keeps its server connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// For one transaction: session locks, settings and snapshots leak to others.
    Transaction,
    /// For the whole session: safe, only slower.
    Session,
    /// The name does not tell.
    Unknown,
}

/// A pooler between us and the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooler {
    /// Whose it is: `Neon`, `Supabase`, `PgBouncer`.
    pub provider: &'static str,
    /// What it was recognised by, as a clause: `the host contains -pooler`.
    pub evidence: String,
    /// How it hands out connections.
    pub mode: PoolMode,
    certain: bool,
    direct: Option<DatabaseUrl>,
}

impl Pooler {
    /// Recognises the poolers of the common providers by the URL's text.
    pub(super) fn named_by(url: &DatabaseUrl) -> Option<Self> {
        let Host::Tcp(host) = url.host() else {
            return Self::flagged(url);
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let port = url.port();
        let plain = url.with_parameter("pgbouncer", None);
        let found = |provider, evidence: &str, mode, direct| {
            Some(Self { provider, evidence: evidence.into(), mode, certain: true, direct })
        };

        if let Some((label, domain)) = host.split_once('.')
            && let Some(endpoint) = label.strip_suffix("-pooler")
        {
            let direct = plain.at(&format!("{endpoint}.{domain}"), port);
            return found("Neon", "its host name holds -pooler", PoolMode::Transaction, direct);
        }
        if host.ends_with(".pooler.supabase.com") {
            return match port {
                6543 => {
                    found("Supabase", "port 6543 of pooler.supabase.com", PoolMode::Transaction, plain.at(&host, 5432))
                }
                _ => found("Supabase", "pooler.supabase.com", PoolMode::Session, None),
            };
        }
        if host.ends_with(".supabase.co") && port == 6543 {
            return found("Supabase", "port 6543", PoolMode::Transaction, plain.at(&host, 5432));
        }
        if host == "pooled.db.prisma.io" {
            return found(
                "Prisma Postgres",
                "pooled.db.prisma.io",
                PoolMode::Transaction,
                plain.at("db.prisma.io", port),
            );
        }
        if host.contains(".proxy-") && host.ends_with(".rds.amazonaws.com") {
            return found("RDS Proxy", "its host name holds .proxy-", PoolMode::Unknown, None);
        }
        if host.contains(".pooler.") || host.starts_with("pooled.") || host.starts_with("pooler.") {
            return found("a pooler", "its host name says so", PoolMode::Unknown, None);
        }
        Self::flagged(url).or_else(|| match port {
            6432 | 6543 => Some(Self {
                provider: "PgBouncer",
                evidence: format!("port {port}"),
                mode: PoolMode::Unknown,
                certain: false,
                direct: None,
            }),
            _ => None,
        })
    }

    /// `?pgbouncer=true`: the URL says so itself.
    fn flagged(url: &DatabaseUrl) -> Option<Self> {
        (url.parameter("pgbouncer").as_deref() == Some("true")).then(|| Self {
            provider: "PgBouncer",
            evidence: "the URL says pgbouncer=true".into(),
            mode: PoolMode::Transaction,
            certain: false,
            direct: None,
        })
    }

    /// Whether the provider's host name says so; a flag or a port is only a hint.
    pub fn is_certain(&self) -> bool {
        self.certain
    }

    /// The URL past the pooler, where the provider's naming tells it. To be tried openly, never silently.
    pub fn direct_suggestion(&self) -> Option<&DatabaseUrl> {
        self.direct.as_ref()
    }
}

/// What the connection itself shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Whether start-up options reach the server; a pooler refuses or drops them.
    pub options_arrive: bool,
    /// Whether two statements of one session ran in different server processes, or another session was given this one's.
    pub sessions_mix: bool,
}

impl Behaviour {
    /// Whether a pooler stands between.
    pub fn is_pooled(self) -> bool {
        self.sessions_mix || !self.options_arrive
    }
}

/// Looks whether a pooler stands between, whatever the URL says. Opens two connections and changes nothing.
///
/// # Errors
/// Those of [`connect`].
pub fn probe(url: &DatabaseUrl, application_name: &str) -> Result<Behaviour> {
    let nonce = format!("{:x}", std::process::id());
    let mut plain = connect(url, application_name)?;
    let with_options = connect(&url.with_options(&format!("-c prisma_safe.probe={nonce}")), application_name);
    let (mut other, options_arrive) = match with_options {
        Ok(mut client) => {
            let arrived = ask(&mut client, "SELECT current_setting('prisma_safe.probe', true)").map_err(unprobed)?;
            (client, arrived.as_deref() == Some(&nonce))
        }
        // PgBouncer takes no options; the same connection without them was just opened
        Err(_) => (connect(url, application_name)?, false),
    };
    let sessions_mix = mixes(&mut plain, &mut other).map_err(unprobed)?;
    Ok(Behaviour { options_arrive, sessions_mix })
}

/// Refuses a URL whose sessions are mixed with those of others: locks and settings would stay with other clients, and a dump
/// may be of another moment.
///
/// # Errors
/// Exit status 3, with the way around it; those of [`connect`].
pub fn refuse(url: &DatabaseUrl, application_name: &str) -> Result<()> {
    let named = url.pooled();
    let (provider, evidence) = match &named {
        Some(pooler) if pooler.mode == PoolMode::Transaction => (pooler.provider, pooler.evidence.as_str()),
        _ if probe(url, application_name)?.sessions_mix => ("a pooler", "one session ran on several server processes"),
        _ => return Ok(()),
    };
    let direct = named.as_ref().and_then(|pooler| pooler.direct_suggestion());
    let suggestion = direct.map(|direct| format!(", probably {direct}")).unwrap_or_default();
    Err(Error::refused(format!("{url} goes through {provider}, which shares connections between transactions"))
        .because(format!("{evidence}; locks, settings and dumps through it meet those of other clients"))
        .help(format!(
            "give the direct URL{suggestion}: with --url, in prisma-safe.toml (url-env), or in one of {}",
            DIRECT_VARIABLES.join(", ")
        )))
}

/// In transaction mode a second session gets the server process of the first, or pushes it to another one.
fn mixes(first: &mut Client, second: &mut Client) -> Result<bool, Failure> {
    const PID: &str = "SELECT pg_catalog.pg_backend_pid()";
    let before = ask(first, PID)?;
    second.batch_execute("BEGIN")?;
    let other = ask(second, PID)?;
    // asking the first one again would wait for ever in a pool of one
    let mixed = other == before || ask(first, PID)? != before;
    second.batch_execute("ROLLBACK")?;
    Ok(mixed)
}

/// One value as text.
fn ask(client: &mut Client, query: &str) -> Result<Option<String>, Failure> {
    Ok(first_row(client, query)?.into_iter().next().flatten())
}

fn unprobed(failure: Failure) -> Error {
    Error::failed("could not find out whether a pooler stands before the database").because(failure)
}
