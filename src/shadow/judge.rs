//! Whether a shadow database may be emptied: it holds no one's data, by its name and by what its server says.

use postgres::Client;

use super::held::Held;
use crate::database::identity::{self, Sameness};
use crate::database::{DatabaseUrl, connect};
use crate::engine::ShadowUse;
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};
use crate::target::Environments;

const APPLICATION_NAME: &str = "prisma-safe shadow";

/// What a shadow database is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'a> {
    pub environments: &'a Environments,
    pub env: &'a Env,
}

impl Judge<'_> {
    /// Looks at every shadow database that a call names. `emptied` is false where another one takes their place: what plain
    /// Prisma would destroy is refused all the same, what only might hold data is not.
    ///
    /// # Errors
    /// Exit status 3 for a shadow database that may not be emptied; 1 where it cannot be looked at and would be emptied.
    pub fn check(&self, used: &ShadowUse, emptied: bool) -> Result<()> {
        used.shadows.iter().try_for_each(|shadow| self.check_one(shadow, used, emptied))
    }

    fn check_one(&self, shadow: &DatabaseUrl, used: &ShadowUse, emptied: bool) -> Result<()> {
        let targets = &used.targets;
        let refused = |what: &str| {
            Err(Error::refused(format!(
                "the shadow database {} is {what}: Prisma would drop everything in it",
                shadow.address()
            ))
            .help(WAY_OUT))
        };
        // another schema of the same database does not help: migrations name schemas themselves
        let beside = |other: &DatabaseUrl| shadow.same_database(&other.with_schema(&shadow.schema()));
        if targets.iter().any(beside) {
            return refused("the target database");
        }
        let owner = self.environments.iter().find(|(_, environment)| environment.owns(shadow, self.env));
        if let Some((name, _)) = owner.filter(|(_, environment)| environment.production) {
            return refused(&format!("production (environment `{name}`)"));
        }
        let mut client = match connect(shadow, APPLICATION_NAME) {
            Ok(client) => client,
            // what is not there, or does not answer, is not emptied; only a server that is asleep is there all the same
            Err(_) if !emptied => return Ok(()),
            Err(error) if error.to_string().contains("does not exist") => return Ok(()),
            Err(error) => {
                return Err(Error::failed(format!(
                    "could not look at the shadow database {} before Prisma empties it",
                    shadow.address()
                ))
                .because(error)
                .help(WAY_OUT));
            }
        };
        if targets.iter().any(|target| is(&mut client, target)) {
            return refused("the target database, by its server's word");
        }
        if emptied {
            for (name, environment) in self.environments.iter().filter(|(_, environment)| environment.production) {
                let url = environment.own_url(self.env);
                if url.is_some_and(|url| is(&mut client, &url)) {
                    return refused(&format!("production (environment `{name}`), by its server's word"));
                }
            }
        }
        let held = Held::read(&mut client, &used.migrations);
        let held = held.explain(|| format!("could not look at what the shadow database {} holds", shadow.address()))?;
        if let Some(what) = held.precious(emptied) {
            return refused(&format!("in use, because it holds {what}"));
        }
        if emptied && held.tables > 0 && !shadow.is_local() && owner.is_none() {
            return Err(Error::refused(format!(
                "the shadow database {} is on another host, holds tables, and no environment says what it is",
                shadow.address()
            ))
            .help(format!(
                "say so in prisma-safe.toml if Prisma may empty it: [environments.shadow] with its hosts and production = false\n{WAY_OUT}"
            )));
        }
        Ok(())
    }
}

const WAY_OUT: &str = "give shadowDatabaseUrl an empty database of its own, or remove it. With shadow = \"scratch\" in \
                       prisma-safe.toml, prisma-safe replays migrations on a server of its own and never uses that URL \
                       (plain Prisma still would)";

/// Whether an open session is in this database. Prisma does not work on a database that does not answer.
fn is(client: &mut Client, other: &DatabaseUrl) -> bool {
    let Ok(mut other) = connect(other, APPLICATION_NAME) else { return false };
    matches!(identity::same_session(client, &mut other), Ok(Sameness::Same))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn check(target: &str, shadow: &str, environments: &str) -> Result<()> {
        let url = |text: &str| DatabaseUrl::parse(text).unwrap();
        let used = ShadowUse { targets: vec![url(target)], shadows: vec![url(shadow)], ..ShadowUse::default() };
        let environments: Environments = toml::from_str(environments).unwrap();
        Judge { environments: &environments, env: &Env::default() }.check(&used, false)
    }

    #[test]
    fn the_shadow_database_may_not_be_the_target_by_its_name() {
        let target = "postgresql://u:p@localhost:1/music";
        for shadow in [
            "postgres://other:x@127.0.0.1:1/music?schema=public&connect_timeout=3",
            "postgresql://u:p@localhost:1/music?schema=shadow",
        ] {
            assert_eq!(check(target, shadow, "").unwrap_err().exit(), Exit::Refused, "{shadow}");
        }
        check(target, "postgresql://u:p@localhost:1/shadow", "").unwrap();
    }

    #[test]
    fn nor_an_environment_that_is_production() {
        let live = "[live]\nhosts = [\"db.invalid\"]\nproduction = true\n";
        let shadow = "postgresql://u:p@db.invalid/shadow";
        let error = check("postgresql://u:p@localhost:1/music", shadow, live).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains("environment `live`"), "{error}");
    }
}
