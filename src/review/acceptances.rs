//! Accepting lines: `-- prisma-safe:allow RULE(OBJECT): REASON`, a comment of its own in the migration, so that
//! acceptance passes code review together with the SQL it is about.

use crate::rules::{self, Acceptance, Finding, acceptance};
use crate::sql::{Comment, Script};

/// A line as found, with the place it stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub acceptance: Acceptance,
    /// Its bytes.
    pub range: std::ops::Range<usize>,
}

/// Reads every accepting line of a script. Lines that accept nothing as they stand are findings.
pub fn read(script: &Script) -> (Vec<Line>, Vec<Finding>) {
    let mut lines = Vec::new();
    let mut findings = Vec::new();
    for comment in script.comments() {
        let Some(directive) = directive(&comment.text) else { continue };
        match parse(directive) {
            Ok((rule, object, reason)) => {
                let line = script.position(comment.range.start).line;
                let acceptance = Acceptance { rule, object, reason, line };
                lines.push(Line { acceptance, range: comment.range.clone() });
            }
            Err(why) => findings.push(malformed(comment, &why)),
        }
    }
    (lines, findings)
}

/// Marks what the lines accept; lines that match no finding become findings.
pub fn apply(lines: &[Line], findings: &mut Vec<Finding>) {
    for line in lines {
        let wanted = &line.acceptance;
        let mut used = false;
        let matching =
            findings.iter_mut().filter(|finding| finding.rule == wanted.rule && finding.object == wanted.object);
        for finding in matching {
            finding.accepted.get_or_insert_with(|| wanted.clone());
            used = true;
        }
        if !used {
            let name = format!("{}({})", wanted.rule, wanted.object);
            let message = format!("accepts {name}, which the review has not found in this migration");
            let nearby: Vec<&str> = findings
                .iter()
                .filter(|finding| finding.rule == wanted.rule)
                .map(|finding| finding.object.as_str())
                .collect();
            let help = if nearby.is_empty() {
                "remove the line before the migration is applied: it would hide the next finding of that name"
                    .to_owned()
            } else {
                format!("found instead: {}({})", wanted.rule, nearby.join(") · "))
            };
            findings.push(Finding::new(&acceptance::UNUSED, name, line.range.clone(), message).help(help));
        }
    }
}

/// What follows `prisma-safe:allow`, in a comment that begins with it; tolerant, so that a slip is told and not passed over.
fn directive(comment: &str) -> Option<&str> {
    let text = comment.trim_start_matches(['-', '/', '*']).trim_start();
    let rest = strip_word(text, "prisma-safe")?;
    let rest = rest.trim_start_matches([':', ' ', '\t']);
    let rest = strip_word(rest, "allow")?;
    let ends = rest.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '-');
    // a block comment, or another spelling, is a slip: the exact form is checked by the caller through `parse`
    let exact =
        comment.strip_prefix("--").map(str::trim_start).is_some_and(|text| text.starts_with("prisma-safe:allow "));
    ends.then_some(if exact { rest } else { "" })
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// ` RULE(OBJECT): REASON`; quotes around the parts of an object's name may be written.
fn parse(directive: &str) -> Result<(String, String, String), String> {
    const FORM: &str = "the form is `-- prisma-safe:allow RULE(OBJECT): REASON`";
    let (rule, rest) = directive.split_once('(').ok_or(FORM)?;
    let rule = rule.trim();
    let (object, reason) = match rest.rsplit_once("):") {
        // the reason may hold `):` as well: the object ends at the first one
        Some(_) => rest.split_once("):").ok_or(FORM)?,
        None if rest.contains(')') => return Err("the reason is missing: `: REASON` after the parenthesis".into()),
        None => return Err(FORM.into()),
    };
    let object = object.trim().replace('"', "");
    let reason = reason.trim();
    let Some(known) = rules::find(rule) else {
        let near = rules::near(rule);
        return Err(match near.first() {
            Some(near) => format!("there is no rule `{rule}`; `{near}`?"),
            None => format!("there is no rule `{rule}`"),
        });
    };
    if !known.acceptable {
        return Err(format!("`{rule}` cannot be accepted"));
    }
    if object.is_empty() {
        return Err(FORM.into());
    }
    if !reason.chars().any(char::is_alphanumeric) {
        return Err("the reason is missing".into());
    }
    Ok((rule.to_owned(), object, reason.to_owned()))
}

fn malformed(comment: &Comment, why: &str) -> Finding {
    Finding::new(
        &acceptance::MALFORMED,
        comment.text.trim(),
        comment.range.clone(),
        format!("this line accepts nothing: {why}"),
    )
    .help("correct or remove it; `prisma-safe explain RULE` shows a rule's page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(sql: &str) -> Vec<(String, String, String, usize)> {
        let (lines, _) = read(&Script::parse(sql));
        lines.into_iter().map(|it| it.acceptance).map(|it| (it.rule, it.object, it.reason, it.line)).collect()
    }

    fn slips(sql: &str) -> Vec<String> {
        read(&Script::parse(sql)).1.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_line_names_rule_object_and_reason() {
        let expected = vec![("drop-column".to_owned(), "Song.artist".to_owned(), "unused since 2.3".to_owned(), 2)];
        assert_eq!(lines("SELECT 1;\n-- prisma-safe:allow drop-column(Song.artist): unused since 2.3\n"), expected);
        assert_eq!(lines("\n--prisma-safe:allow drop-column(\"Song\".\"artist\"):   unused since 2.3  \r\n"), expected);
        assert_eq!(
            lines("-- prisma-safe:allow drop-table(a): it (b): c"),
            [("drop-table".into(), "a".into(), "it (b): c".into(), 1)]
        );
    }

    #[test]
    fn slips_are_told() {
        for sql in [
            "-- prisma-safe:allow drop-column(Song.artist)",
            "-- prisma-safe:allow drop-column(Song.artist):",
            "-- prisma-safe:allow drop-column(Song.artist): --",
            "-- prisma-safe:allow drop-column: no object",
            "-- prisma-safe:allow drop-column(): no object",
            "-- prisma-safe:allow drop-colum(Song.artist): a typo",
            "-- prisma-safe:allow unreadable-sql(x): never",
            "-- prisma-safe: allow drop-column(Song.artist): a blank",
            "-- Prisma-Safe:Allow drop-column(Song.artist): upper case",
            "/* prisma-safe:allow drop-column(Song.artist): a block */",
            "-- prisma-safe:allow",
        ] {
            assert_eq!((lines(sql).len(), slips(sql).len()), (0, 1), "{sql}");
        }
        for sql in
            ["-- prisma-safe:allowed", "-- about prisma-safe:allow x(y): z", "SELECT '-- prisma-safe:allow x(y): z'"]
        {
            assert_eq!((lines(sql).len(), slips(sql).len()), (0, 0), "{sql}");
        }
    }
}
