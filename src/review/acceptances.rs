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

/// What lines of a file accept that is not reviewed itself: that it was edited after it was applied.
pub fn of_standing(sql: &str, default_schema: &str, findings: &mut [Finding]) {
    let (lines, _) = read(&Script::parse(sql));
    for finding in findings.iter_mut() {
        let line = lines.iter().find(|line| line.acceptance.covers(finding.rule, &finding.object, default_schema));
        finding.accepted = line.map(|line| line.acceptance.clone());
    }
}

/// Marks what the lines accept; lines that match no finding become findings.
pub fn apply(lines: &[Line], default_schema: &str, findings: &mut Vec<Finding>) {
    for line in lines {
        let wanted = &line.acceptance;
        if wanted.rule == rules::REHEARSED_LOSS.id {
            findings.push(rehearsed(line));
            continue;
        }
        let mut used = false;
        if let Some(refused) = findings
            .iter()
            .find(|finding| finding.refused && wanted.covers(finding.rule, &finding.object, default_schema))
        {
            let why = format!("`{}({})` cannot be sent, or PostgreSQL refuses it", refused.rule, refused.object);
            findings.push(unaccepting(&format!("{}({})", wanted.rule, wanted.object), line.range.clone(), &why));
            continue;
        }
        let matching =
            findings.iter_mut().filter(|finding| wanted.covers(finding.rule, &finding.object, default_schema));
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

/// The review cannot know what such a line accepts; that it does is said, and asked about on production.
fn rehearsed(line: &Line) -> Finding {
    let object = &line.acceptance.object;
    let message = format!("accepts the loss of `{object}`, which only the rehearsal can measure");
    let finding = Finding::new(&rules::REHEARSED_LOSS, object, line.range.clone(), message)
        .help("the rehearsal says what of it is lost, and whether the line is needed at all");
    Finding { accepted: Some(line.acceptance.clone()), ..finding }
}

/// What follows `prisma-safe:allow`, in a comment that begins with it; tolerant, so that a slip is reported and not passed over.
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

/// ` RULE(OBJECT): REASON`
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
    let object = object.trim().to_owned();
    let reason = reason.trim();
    let Some(known) = rules::find(rule) else {
        let near = rules::near(rule);
        return Err(match near.first() {
            Some(near) => format!("unknown rule `{rule}`; did you mean `{near}`?"),
            None => format!("unknown rule `{rule}`"),
        });
    };
    if !known.acceptable {
        return Err(format!("`{rule}` cannot be accepted"));
    }
    if object.is_empty() {
        return Err(FORM.into());
    }
    // letters that show nothing are no reason
    let says = |c: char| c.is_alphanumeric() && !matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    if !reason.chars().any(says) {
        return Err("the reason is missing".into());
    }
    Ok((rule.to_owned(), object, reason.to_owned()))
}

fn malformed(comment: &Comment, why: &str) -> Finding {
    unaccepting(comment.text.trim(), comment.range.clone(), why)
}

fn unaccepting(object: &str, range: std::ops::Range<usize>, why: &str) -> Finding {
    Finding::new(&acceptance::MALFORMED, object, range, format!("this line accepts nothing: {why}"))
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
        let quoted =
            vec![("drop-column".to_owned(), "\"Song\".\"artist\"".to_owned(), "unused since 2.3".to_owned(), 2)];
        assert_eq!(lines("\n--prisma-safe:allow drop-column(\"Song\".\"artist\"):   unused since 2.3  \r\n"), quoted);
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
            "-- prisma-safe:allow drop-column(Song.artist): \u{3164}\u{200b}",
            "-- prisma-safe:allow drop-column: no object",
            "-- prisma-safe:allow drop-column(): no object",
            "-- prisma-safe:allow drop-colum(Song.artist): a typo",
            "-- prisma-safe:allow malformed-acceptance(x): never",
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

    /// PostgreSQL drops the table in each of these; no spelling of strings and comments hides it, and no line accepts it.
    #[test]
    fn nothing_hides_a_drop() {
        let table = "CREATE TABLE \"Song\" (\"id\" INT, \"artist\" TEXT);\n-- migration\n";
        let texts = [
            "-- a line ends here\rDROP TABLE \"Song\";",
            "SELECT 1 AS a$$; DROP TABLE \"Song\"; SELECT 1 AS b$$;",
            "SELECT 1 AS a$x$; DROP TABLE \"Song\"; SELECT 1 AS b$x$;",
            "/* /* */ */ DROP TABLE \"Song\"; /* */",
            "SELECT '\\'; DROP TABLE \"Song\"; --';",
            "SELECT E'\\''; DROP TABLE \"Song\"; --';",
            "SELECT e'\\\\'; DROP TABLE \"Song\"; --';",
            "SELECT 1 AS aE'\\'; DROP TABLE \"Song\"; --';",
            "SELECT $a$ $b$ $a$; DROP TABLE \"Song\"; --$b$",
            "SELECT 1 AS \"a'b\"; DROP TABLE \"Song\"; --'",
            "SET standard_conforming_strings = off; SELECT '\\' '; DROP TABLE \"Song\"; -- ';",
            "SELECT set_config('standard_conforming_strings', 'off', true); SELECT '\\' '; DROP TABLE \"Song\"; -- ';",
            "\u{feff}DROP TABLE \"Song\";",
            "EXPLAIN ANALYZE DELETE FROM \"Song\";",
            "PREPARE p AS DELETE FROM \"Song\"; EXECUTE p;",
            "COPY (DELETE FROM \"Song\" RETURNING 1) TO STDOUT;",
            "-- prisma-safe:allow *(*): all\nDROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(*): all\nDROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(song): another case\nDROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(S\u{43e}ng): looks alike\nDROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(Song): \nDROP TABLE \"Song\";",
            "SELECT '\n-- prisma-safe:allow drop-table(Song): in a string\n'; DROP TABLE \"Song\";",
            "DO $$\n-- prisma-safe:allow drop-table(Song): in code\nBEGIN END $$; DROP TABLE \"Song\";",
            "/*\n-- prisma-safe:allow drop-table(Song): in a comment\n*/ DROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(other.Song): another schema\nDROP TABLE \"Song\";",
            "-- prisma-safe:allow drop-table(Song): twice is once\nDROP TABLE \"Song\"; DROP TABLE other.\"Song\";",
        ];
        let blocked =
            |sql: &&str| rules::tests::review_text(&format!("{table}{sql}")).verdict == crate::review::Verdict::Fail;
        let passed: Vec<&str> = texts.into_iter().filter(|sql| !blocked(sql)).collect();
        assert_eq!(passed, Vec::<&str>::new());
    }

    /// The lines that do accept, in each way a file may be written.
    #[test]
    fn a_line_accepts_in_every_file() {
        for sql in [
            "-- prisma-safe:allow drop-table(Song): unused\r\nDROP TABLE \"Song\";\r\n",
            "DROP TABLE \"Song\" -- prisma-safe:allow drop-table(\"Song\"): unused\n;",
            "-- prisma-safe:allow drop-table(public.Song): unused\nDROP TABLE \"Song\";",
        ] {
            let review =
                rules::tests::review_text(&format!("CREATE TABLE \"Song\" (\"id\" INT);\n-- migration\n{sql}"));
            assert_eq!(review.verdict, crate::review::Verdict::Warn, "{sql}");
        }
    }
}
