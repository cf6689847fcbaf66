//! Consent to what cannot be undone on production: the database's name typed at a terminal, or the hash of the
//! exact plan. `--yes` is not consent.

use crate::agent::Agent;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::review::{Needed, Review};
use crate::target::Target;
use crate::ui::prompt;

/// What lets a fenced command through on production.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "On production")]
pub struct Gate {
    /// Consent without a terminal: the hash that the refusal prints
    #[arg(long, value_name = "HASH")]
    pub confirm: Option<String>,
    /// Take no backup first; needs --reason
    #[arg(long, requires = "reason")]
    pub skip_backup: bool,
    /// Why a safeguard is skipped
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

impl Gate {
    /// Where a safeguard is about to be skipped: an agent skips none on production, whatever its reason.
    ///
    /// # Errors
    /// Exit status 3.
    pub fn refuse_agents(target: &Target, context: &Context) -> Result<()> {
        match Agent::detect(&context.env) {
            Some(agent) if target.production => {
                let place = target.url.identity();
                Err(agent.refuse(&format!("{place} is production ({}), and a safeguard is skipped", target.because)))
            }
            _ => Ok(()),
        }
    }
}

/// What a deploy of these migrations to this target asks of a person, for a report; nothing where nothing is lost, or the
/// target is not production.
pub fn needed(review: &Review, target: &Target, context: &Context) -> Option<Needed> {
    let losses: Vec<String> = review.accepted_losses().map(|finding| finding.object.clone()).collect();
    if !target.production || losses.is_empty() {
        return None;
    }
    let agent = Agent::detect(&context.env).map(|agent| agent.name);
    let name = target.url.database();
    let how = match (&agent, &review.plan_hash) {
        (None, Some(plan)) => format!("type the database's name ({name}) at a terminal, or pass --confirm {plan}"),
        _ => format!("a person runs the deploy in their own terminal and types the database's name ({name})"),
    };
    Some(Needed { losses, agent, how })
}

/// How consent was given; kept in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// The database's name was typed.
    Typed,
    /// `--confirm` named this plan.
    Confirmed,
}

impl Consent {
    /// As the journal and its documents have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Confirmed => "confirmed",
        }
    }
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

/// Asks for consent to `what` (a clause: "drops `Song.artist` with its data"). A coding agent has none to give: it can read
/// the hash as well as a person can.
///
/// # Errors
/// Exit status 3 if it is not given, or was given for another plan.
pub fn ask(context: &Context, target: &Target, what: &str, plan: &str, confirm: Option<&str>) -> Result<Consent> {
    let (shell, database) = (&context.shell, target.url.database());
    let refused = format!("{} is production ({}), and this {what}", target.url.identity(), target.because);
    if let Some(agent) = Agent::detect(&context.env) {
        return Err(agent.refuse(&refused));
    }
    demand_same(plan, confirm)?;
    if confirm.is_some() {
        return Ok(Consent::Confirmed);
    }
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
