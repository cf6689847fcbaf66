//! Families of statements that have become slower since the deployment.

use std::time::Duration;

use crate::database::usage::{Family, Usage};
use crate::deploy::verify::{Check, Status};
use crate::ui::shortened;

/// A family is compared when it was called so often since.
const CALLS: i64 = 20;
/// Slower than so many times its mean before, and by so much, is to be looked at.
const SLOWER: f64 = 2.0;
const NOTICED: Duration = Duration::from_millis(5);
/// Slower than so many times, and by so much, where it takes a good part of the database's time, is a reason to go back.
const MUCH_SLOWER: f64 = 5.0;
const FELT: Duration = Duration::from_millis(50);
const GOOD_PART: f64 = 0.1;

/// What a statement is shown up to, in characters.
const SHOWN: usize = 120;

/// A family before and since, as means of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Change<'a> {
    family: &'a Family,
    /// In seconds.
    before: f64,
    since: f64,
    /// Of all time that statements took since.
    part: f64,
}

pub(super) fn compared(now: &Usage, then: Option<&Usage>) -> Check {
    let name = "statements";
    let families = match &now.statements {
        Ok(families) => families,
        Err(why) => {
            let cure = "CREATE EXTENSION pg_stat_statements; with shared_preload_libraries = 'pg_stat_statements', before the next deploy";
            return Check::new(name, Status::Unchecked, [why]).with_cure(Some(cure));
        }
    };
    let before = match then.map(|then| &then.statements) {
        Some(Ok(before)) => before,
        Some(Err(why)) => return Check::new(name, Status::Unchecked, [format!("at the deployment, {why}")]),
        None => {
            return Check::new(
                name,
                Status::Unchecked,
                ["no deployment from this folder has kept how long they took before"],
            );
        }
    };
    judge(&changes(families, before))
}

/// Those that were called before and often enough since.
fn changes<'a>(now: &'a [Family], before: &[Family]) -> Vec<Change<'a>> {
    let earlier = |family: &Family| before.iter().find(|earlier| earlier.id == family.id);
    // a counter that went back was reset
    let since = |family: &Family| match earlier(family).filter(|earlier| earlier.calls <= family.calls) {
        Some(earlier) => (family.calls - earlier.calls, family.microseconds - earlier.microseconds),
        None => (family.calls, family.microseconds),
    };
    let all: f64 = now.iter().map(|family| seconds(since(family).1)).sum();
    let change = |family: &'a Family| {
        let (calls, time) = since(family);
        let earlier = earlier(family).filter(|earlier| earlier.calls > 0)?;
        (calls >= CALLS).then(|| Change {
            family,
            before: mean(earlier.calls, earlier.microseconds),
            since: mean(calls, time),
            part: if all > 0.0 { seconds(time) / all } else { 0.0 },
        })
    };
    now.iter().filter_map(change).collect()
}

fn judge(changes: &[Change<'_>]) -> Check {
    let slower = |change: &Change<'_>, times: f64, by: Duration| {
        change.since > change.before * times && change.since > change.before + by.as_secs_f64()
    };
    let mut slow: Vec<&Change<'_>> = changes.iter().filter(|change| slower(change, SLOWER, NOTICED)).collect();
    slow.sort_by(|one, other| other.part.total_cmp(&one.part));
    let bad = slow.iter().any(|change| slower(change, MUCH_SLOWER, FELT) && change.part >= GOOD_PART);
    let status = match (slow.is_empty(), bad) {
        (true, _) => Status::Passed,
        (false, true) => Status::Failed,
        (false, false) => Status::Warned,
    };
    if slow.is_empty() {
        let what = if changes.len() == 1 { "family of statements is" } else { "families of statements are" };
        return Check::new("statements", status, [format!("{} {what} as quick as before", changes.len())]);
    }
    Check::new("statements", status, slow.into_iter().map(said))
        .with_cure(Some("EXPLAIN (ANALYZE, BUFFERS) each; after a change of types or indexes also: ANALYZE;"))
}

fn said(change: &Change<'_>) -> String {
    let milliseconds = |seconds: f64| match seconds * 1e3 {
        short if short < 1.0 => format!("{short:.2} ms"),
        long => format!("{long:.1} ms"),
    };
    let text = shortened(&change.family.text, SHOWN);
    format!(
        "{} a call, {} before, {:.0} % of all time: {text}",
        milliseconds(change.since),
        milliseconds(change.before),
        change.part * 100.0
    )
}

#[expect(clippy::cast_precision_loss, reason = "microseconds fit for 285 years")]
fn seconds(microseconds: i64) -> f64 {
    microseconds as f64 / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "a mean")]
fn mean(calls: i64, microseconds: i64) -> f64 {
    seconds(microseconds) / calls.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(id: i64, calls: i64, milliseconds: i64) -> Family {
        Family { id, calls, microseconds: milliseconds * 1000, text: format!("SELECT {id}") }
    }

    fn status(before: Family, now: &[Family]) -> Status {
        judge(&changes(now, &[before])).status
    }

    #[test]
    fn a_family_is_slower_by_times_and_by_what_is_noticed() {
        let before = || family(1, 100, 1000);
        assert_eq!(status(before(), &[family(1, 200, 2100)]), Status::Passed, "11 ms instead of 10");
        assert_eq!(status(before(), &[family(1, 200, 4000)]), Status::Warned, "30 ms instead of 10");
        assert_eq!(status(before(), &[family(1, 200, 11_000)]), Status::Failed, "100 ms instead of 10");
        assert_eq!(status(before(), &[family(1, 110, 2000)]), Status::Passed, "ten calls say little");
        assert_eq!(status(family(1, 100, 10), &[family(1, 200, 110)]), Status::Passed, "1 ms instead of 0.1");
        let beside = [family(1, 200, 11_000), family(2, 100, 1_000_000)];
        assert_eq!(status(before(), &beside), Status::Warned, "it is a hundredth of all time");
        assert_eq!(status(before(), &[family(1, 50, 5000)]), Status::Failed, "the counters were reset, 100 ms since");
        assert_eq!(status(before(), &[family(2, 50, 5000)]), Status::Passed, "nothing to compare with");
    }
}
