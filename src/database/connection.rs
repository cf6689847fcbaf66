//! Connecting: TLS by [`super::tls`], errors as sentences that never hold the URL.

use std::error::Error as _;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::config::{ChannelBinding, SslMode};
use postgres::error::SqlState;
use postgres::{CancelToken, Client, Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{Demand, Tls};
use super::{DatabaseUrl, Failure, Host};
use crate::error::{Error, Result};
use crate::system;

/// After the socket is open, the server may take this long for TLS and login.
const LOGIN_TIME: Duration = Duration::from_secs(15);

impl DatabaseUrl {
    /// The connection in the `postgres` crate's words; parameters that are only Prisma's are left out.
    pub fn client_config(&self, application_name: &str) -> Config {
        let mut config = Config::new();
        match self.host() {
            Host::Tcp(name) => config.host(&name),
            #[cfg(unix)]
            Host::Socket(directory) => config.host_path(directory),
            // `connect` refuses it before
            #[cfg(windows)]
            Host::Socket(directory) => config.host(&directory.to_string_lossy()),
        };
        config.port(self.port()).dbname(&self.database()).application_name(application_name);
        if let Some(user) = self.user() {
            config.user(&user);
        }
        if let Some(password) = self.password() {
            config.password(password);
        }
        if let Some(timeout) = self.connect_timeout() {
            config.connect_timeout(timeout);
        }
        if let Some(options) = self.parameter("options").filter(|options| !options.is_empty()) {
            config.options(&options);
        }
        match self.parameter("channel_binding").as_deref() {
            Some("disable") => config.channel_binding(ChannelBinding::Disable),
            Some("require") => config.channel_binding(ChannelBinding::Require),
            _ => &mut config,
        };
        config.ssl_mode(match Tls::asked_by(self).demand {
            Demand::Never => SslMode::Disable,
            Demand::Offered => SslMode::Prefer,
            Demand::Always => SslMode::Require,
        });
        config
    }
}

/// Opens a session.
///
/// # Errors
/// Says what is wrong (server not reached, wrong password, no such database, TLS, no connection left) and what to do;
/// never the URL.
pub fn connect(url: &DatabaseUrl, application_name: &str) -> Result<Client> {
    if let Host::Socket(_) = url.host() {
        system::demand("a connection through a Unix socket")?;
    }
    let tls = Tls::asked_by(url);
    if let Some(identity) = url.parameter("sslidentity").filter(|file| !file.is_empty() && tls.demand != Demand::Never)
    {
        return Err(Error::usage(format!("prisma-safe cannot use the client certificate {identity} (sslidentity)"))
            .help("give prisma-safe a URL with a password instead, with --url or in prisma-safe.toml"));
    }
    let connector = MakeRustlsConnect::new(tls.client_config()?);
    let mut config = url.client_config(application_name);
    // notices are ignored here
    config.notice_callback(|_| {});
    let Some(timeout) = url.connect_timeout() else {
        return config.connect(connector).map_err(|error| failure(url, &error));
    };
    // connect_timeout ends with the open socket: a server that then says nothing would be waited for for ever
    let (done, result) = mpsc::channel();
    thread::spawn(move || {
        // the receiver is gone after the time is over
        let _ = done.send(config.connect(connector));
    });
    match result.recv_timeout(timeout + LOGIN_TIME) {
        Ok(connected) => connected.map_err(|error| failure(url, &error)),
        Err(_) => Err(Error::failed(format!("the database server at {} was reached but does not answer", place(url)))
            .help("is PostgreSQL listening on that port, and not another program?")),
    }
}

/// Asks the server to end what a session is doing, from beside the thread that waits for it.
///
/// # Errors
/// If the server is not reached; whether it had something to end is not said.
pub fn cancel(url: &DatabaseUrl, session: &CancelToken) -> Result<()> {
    let connector = MakeRustlsConnect::new(Tls::asked_by(url).client_config()?);
    session.cancel_query(connector).map_err(|error| failure(url, &error))
}

/// The first row's values as text, without a prepared statement: those are what poolers break first.
///
/// # Errors
/// The server's own.
pub(super) fn first_row(client: &mut Client, query: &str) -> Result<Vec<Option<String>>, Failure> {
    let messages = client.simple_query(query)?;
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(ToOwned::to_owned)).collect()),
        _ => None,
    });
    Ok(row.unwrap_or_default())
}

fn place(url: &DatabaseUrl) -> String {
    format!("{}:{}", url.host(), url.port())
}

/// Turns an error of connecting into a sentence.
fn failure(url: &DatabaseUrl, error: &postgres::Error) -> Error {
    let place = place(url);
    let cause = cause(error);
    let user = url.user().unwrap_or_else(|| "the operating system's user".into());
    let failed = |message: String, help: &str| Error::failed(message).because(cause.clone()).help(help);
    let Some(code) = error.code() else {
        return match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
            Some(source) if source.kind() == io::ErrorKind::TimedOut => failed(
                format!("the database server at {place} did not answer in time"),
                "is the host right, and does a firewall let this machine in? A sleeping server may need another try",
            ),
            _ if cause.contains("TLS") || cause.contains("certificate") => failed(
                format!("no secure connection to the database server at {place}"),
                "see sslmode, sslaccept and sslrootcert in the database URL",
            ),
            _ => failed(
                format!("could not reach the database server at {place}"),
                "is it running, and are host and port right?",
            ),
        };
    };
    match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => failed(
            format!("the database server at {place} refused the login of {user}"),
            "check user and password of the database URL; special characters must be percent-encoded",
        ),
        SqlState::INVALID_CATALOG_NAME => failed(
            format!("the database {} does not exist at {place}", url.database()),
            "check the database's name; prisma-safe creates no database on a deploy",
        ),
        SqlState::TOO_MANY_CONNECTIONS => failed(
            format!("the database server at {place} has no connection left"),
            "wait, or end sessions that are not needed",
        ),
        SqlState::CANNOT_CONNECT_NOW => {
            failed(format!("the database server at {place} is not ready"), "try again soon")
        }
        SqlState::INSUFFICIENT_PRIVILEGE => failed(
            format!("{user} may not connect to the database {} at {place}", url.database()),
            "the database's owner can allow it: GRANT CONNECT ON DATABASE … TO …",
        ),
        _ => Error::failed(format!("could not connect to the database server at {place}")).because(cause.clone()),
    }
}

/// The innermost words: the server's own, or the operating system's.
fn cause(error: &postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        return error.message().to_owned();
    }
    match error.source() {
        // the crate's word for TLS is kept: the inner error may not name it
        Some(source) if error.to_string().contains("TLS") => format!("TLS: {source}"),
        Some(source) => source.to_string(),
        None => error.to_string(),
    }
}
