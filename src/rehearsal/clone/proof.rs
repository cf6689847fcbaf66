//! What shows that `create` made a copy of the target: exactly one URL, of another database, with the target's history.

use super::super::APPLICATION;
use super::Wanted;
use crate::database::identity::same_database;
use crate::database::{DatabaseUrl, History, Sameness, connect};
use crate::error::{Error, Result};

/// The one URL that `create` printed.
pub(super) fn the_url(said: &str) -> Result<DatabaseUrl> {
    let is_url = |line: &&str| ["postgres://", "postgresql://"].iter().any(|scheme| line.starts_with(scheme));
    let urls: Vec<&str> = said.lines().map(str::trim).filter(is_url).collect();
    let help = "it prints the copy's URL (postgresql://…) on a line of its own, once, and everything else on stderr";
    match urls.as_slice() {
        [url] => DatabaseUrl::parse(url)
            .map_err(|_| Error::failed("rehearsal.clone.create printed a URL that cannot be understood").help(help)),
        [] => Err(Error::failed("rehearsal.clone.create printed no URL of a copy").help(help)),
        many => Err(Error::failed(format!("rehearsal.clone.create printed {} URLs", many.len())).help(help)),
    }
}

/// Shows that a URL leads to a copy of the target: another database, not production's, with the same history.
pub(super) fn prove(url: &DatabaseUrl, wanted: &Wanted<'_>) -> Result<()> {
    let refused =
        |what: &str, why: String| Error::refused(format!("rehearsal.clone.create printed {what}")).because(why);
    match same_database(wanted.target, url, APPLICATION) {
        Sameness::Different(_) => {}
        Sameness::Same => return Err(refused("the URL of the target itself", "the server has shown it".into())),
        Sameness::Unknown(why) => return Err(refused("a URL that is not shown to be another database", why)),
    }
    for (name, environment) in wanted.environments.iter().filter(|(_, environment)| environment.production) {
        let own = environment.own_url(wanted.env);
        let same = own.is_some_and(|own| same_database(&own, url, APPLICATION) == Sameness::Same);
        if same || !wanted.production && environment.owns(url, wanted.env) {
            return Err(refused("the URL of production", format!("it belongs to the environment `{name}`")));
        }
    }
    let history = |url: &DatabaseUrl| -> Result<Vec<(String, bool)>> {
        let history = History::read(&mut connect(url, APPLICATION)?, &wanted.target.schema())?.unwrap_or_default();
        Ok(history.rows.iter().map(|row| (row.id.clone(), row.finished_at.is_some())).collect())
    };
    if history(url)? != history(wanted.target)? {
        return Err(refused(
            "the URL of a database that is not a copy of the target as it is now",
            "its migration history is another one".into(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_line_is_the_url() {
        let url = |said: &str| the_url(said).map(|url| url.database()).map_err(|error| error.to_string());
        assert_eq!(url("Creating branch…\n  postgresql://u:p@h/copy\ndone\n").unwrap(), "copy");
        assert!(url("see https://host/x\n").unwrap_err().contains("no URL"));
        assert!(url("postgres://h/a\npostgres://h/b\n").unwrap_err().contains("2 URLs"));
        assert!(url("url=postgres://u:secret@h/a\n").unwrap_err().contains("no URL"));
        let error = the_url("postgres://u:secret@h:port/a\n").unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}
