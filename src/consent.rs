//! Consent to what cannot be taken back on production: the database's name typed at a terminal, or the hash of the
//! exact plan. `--yes` is no consent.

use crate::error::{Error, Result};
use crate::target::Target;
use crate::ui::{Shell, prompt};

/// How consent was given; kept in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The database's name was typed.
    Typed,
    /// `--confirm` named this plan.
    Confirmed,
}

/// A hash that was given must name this plan, whether or not consent is needed.
///
/// # Errors
/// Exit status 3 if it names another one.
pub fn demand_same(plan: &str, confirm: Option<&str>) -> Result<()> {
    match confirm {
        Some(confirmed) if confirmed != plan => {
            Err(Error::refused("--confirm names another plan: the SQL or the database changed since")
                .help(format!("look at it again; this plan is {plan}")))
        }
        _ => Ok(()),
    }
}

/// Asks for consent to `what` (a clause: "drops `Song.artist` with its data").
///
/// # Errors
/// Exit status 3 if it is not given, or was given for another plan.
pub fn ask(shell: &Shell, target: &Target, what: &str, plan: &str, confirm: Option<&str>) -> Result<Consent> {
    let database = target.url.database();
    demand_same(plan, confirm)?;
    if confirm.is_some() {
        return Ok(Consent::Confirmed);
    }
    let refused = format!("{} is production ({}), and this {what}", target.url.identity(), target.because);
    if !shell.interactive() {
        return Err(Error::refused(refused).help(format!("once a person has agreed: --confirm {plan}")));
    }
    shell.warn(&refused);
    let typed = prompt::input(shell, &format!("Type the database's name ({database}) to go on"))?;
    if typed.trim() == database {
        return Ok(Consent::Typed);
    }
    Err(Error::refused("that was not the database's name; nothing was done"))
}
