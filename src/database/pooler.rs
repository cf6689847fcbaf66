//! Connection poolers. pg_dump and session locks through a transaction pooler break other clients, so they are recognised
//! by name ([`DatabaseUrl::pooled`]) and by behaviour ([`probe`]).

use super::{DatabaseUrl, Host};

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
        let found =
            |provider, evidence: &str, mode, direct| Some(Self { provider, evidence: evidence.into(), mode, direct });

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
            6432 | 6543 => found("PgBouncer", &format!("port {port}"), PoolMode::Unknown, None),
            _ => None,
        })
    }

    /// `?pgbouncer=true`: the URL says so itself.
    fn flagged(url: &DatabaseUrl) -> Option<Self> {
        (url.parameter("pgbouncer").as_deref() == Some("true")).then(|| Self {
            provider: "PgBouncer",
            evidence: "the URL says pgbouncer=true".into(),
            mode: PoolMode::Transaction,
            direct: None,
        })
    }

    /// The URL past the pooler, where the provider's naming tells it. To be tried openly, never silently.
    pub fn direct_suggestion(&self) -> Option<&DatabaseUrl> {
        self.direct.as_ref()
    }
}
