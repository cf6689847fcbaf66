//! Accepting lines that do not accept anything.

use super::{Check, Rule, Severity};

/// A line that matches no finding.
pub const UNUSED: Rule = Rule {
    id: "unused-acceptance",
    severity: Severity::Warning,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("unused_acceptance.md"),
    check: Check::Review,
};

/// A line that cannot be read, names no rule, or names one that cannot be accepted.
pub const MALFORMED: Rule = Rule {
    id: "malformed-acceptance",
    severity: Severity::Error,
    optional: false,
    acceptable: false,
    destroys: false,
    page: include_str!("malformed_acceptance.md"),
    check: Check::Review,
};

/// `-- prisma-safe:allow RULE(OBJECT): REASON`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The rule's id.
    pub rule: String,
    /// The object.
    pub object: String,
    /// Why it is fine. Never empty.
    pub reason: String,
    /// The line in the file, from 1.
    pub line: usize,
}

impl Acceptance {
    /// Whether the line accepts this: the object as a finding names it, or as SQL writes it, in quotes and with the default
    /// schema.
    pub fn covers(&self, rule: &str, object: &str, default_schema: &str) -> bool {
        let unquoted = unquoted(&self.object);
        let short = unquoted.strip_prefix(default_schema).and_then(|rest| rest.strip_prefix('.'));
        self.rule == rule && (self.object == object || unquoted == object || short == Some(object))
    }
}

/// `"Song"."artist"` without the quotes of its parts; doubled quotes inside are one.
fn unquoted(name: &str) -> String {
    let mut text = String::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let closed = rest.strip_prefix('"').and_then(|inner| {
            let end = inner.replace("\"\"", "\0\0").find('"')?;
            Some((inner[..end].replace("\"\"", "\""), &inner[end + 1..]))
        });
        match closed {
            Some((part, after)) if after.is_empty() || after.starts_with('.') => {
                text.push_str(&part);
                rest = after;
            }
            _ => {
                text.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(written: &str, object: &str) -> bool {
        let line = Acceptance { rule: "r".into(), object: written.into(), reason: "x".into(), line: 1 };
        line.covers("r", object, "public") && !line.covers("other", object, "public")
    }

    #[test]
    fn a_line_is_bound_to_its_object() {
        for written in [
            "Song.artist",
            "\"Song\".\"artist\"",
            "Song.\"artist\"",
            "public.Song.artist",
            "\"public\".\"Song\".\"artist\"",
        ] {
            assert!(covers(written, "Song.artist"), "{written}");
        }
        for written in [
            "song.artist",
            "Song",
            "Song.*",
            "*",
            "Song.artist ",
            "S\u{43e}ng.artist",
            "other.Song.artist",
            "Song.artist, Song.title",
            "",
        ] {
            assert!(!covers(written, "Song.artist"), "{written}");
        }
        assert!(covers("\"a\"\"b\"", "a\"b") && covers("a\"b", "a\"b"));
    }
}
