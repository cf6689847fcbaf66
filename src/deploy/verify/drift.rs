//! Whether Prisma finds the database as schema.prisma says. What the last deployment has told already is not told at each one:
//! indexes that a migration makes by hand are drift for ever.

use super::settings::Drift;
use super::{Check, Status};
use crate::error::Result;
use crate::ui::counted;

/// The statements of what Prisma's engine said, each with its lines.
pub fn statements(left: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut open = false;
    for line in left.lines() {
        if line.trim().is_empty() || line.starts_with("--") {
            open = false;
            continue;
        }
        match statements.last_mut().filter(|_| open) {
            Some(last) => *last = format!("{last}\n{line}"),
            None => statements.push(line.to_owned()),
        }
        open = !line.trim_end().ends_with(';');
    }
    statements
}

impl Drift {
    /// What Prisma's engine said, as a check. A difference may also be a schema that is ahead of its migrations. `known` are the
    /// statements that the last deployment told.
    pub fn check(self, left: Result<String>, known: &[String]) -> Check {
        const NAME: &str = "drift";
        const FIRST: &str = "schema.prisma and the database differ; this would lead from the database to the schema:";
        match left {
            Ok(left) => {
                let all = statements(&left);
                let new: Vec<&String> = all.iter().filter(|statement| !known.contains(statement)).collect();
                let lines = |statements: &mut dyn Iterator<Item = &String>| -> Vec<String> {
                    statements.flat_map(|statement| statement.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
                };
                if all.is_empty() {
                    Check::new(NAME, Status::Passed, [""; 0])
                } else if self == Self::Fail || new.len() == all.len() {
                    let status = if self == Self::Fail { Status::Failed } else { Status::Warned };
                    Check::new(NAME, status, std::iter::once(FIRST.to_owned()).chain(lines(&mut all.iter())))
                } else if new.is_empty() {
                    let told = format!("{} as after the last deployment:", count(all.len()));
                    let check = Check::new(NAME, Status::Warned, std::iter::once(told).chain(lines(&mut all.iter())));
                    Check { told_before: true, ..check }
                } else {
                    let told = all.len() - new.len();
                    let first = format!("{FIRST} ({} told by an earlier deployment)", count(told));
                    Check::new(NAME, Status::Warned, std::iter::once(first).chain(lines(&mut new.into_iter())))
                }
            }
            Err(error) => {
                let causes = error.causes().into_iter().map(|cause| cause.to_string());
                Check::new(NAME, Status::Unchecked, std::iter::once(error.to_string()).chain(causes))
            }
        }
    }
}

fn count(statements: usize) -> String {
    counted(statements as u64, "statement")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: &str = "-- DropIndex\nDROP INDEX \"a\";\n\n-- AlterTable\nALTER TABLE \"T\" DROP COLUMN \"x\",\nADD COLUMN \"y\" INTEGER;\n";

    #[test]
    fn what_was_told_before_is_not_told_again() {
        let all = statements(LEFT);
        assert_eq!(all, ["DROP INDEX \"a\";", "ALTER TABLE \"T\" DROP COLUMN \"x\",\nADD COLUMN \"y\" INTEGER;"]);
        let first = Drift::Warn.check(Ok(LEFT.into()), &[]);
        assert_eq!((first.status, first.told_before, first.notes.len()), (Status::Warned, false, 4));
        let again = Drift::Warn.check(Ok(LEFT.into()), &all);
        assert_eq!((again.status, again.told_before, again.notes.len()), (Status::Warned, true, 4));
        let new = Drift::Warn.check(Ok(LEFT.into()), &all[..1]);
        assert!(!new.told_before && !new.notes.concat().contains("DROP INDEX"), "{new:?}");
        assert!(new.notes[0].contains("1 statement told"), "{new:?}");
        assert_eq!(Drift::Fail.check(Ok(LEFT.into()), &all).status, Status::Failed);
        assert_eq!(Drift::Warn.check(Ok("\n".into()), &all).status, Status::Passed);
    }
}
