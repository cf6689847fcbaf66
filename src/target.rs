//! The target: which database, which environment of prisma-safe.toml, production or not.

mod direct;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::database::{DatabaseUrl, Sameness, identity};
use crate::engine::{Fence, Guard};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::setting::text;

/// The name that servers show for sessions that look who they are.
const APPLICATION_NAME: &str = "prisma-safe identity";
/// A production database that a development machine cannot reach holds nothing up for longer.
const RECOGNITION_SECONDS: u64 = 2;

/// Whether deploys to an environment take a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackupPolicy {
    /// Before each deploy.
    #[default]
    Always,
    /// Never: a CI database, say.
    Never,
}

/// `[environments.NAME]`
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Environment {
    /// The direct database URL itself. Better left to `url-env`.
    #[serde(default, deserialize_with = "checked_url")]
    pub url: Option<String>,
    /// The environment variable that holds the direct database URL.
    pub url_env: Option<String>,
    /// Hosts that belong to it: `db.example.com`, `*.example.com`, `127.0.0.1`, `127.0.0.1:5433`, `localhost/music` (host/database).
    #[serde(default, deserialize_with = "hosts")]
    pub hosts: Vec<String>,
    /// Whether real users' data lives there.
    #[serde(default)]
    pub production: bool,
    /// Whether deploys take a backup.
    #[serde(default)]
    pub backup: BackupPolicy,
}

fn checked_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer, |url| DatabaseUrl::parse(url).map(|_| Some(url.to_owned())))
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    if hosts.iter().any(|host| host.trim().is_empty()) {
        return Err(D::Error::custom("a host has no name"));
    }
    Ok(hosts)
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment")
            .field("url", &self.url.as_ref().map(|_| "(hidden)"))
            .field("url_env", &self.url_env)
            .field("hosts", &self.hosts)
            .field("production", &self.production)
            .field("backup", &self.backup)
            .finish()
    }
}

impl Environment {
    /// Whether its URL or hosts mean this database, by the text.
    pub fn owns(&self, url: &DatabaseUrl, env: &Env) -> bool {
        let same = self.own_url(env).is_some_and(|own| own.same_database(url));
        same || self.hosts.iter().any(|pattern| matches_host(pattern, url))
    }

    /// Its URL, where it has one that can be used.
    pub fn own_url(&self, env: &Env) -> Option<DatabaseUrl> {
        let own = self.url.as_deref().or_else(|| self.url_env.as_deref().and_then(|name| env.get(name)));
        own.and_then(|own| DatabaseUrl::parse(own).ok())
    }
}

/// `[environments.NAME]`, in order of name.
pub type Environments = BTreeMap<String, Environment>;

/// A database and what it is to its owner.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is. Direct: no pooler in between as far as its name tells.
    pub url: DatabaseUrl,
    /// Its `[environments.NAME]`, if one matches.
    pub environment: Option<String>,
    /// Whether real users' data lives there.
    pub production: bool,
    /// Whether deploys take a backup.
    pub backup: BackupPolicy,
    /// Why it counts as production, or as not; a lower-case clause.
    pub because: String,
}

impl Target {
    /// `--url` and `--env`, which beat every other source; none if neither is given.
    ///
    /// # Errors
    /// Exit status 2 for an unknown environment, one without a URL, or a URL that is not understood.
    pub fn chosen(
        url: Option<&str>,
        environment: Option<&str>,
        environments: &Environments,
        env: &Env,
    ) -> Result<Option<DatabaseUrl>> {
        let Some(name) = environment else {
            return url.map(DatabaseUrl::parse).transpose();
        };
        let Some(found) = environments.get(name) else {
            let known: Vec<&str> = environments.keys().map(String::as_str).collect();
            return Err(Error::usage(format!("unknown environment `{name}`")).help(if known.is_empty() {
                format!("add [environments.{name}] to prisma-safe.toml")
            } else {
                format!("known: {}", known.join(", "))
            }));
        };
        match url {
            Some(url) => DatabaseUrl::parse(url).map(Some),
            None => environment_url(name, found, env),
        }
    }

    /// Classifies a URL by the configuration, and finds the direct URL where it is a pooled one.
    ///
    /// # Errors
    /// Exit status 2 where the URL goes through a transaction pooler and no direct one is proved to lead to the same database.
    pub fn classify(
        url: DatabaseUrl,
        environment: Option<&str>,
        environments: &Environments,
        env: &Env,
    ) -> Result<Self> {
        let same = |one: &DatabaseUrl, two: &DatabaseUrl| identity::same_database(one, two, APPLICATION_NAME);
        let direct::Direct { url, from: direct_from } = direct::of(url, env, &same)?;
        let mut target = Self::known(url, environment, environments, env);
        if let Some(from) = direct_from {
            target.because = format!("{}; {from}", target.because);
        }
        Ok(target)
    }

    /// What the configuration makes of a URL as it is. A URL that no production environment owns by its text may lead to the
    /// database of one all the same, by a tunnel or another name: the servers are asked.
    pub fn known(url: DatabaseUrl, environment: Option<&str>, environments: &Environments, env: &Env) -> Self {
        let same = |one: &DatabaseUrl, two: &DatabaseUrl| {
            identity::same_database(one, &two.within(RECOGNITION_SECONDS), APPLICATION_NAME)
        };
        Self::by_name(url, environment, environments, env).recognized(environments, env, &same)
    }

    fn recognized(
        mut self,
        environments: &Environments,
        env: &Env,
        same: &dyn Fn(&DatabaseUrl, &DatabaseUrl) -> Sameness,
    ) -> Self {
        if self.production {
            return self;
        }
        for (name, environment) in environments.iter().filter(|(_, environment)| environment.production) {
            let Some(own) = environment.own_url(env) else { continue };
            match same(&self.url, &own) {
                Sameness::Same => {
                    self.environment = Some(name.clone());
                    (self.production, self.backup) = (true, environment.backup);
                    self.because = format!("environment `{name}`, by its server's word");
                    return self;
                }
                Sameness::Different(_) => {}
                Sameness::Unknown(why) => {
                    self.because = format!("{}; not compared with environment `{name}`: {why}", self.because);
                }
            }
        }
        self
    }

    /// The same by the text alone: no server is asked.
    fn by_name(url: DatabaseUrl, environment: Option<&str>, environments: &Environments, env: &Env) -> Self {
        let named = match environment {
            Some(name) => environments.get_key_value(name),
            None => environments.iter().find(|(_, candidate)| candidate.owns(&url, env)),
        };
        match named {
            Some((name, found)) => Self {
                production: found.production,
                backup: found.backup,
                because: format!("environment `{name}`"),
                environment: Some(name.clone()),
                url,
            },
            None => {
                let production = !url.is_local();
                let because = if production { "its host is not this machine" } else { "its host is this machine" };
                Self { url, environment: None, production, backup: BackupPolicy::Always, because: because.into() }
            }
        }
    }

    /// The target, where the schema's `url` and `directUrl` are not shown to be two databases.
    ///
    /// # Errors
    /// Exit status 2 if they are: the application works on one, and Prisma would migrate the other.
    pub fn demand_same(mut self, application: &DatabaseUrl) -> Result<Self> {
        if self.url.same_database(application) {
            return Ok(self);
        }
        match identity::same_database(application, &self.url, APPLICATION_NAME) {
            Sameness::Same => Ok(self),
            Sameness::Different(by) => Err(Error::usage("the schema's `url` and `directUrl` lead to two databases")
                .because(format!(
                    "url names {}, directUrl names {}, which is another database: {by}",
                    application.identity(),
                    self.url.identity()
                ))
                .help("correct the variable that is wrong; --url names the database to work on whatever they hold")),
            Sameness::Unknown(why) => {
                self.because = format!("{}; not compared with the application's database: {why}", self.because);
                Ok(self)
            }
        }
    }

    /// The seat's instructions, where Prisma named the database `seen`: how much is allowed, and where to go instead.
    pub fn guard(&self, seen: Option<&DatabaseUrl>) -> Guard {
        let fence = if self.production { Fence::Production } else { Fence::Open };
        Guard { fence, url: (seen != Some(&self.url)).then(|| self.url.clone()) }
    }
}

fn environment_url(name: &str, environment: &Environment, env: &Env) -> Result<Option<DatabaseUrl>> {
    if let Some(url) = &environment.url {
        return DatabaseUrl::parse(url).map(Some);
    }
    let Some(variable) = &environment.url_env else {
        return Err(Error::usage(format!("environment `{name}` has neither `url` nor `url-env`"))
            .help(format!("add url-env = \"DATABASE_URL\" to [environments.{name}], or pass --url")));
    };
    let Some(url) = env.get(variable) else {
        return Err(Error::usage(format!("environment `{name}` takes its URL from {variable}, which is not set")));
    };
    DatabaseUrl::parse(url).map(Some)
}

/// `host`, `*.domain`, `host:port`, each optionally with `/database`.
fn matches_host(pattern: &str, url: &DatabaseUrl) -> bool {
    let (server, database) = match pattern.rsplit_once('/') {
        // a socket directory is a path itself: `/run/postgresql`
        Some((server, database)) if !server.is_empty() && !server.starts_with('/') => (server, Some(database)),
        _ => (pattern, None),
    };
    if database.is_some_and(|database| database != url.database()) {
        return false;
    }
    let host = url.host().to_string();
    let with_port = |host: &str| format!("{host}:{}", url.port());
    if let Some(suffix) = server.strip_prefix('*') {
        return host.ends_with(suffix) || with_port(&host).ends_with(suffix);
    }
    // this machine has several names
    let mut names = vec![host.as_str()];
    if url.is_local() {
        names.extend(["localhost", "127.0.0.1", "[::1]"]);
    }
    names.iter().any(|name| server.eq_ignore_ascii_case(name) || server.eq_ignore_ascii_case(&with_port(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct File {
        environments: Environments,
    }

    fn classify(url: &str, text: &str, env: &[(&str, &str)]) -> Result<Target> {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Target::classify(
            DatabaseUrl::parse(url).unwrap(),
            None,
            &toml::from_str::<File>(text).unwrap().environments,
            &env,
        )
    }

    #[test]
    fn without_configuration_only_this_machine_is_not_production() {
        for (url, production) in [
            ("postgresql://u:p@localhost/music", false),
            ("postgresql://u:p@127.0.0.1:5433/music", false),
            ("postgresql://u:p@[::1]/music", false),
            ("postgresql://u:p@localhost/music?host=/run/postgresql", false),
            ("postgresql://u:p@db.example.com/music", true),
            ("postgresql://u:p@10.0.0.7/music", true),
        ] {
            assert_eq!(classify(url, "", &[]).unwrap().production, production, "{url}");
        }
    }

    #[test]
    fn production_is_known_by_its_server_under_any_name() {
        let text =
            "[environments.dev]\nhosts = [\"localhost\"]\n[environments.live]\nurl-env = \"LIVE\"\nproduction = true\n";
        let environments = toml::from_str::<File>(text).unwrap().environments;
        let env: Env = [("LIVE".to_owned(), "postgresql://u:p@db.example.com/music".to_owned())].into_iter().collect();
        let tunnel = |same: Sameness| {
            let url = DatabaseUrl::parse("postgresql://u:p@localhost:7000/music").unwrap();
            Target::by_name(url, None, &environments, &env).recognized(&environments, &env, &|_, _| same.clone())
        };
        let live = tunnel(Sameness::Same);
        assert!(live.production && live.environment.as_deref() == Some("live"), "{live:?}");
        let dev = tunnel(Sameness::Different("its oid is another".into()));
        assert!(!dev.production && dev.because == "environment `dev`", "{dev:?}");
        let unknown = tunnel(Sameness::Unknown("it was not asked".into()));
        assert!(!unknown.production && unknown.because.contains("not compared with environment `live`"), "{unknown:?}");
    }

    #[test]
    fn an_environment_is_known_by_url_host_port_or_database() {
        let text = "[environments.live]\nhosts = [\"127.0.0.1:5433/music\", \"*.example.com\"]\nproduction = true\n\
                    [environments.staging]\nurl-env = \"STAGING\"\nbackup = \"never\"\n";
        let env = [("STAGING", "postgresql://x:y@stage.internal:5432/music")];
        let name = |url: &str| classify(url, text, &env).unwrap().environment;
        assert_eq!(name("postgresql://u:p@localhost:5433/music").as_deref(), Some("live"), "the same machine");
        assert_eq!(name("postgresql://u:p@h:5433/music?host=/run/postgresql").as_deref(), Some("live"));
        assert_eq!(name("postgresql://u:p@127.0.0.1:5433/music").as_deref(), Some("live"));
        assert_eq!(name("postgresql://u:p@127.0.0.1:5433/other"), None);
        assert_eq!(name("postgresql://u:p@127.0.0.1:5432/music"), None);
        assert_eq!(name("postgresql://u:p@a.example.com/x").as_deref(), Some("live"));
        let staging = classify("postgresql://other:user@stage.internal/music", text, &env).unwrap();
        assert_eq!(staging.environment.as_deref(), Some("staging"));
        assert!(!staging.production);
        assert_eq!(staging.backup, BackupPolicy::Never);
    }
}
