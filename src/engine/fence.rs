//! The fence: what would wipe or rewrite a production database is refused, whatever asks for it.

use serde_json::json;

use super::arguments::CliCommand;
use super::protocol::Request;
use super::real::Engine;
use super::role::{CommandReply, Reply, Role};
use super::target::Target;
use crate::database::DatabaseUrl;
use crate::error::{Error, Result};

/// How much is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// Everything: no real user's data lives there.
    Open,
    /// Nothing that wipes, rewrites or creates the database.
    Production,
}

impl Fence {
    /// # Errors
    /// Exit status 3 for what is not allowed.
    pub(super) fn check_command(self, command: CliCommand) -> Result<()> {
        match (self, command) {
            (Self::Production, CliCommand::CreateDatabase) => {
                Err(Error::refused("the production database does not exist, and Prisma was about to create it")
                    .help("check the database's name in the URL; create it yourself if it is really new"))
            }
            (Self::Production, CliCommand::DropDatabase) => {
                Err(Error::refused("Prisma was about to drop the production database"))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// Exit status 3 for what is not allowed.
    pub(super) fn check_request(self, request: &Request) -> Result<()> {
        if self == Self::Open {
            return Ok(());
        }
        let what = match request.method.as_str() {
            "reset" => "wipe the production database",
            // `force` is `--accept-data-loss`
            "schemaPush" if request.params["force"] == true => "change the production database, losing data",
            "createDatabase" => "create the production database",
            "dbExecute" => "run a script on the production database",
            "markMigrationApplied" | "markMigrationRolledBack" => "rewrite the history of the production database",
            _ => return Ok(()),
        };
        Err(Error::refused(format!("Prisma was about to {what}")).help(
            "if this is no production database, say so in prisma-safe.toml ([environments.NAME] with its hosts and \
             production = false)",
        ))
    }
}

/// What a command makes of the database that Prisma named.
#[derive(Debug, Clone)]
pub struct Guard {
    /// How much is allowed.
    pub fence: Fence,
    /// The database to work on instead (`--url`, `--env`, the direct one behind a pooler).
    pub url: Option<DatabaseUrl>,
}

/// The fence on its own, around a command that prisma-safe has nothing else to do with.
pub(super) struct Fenced<'a> {
    pub(super) decide: &'a mut dyn FnMut(&Target) -> Result<Guard>,
    pub(super) fence: Fence,
    /// Where the engine works instead.
    pub(super) url: Option<DatabaseUrl>,
}

impl Role for Fenced<'_> {
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        let guard = (self.decide)(target)?;
        self.fence = guard.fence;
        self.url.clone_from(&guard.url);
        Ok(guard.url)
    }

    fn command(&mut self, command: CliCommand) -> Result<CommandReply> {
        self.fence.check_command(command)?;
        Ok(CommandReply::Relay)
    }

    fn request(&mut self, mut request: Request, _: &mut Engine<'_>) -> Result<Reply> {
        self.fence.check_request(&request)?;
        // up to Prisma 6 the call itself names the database, and the engine's start does not
        if request.method == "dbExecute"
            && let (Some(url), Some(datasource)) = (&self.url, request.params.get_mut("datasourceType"))
        {
            *datasource = json!({ "tag": "url", "url": url.expose() });
        }
        Ok(Reply::Relay(request))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn allowed(fence: Fence, method: &str, params: Value) -> bool {
        let checked = fence.check_request(&Request { id: 1.into(), method: method.into(), params });
        if let Err(error) = &checked {
            assert_eq!(error.exit().code(), 3);
        }
        checked.is_ok()
    }

    #[test]
    fn production_is_not_wiped() {
        assert!(!allowed(Fence::Production, "reset", Value::Null));
        assert!(!allowed(Fence::Production, "schemaPush", json!({"force": true})));
        assert!(allowed(Fence::Production, "schemaPush", json!({"force": false})));
        assert!(allowed(Fence::Production, "applyMigrations", json!({})));
        assert!(Fence::Production.check_command(CliCommand::CreateDatabase).is_err());
        assert!(Fence::Production.check_command(CliCommand::CanConnect).is_ok());
    }

    #[test]
    fn other_databases_are_the_person_s_own() {
        assert!(allowed(Fence::Open, "reset", Value::Null));
        assert!(Fence::Open.check_command(CliCommand::DropDatabase).is_ok());
    }
}
