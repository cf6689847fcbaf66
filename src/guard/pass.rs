//! Tokens: what a session of a deployment shows the guard. Each is random, good for one session (Prisma's engine may open a few), for an hour, and only as long
//! as the session that issued it lives; the database knows its hash, together with the plan's.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use postgres::Client;
use postgres::types::Type;
use sha2::{Digest as _, Sha256};

use super::{APPLICATION, install};
use crate::catalog::live::OWN_SCHEMA;
use crate::database::{DatabaseUrl, Failure, connect};
use crate::error::{Error, Explain as _, Result};
use crate::ui::Shell;

/// Prisma's engine opens more than one session.
const ENGINE_SESSIONS: i32 = 4;
/// A token that no session has used by then is worth nothing.
const LIFE_SECONDS: i32 = 3600;

/// Lets the sessions of one deployment through the guard; without a guard it does nothing.
#[derive(Clone, Default)]
pub struct Pass(Option<Arc<Issuer>>);

/// The session that issues tokens. They end with it.
struct Issuer {
    url: DatabaseUrl,
    plan: String,
    client: Mutex<Client>,
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Pass" } else { "no guard" })
    }
}

/// What this role has to do with the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    /// The database has no guard.
    Unguarded,
    /// Tokens are issued to it.
    Granted,
    /// They are not.
    Missing,
}

fn right(client: &mut Client) -> Result<Right, Failure> {
    const ASK: &str = "SELECT has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
        FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = $1 AND p.proname = 'guard_issue'";
    let row = client.query_typed_opt(ASK, &[(&OWN_SCHEMA, Type::TEXT)])?;
    Ok(match row.map(|row| row.try_get::<_, bool>(0)).transpose()? {
        None => Right::Unguarded,
        Some(true) => Right::Granted,
        Some(false) => Right::Missing,
    })
}

/// Whether the database has a guard.
///
/// # Errors
/// The server's own.
pub fn is_guarded(client: &mut Client) -> Result<bool> {
    right(client).map(|right| right != Right::Unguarded).explain(not_asked)
}

/// Refuses a deployment that the guard would refuse, before anything is done for it.
///
/// # Errors
/// Exit status 3 where no tokens are issued to this role.
pub fn demand(client: &mut Client) -> Result<()> {
    match right(client).explain(not_asked)? {
        Right::Missing => Err(Error::refused("the guard of this database issues no token to this role").help(
            "deploy with a role that `prisma-safe guard status` lists, or add this one as an administrator: \
             prisma-safe guard on --deployer ROLE",
        )),
        Right::Unguarded | Right::Granted => Ok(()),
    }
}

fn not_asked() -> String {
    "could not ask for the guard of the database".into()
}

impl Pass {
    /// For a database without a guard.
    pub fn none() -> Self {
        Self(None)
    }

    /// For the deployment of this plan, a short hash.
    ///
    /// # Errors
    /// Exit status 1 if the server is not reached, 3 where no tokens are issued to this role.
    pub fn take(url: &DatabaseUrl, plan: &str) -> Result<Self> {
        let mut client = connect(url, APPLICATION)?;
        demand(&mut client)?;
        if !is_guarded(&mut client)? {
            return Ok(Self(None));
        }
        stay(&mut client).explain(not_asked)?;
        let plan = plan.chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(Self(Some(Arc::new(Issuer { url: url.clone(), plan, client: Mutex::new(client) }))))
    }

    /// The same, and `client` passes too, until it ends.
    ///
    /// # Errors
    /// Those of [`Pass::take`].
    pub fn with(url: &DatabaseUrl, plan: &str, client: &mut Client) -> Result<Self> {
        let pass = Self::take(url, plan)?;
        pass.admit(client)?;
        Ok(pass)
    }

    /// Whether there is a guard to pass.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// The URL for a session that passes the guard. Each session needs its own.
    ///
    /// # Errors
    /// If no token could be issued.
    pub fn url(&self, url: &DatabaseUrl) -> Result<DatabaseUrl> {
        self.url_for(url, 1)
    }

    /// The same for Prisma's engine.
    ///
    /// # Errors
    /// If no token could be issued.
    pub fn engine_url(&self, url: &DatabaseUrl) -> Result<DatabaseUrl> {
        self.url_for(url, ENGINE_SESSIONS)
    }

    fn url_for(&self, url: &DatabaseUrl, sessions: i32) -> Result<DatabaseUrl> {
        let Some(issuer) = &self.0 else { return Ok(url.clone()) };
        let token = issuer.issue(sessions)?;
        // they stand even after DISCARD ALL, and travel without a word in the arguments
        Ok(url.with_options(&format!("-c _prisma_safe.token={token} -c _prisma_safe.plan={}", issuer.plan)))
    }

    /// Lets a session that is open already pass the guard, until it ends.
    ///
    /// # Errors
    /// If no token could be issued.
    pub fn admit(&self, client: &mut Client) -> Result<()> {
        const SET: &str =
            "SELECT set_config('_prisma_safe.token', $1, false), set_config('_prisma_safe.plan', $2, false)";
        let Some(issuer) = &self.0 else { return Ok(()) };
        let token = issuer.issue(1)?;
        let set = client.query_typed(SET, &[(&token, Type::TEXT), (&issuer.plan, Type::TEXT)]);
        set.map(drop).map_err(Failure::from).explain(not_asked)
    }

    /// Gives the guard's triggers to the tables that the deployment has made. What is done is done: a failure is only told.
    pub fn cover(&self, client: &mut Client, shell: &Shell) {
        if self.0.is_some()
            && let Err(failure) = install::cover(client)
        {
            shell.warn(format_args!(
                "new tables are not guarded against being emptied ({failure}): prisma-safe guard on"
            ));
        }
    }
}

impl Issuer {
    fn issue(&self, sessions: i32) -> Result<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).explain(|| "the system gives no random numbers".into())?;
        let mut token = String::with_capacity(64);
        for byte in bytes {
            // writing to a String does not fail
            let _ = write!(token, "{byte:02x}");
        }
        let hash = Sha256::digest(format!("{token}:{}", self.plan)).to_vec();
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let mut issued = record(&mut client, &hash, &self.plan, sessions);
        if issued.as_ref().is_err_and(Failure::is_disconnect) {
            // a long backup lies between: the tokens of the session that was cut are used or void
            *client = connect(&self.url, APPLICATION)?;
            issued = stay(&mut client).and_then(|()| record(&mut client, &hash, &self.plan, sessions));
        }
        issued.explain(|| "the guard of the database issued no token".into())?;
        Ok(token)
    }
}

fn record(client: &mut Client, hash: &[u8], plan: &str, sessions: i32) -> Result<(), Failure> {
    const ISSUE: &str = "SELECT _prisma_safe.guard_issue($1, $2, $3, $4)";
    client.query_typed(
        ISSUE,
        &[(&hash, Type::BYTEA), (&plan, Type::TEXT), (&LIFE_SECONDS, Type::INT4), (&sessions, Type::INT4)],
    )?;
    Ok(())
}

/// The session is idle while the deployment works.
fn stay(client: &mut Client) -> Result<(), Failure> {
    const STAY: &str = "SELECT set_config('idle_session_timeout', '0', false) WHERE current_setting('server_version_num')::int >= 140000";
    client.query_typed_opt(STAY, &[])?;
    Ok(())
}
