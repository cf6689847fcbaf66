//! Where nothing is rehearsed with rows, nothing checks the review: what it could not judge, a person has to.

use crate::error::{Error, Result};
use crate::review::Reviewed;

/// Rules that say what the review could not look into.
const UNJUDGED: &[&str] = &["opaque-code", "unknown-object"];

/// Demands that a line accepts whatever the review could not judge; `why` says what keeps it from being rehearsed with rows.
///
/// # Errors
/// Exit status 3, with the lines that accept it and the other way out.
pub fn demand_judged(migrations: &[Reviewed], why: &str) -> Result<()> {
    let (mut what, mut lines) = (Vec::new(), Vec::new());
    for migration in migrations {
        let open = |finding: &&crate::rules::Finding| UNJUDGED.contains(&finding.rule) && finding.accepted.is_none();
        for finding in migration.findings.iter().filter(open) {
            what.push(format!("{}: {}", migration.name, finding.message));
            lines.push(format!("-- prisma-safe:allow {}({}): why", finding.rule, finding.object));
        }
    }
    if what.is_empty() {
        return Ok(());
    }
    Err(Error::refused(format!("{why}, and the review could not judge everything: nothing was deployed"))
        .because(what.join("\n"))
        .help(format!(
            "rehearse with rows, which measures what it does; or read it with care, and accept it in the migration:\n{}",
            lines.join("\n")
        )))
}
