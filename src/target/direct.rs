//! The direct URL in the place of a pooled one: only one that leads to the same database, by the server's word.

use crate::database::pooler::{DIRECT_VARIABLES, PoolMode};
use crate::database::{DatabaseUrl, Pooler, Sameness};
use crate::env::Env;
use crate::error::{Error, Result};

/// The URL to work with.
#[derive(Debug)]
pub(super) struct Direct {
    pub(super) url: DatabaseUrl,
    /// Which variable it is from, and how it was proved; none where Prisma's URL needs no other.
    pub(super) from: Option<String>,
}

/// Replaces a pooled URL by the direct one of the environment variables that hosts use for it. `same` asks the servers.
///
/// # Errors
/// Exit status 2 if there is none, with what each variable leads to instead.
pub(super) fn of(url: DatabaseUrl, env: &Env, same: &dyn Fn(&DatabaseUrl, &DatabaseUrl) -> Sameness) -> Result<Direct> {
    let Some(pooler) = pools(&url) else { return Ok(Direct { url, from: None }) };
    let mut passed_over = Vec::new();
    for &variable in DIRECT_VARIABLES {
        let Some(value) = env.get(variable) else { continue };
        let candidate = match DatabaseUrl::parse(value) {
            Ok(candidate) => candidate,
            Err(error) => {
                passed_over.push(format!("{variable} holds no URL that can be used: {error}"));
                continue;
            }
        };
        let place = candidate.identity();
        if let Some(pooler) = pools(&candidate) {
            passed_over.push(format!("{variable} names {place}, which goes through {} itself", pooler.provider));
            continue;
        }
        match same(&url, &candidate) {
            Sameness::Same => {
                let from = Some(format!("direct URL from {variable}, which leads to the same database"));
                return Ok(Direct { url: candidate, from });
            }
            Sameness::Different(by) => {
                passed_over.push(format!("{variable} names {place}, which is another database: {by}"));
            }
            // where no server can be asked, the host's own form is all there is
            Sameness::Unknown(why) if is_host_s_form(&url, &pooler, &candidate) => {
                let from = format!("direct URL from {variable}, the same database by its host's naming only: {why}");
                return Ok(Direct { url: candidate, from: Some(from) });
            }
            Sameness::Unknown(why) => {
                passed_over
                    .push(format!("{variable} names {place}, which was not proved to be the same database: {why}"));
            }
        }
    }
    Err(refusal(&url, &pooler, &passed_over))
}

/// The pooler of a URL, unless it leaves each client a session of its own.
fn pools(url: &DatabaseUrl) -> Option<Pooler> {
    url.pooled().filter(|pooler| pooler.mode != PoolMode::Session)
}

/// Whether a provider's naming makes the candidate the direct URL of the pooled one.
fn is_host_s_form(url: &DatabaseUrl, pooler: &Pooler, candidate: &DatabaseUrl) -> bool {
    pooler.direct_suggestion().is_some() && url.same_database(candidate)
}

fn refusal(url: &DatabaseUrl, pooler: &Pooler, passed_over: &[String]) -> Error {
    let (place, provider, evidence) = (url.identity(), pooler.provider, &pooler.evidence);
    let suggestion = pooler
        .direct_suggestion()
        .map_or_else(String::new, |direct| format!(" (it is probably {})", direct.identity()));
    let variables = DIRECT_VARIABLES.join(", ");
    if passed_over.is_empty() {
        return Error::usage(format!("{place} is reached through {provider} ({evidence})"))
            .because("a dump, a lock or a timeout through a pooler reaches other clients' sessions")
            .help(format!("set one of {variables} to the direct URL{suggestion}, or name it with --url"));
    }
    Error::usage(format!(
        "{place} is reached through {provider} ({evidence}), and no direct URL leads to the same database"
    ))
    .because(passed_over.join("\n"))
    .help(format!(
        "correct the variable, or unset it and set one of {variables} to the direct URL of {place}{suggestion}; --url names \
         the database to work on whatever they hold"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEON: &str = "postgresql://u:p@ep-cool-1-pooler.eu.aws.neon.tech/music";
    const SUPABASE: &str = "postgresql://postgres.aaaa:p@eu.pooler.supabase.com:6543/postgres";

    fn chosen(url: &str, env: &[(&str, &str)], same: Sameness) -> Result<Direct> {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        of(DatabaseUrl::parse(url).unwrap(), &env, &|_, _| same.clone())
    }

    fn unknown() -> Sameness {
        Sameness::Unknown("it was not reached".into())
    }

    #[test]
    fn only_what_the_server_calls_the_same_takes_the_place_of_a_pooled_url() {
        let direct = ("DIRECT_URL", "postgresql://u:p@ep-cool-1.eu.aws.neon.tech/music");
        let taken = chosen(NEON, &[direct], Sameness::Same).unwrap();
        assert!(taken.url.pooled().is_none() && taken.from.unwrap().contains("DIRECT_URL"));
        // the host's naming is believed only where the server cannot be asked
        let error = chosen(NEON, &[direct], Sameness::Different("its oid is 7, not 8".into())).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Usage);
        let cause = error.causes().join("");
        assert!(cause.contains("ep-cool-1.eu.aws.neon.tech:5432/music") && cause.contains("oid"), "{cause}");
        assert!(error.to_string().contains("ep-cool-1-pooler"), "{error}");
        assert!(!format!("{error:?}").contains(":p@"));
    }

    #[test]
    fn a_host_s_naming_counts_where_nobody_can_be_asked() {
        for (url, direct, counts) in [
            (NEON, "postgresql://u:p@ep-cool-1.eu.aws.neon.tech/music", true),
            (NEON, "postgresql://u:p@ep-dev-2.eu.aws.neon.tech/music", false),
            (SUPABASE, "postgresql://postgres:p@db.aaaa.supabase.co:5432/postgres", true),
            (SUPABASE, "postgresql://postgres:p@db.bbbb.supabase.co:5432/postgres", false),
            (SUPABASE, "postgresql://postgres.aaaa:p@eu.pooler.supabase.com:5432/postgres", true),
            (SUPABASE, "postgresql://postgres.bbbb:p@eu.pooler.supabase.com:5432/postgres", false),
            ("postgresql://u@127.0.0.1:6432/app?pgbouncer=true", "postgresql://u@127.0.0.1:5432/app", false),
        ] {
            assert_eq!(chosen(url, &[("DIRECT_URL", direct)], unknown()).is_ok(), counts, "{url} {direct}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_passed_over_and_named() {
        let pooled = ("POSTGRES_URL_NON_POOLING", NEON);
        let broken = ("DATABASE_URL_UNPOOLED", "postgresql://u:p@:x/music");
        let error = chosen(NEON, &[pooled, broken], unknown()).unwrap_err();
        let cause = error.causes().join("");
        assert!(cause.contains("goes through Neon itself"), "{cause}");
        assert!(cause.contains("DATABASE_URL_UNPOOLED holds no URL that can be used"), "{cause}");
        let direct = ("DIRECT_URL", "postgresql://u:p@ep-cool-1.eu.aws.neon.tech/music");
        assert!(chosen(NEON, &[pooled, broken, direct], unknown()).is_ok(), "the next candidate");
        let none = chosen(NEON, &[], unknown()).unwrap_err();
        assert!(none.help_text().unwrap().contains("POSTGRES_URL_NON_POOLING"));
    }
}
