//! What the doctor has found, group by group, for people and programs.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use crate::deploy::verify::{Check, Status};
use crate::ui::{Mark, Shell};

/// Checks that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `project`, `database`, `backups`, `ways`.
    pub name: &'static str,
    pub checks: Vec<Check>,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub groups: Vec<Group>,
}

impl Report {
    /// No check failed.
    pub fn is_sound(&self) -> bool {
        self.count(Status::Failed) == 0
    }

    fn count(&self, status: Status) -> usize {
        self.groups.iter().flat_map(|group| &group.checks).filter(|check| check.status == status).count()
    }

    /// The document that `schemas/doctor.schema.json` describes.
    pub fn document(&self) -> Value {
        json!({ "schemaVersion": 1, "sound": self.is_sound(), "groups": self.groups })
    }

    /// For people: a line a check, below it what more there is to say, and how to fix it.
    pub fn text(&self, shell: &Shell) -> String {
        let mut text = String::new();
        // writing to a String does not fail
        for group in &self.groups {
            let _ = writeln!(text, "{}", shell.paint(title(group.name), &console::Style::new().bold()));
            for check in &group.checks {
                check.write(&mut text, &shell.mark(Mark::from(check.status)));
            }
        }
        let (failed, warned) = (self.count(Status::Failed), self.count(Status::Warned));
        let unchecked = self.count(Status::Unchecked);
        let _ = writeln!(text, "{failed} failed, {warned} to look at, {unchecked} not checked");
        text
    }
}

fn title(group: &str) -> &str {
    match group {
        "project" => "Project",
        "database" => "Database",
        "backups" => "Backups and rehearsals",
        _ => "Ways past prisma-safe",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::shell::ColorChoice;

    fn text(locale: &str) -> String {
        let shell =
            Shell::new(false, 0, ColorChoice::Never, true, &|name| (name == "LC_ALL").then(|| locale.to_owned()));
        let check = |name: &str, status| Check::new(name, status, [format!("it is {status:?}")]);
        let checks = vec![
            check("a", Status::Passed),
            check("b", Status::Warned),
            Check::new("c", Status::Failed, ["one\ntwo"]).with_cure(Some("do this\nor that")),
            check("d", Status::Unchecked),
        ];
        Report { groups: vec![Group { name: "project", checks }] }.text(&shell)
    }

    #[test]
    fn each_check_has_a_mark_and_what_mends_it() {
        assert_eq!(
            text("en_GB.UTF-8"),
            "Project\n  ✓ a: it is Passed\n  ! b: it is Warned\n  ✗ c: one\n      two\n      help: do this\n            or that\n  ? d: it is Unchecked\n\
             1 failed, 1 to look at, 1 not checked\n"
        );
        assert!(text("C").contains("  + a: it is Passed") && text("C").contains("  x c: one") && text("C").is_ascii());
    }
}
