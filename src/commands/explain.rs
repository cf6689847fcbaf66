//! `explain RULE`: the rule's page.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::rules::{self, RULES};

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule's name, as findings print it; none: all of them, a line each
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Prints the page, or the list.
///
/// # Errors
/// Exit status 2 for a rule that there is not.
pub fn run(args: &Args, context: &Context) -> Result<Exit> {
    match &args.rule {
        Some(id) => context.shell.print(page(id)?),
        None => context.shell.print(&list()),
    }
    Ok(Exit::Done)
}

fn page(id: &str) -> Result<&'static str> {
    // `drop-column(Song.artist)`, copied from a finding, is understood
    let name = id.split('(').next().unwrap_or(id);
    if let Some(rule) = rules::find(name) {
        return Ok(rule.page);
    }
    let near = rules::near(name);
    Err(Error::usage(format!("unknown rule `{name}`")).help(match near.as_slice() {
        [] => "`prisma-safe explain` lists them".to_owned(),
        near => format!("did you mean {}?", near.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(" or ")),
    }))
}

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    let line = |rule: &&rules::Rule| format!("{:width$}  {:7}  {}\n", rule.id, rule.by_default(), rule.summary());
    RULES.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_found_and_slips_answered() {
        assert!(page("drop-column(Song.artist)").unwrap().starts_with("# drop-column\n"));
        let error = page("drop-colum").unwrap_err();
        assert_eq!(error.help_text(), Some("did you mean `drop-column`?"));
        assert_eq!(page("qqqqqqqqqqqq").unwrap_err().help_text(), Some("`prisma-safe explain` lists them"));
        assert_eq!(list().lines().count(), RULES.len());
    }
}
