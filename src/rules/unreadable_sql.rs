//! SQL that PostgreSQL's grammar refuses, or that could not be read: nothing in it can be called safe.

use super::{Check, Finding, Rule, Severity, Subject};
use crate::sql::tokens::tokens;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "unreadable-sql",
    severity: Severity::Error,
    optional: false,
    acceptable: true,
    destroys: true,
    page: include_str!("unreadable_sql.md"),
    check: Check::Migration(check),
};

fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    if let Some(found) = subject.script.unsendable() {
        let finding = Finding::new(&RULE, subject.migration, found.range, format!("cannot be sent: {}", found.what));
        // a deploy refuses it whatever a line says
        return findings.push(finding.refused().help(found.help));
    }
    findings.extend(other_strings(subject));
    // what follows the first error is mostly its echo
    let Some(error) = subject.script.errors().first() else { return };
    let more = subject.script.errors().len() - 1;
    let finding = Finding::new(
        &RULE,
        subject.migration,
        error.range.clone(),
        format!("could not be read: {}", plain(error.message.trim_end_matches('.'))),
    )
    .help("correct the statement; if PostgreSQL takes it as it is, please report it, and split it into another file");
    findings.push(if more > 0 { finding.replayed(format!("{more} more such places follow")) } else { finding });
}

/// From this setting on PostgreSQL reads strings by other rules than we do: what stands in one may be a statement.
fn other_strings(subject: &Subject<'_>) -> Option<Finding> {
    const SETTING: &str = "standard_conforming_strings";
    let names = |range: &std::ops::Range<usize>| {
        let text = subject.script.text().get(range.clone()).unwrap_or_default();
        tokens(text).iter().any(|token| token.is(SETTING) || token.text.to_ascii_lowercase().contains(SETTING))
    };
    let statement = subject.script.statements().iter().find(|statement| names(&statement.range))?;
    Some(
        Finding::new(
            &RULE,
            subject.migration,
            statement.range.clone(),
            format!("could not be read: `{SETTING}` changes what a string is"),
        )
        .help("remove the setting; write a string with backslashes as E'…'"),
    )
}

/// The parser's message with tokens as they are written: `ALTER_KW` is `ALTER`, `R_PAREN` is `)`.
fn plain(message: &str) -> String {
    let word = |word: &str| match word.trim_end_matches(',') {
        "L_PAREN" => "`(`".to_owned(),
        "R_PAREN" => "`)`".to_owned(),
        "COMMA" => "`,`".to_owned(),
        "SEMICOLON" => "`;`".to_owned(),
        "IDENT" => "a name".to_owned(),
        "STRING" => "a string".to_owned(),
        "EOF" => "the end".to_owned(),
        other => match other.strip_suffix("_KW") {
            Some(keyword) => format!("`{keyword}`"),
            None => word.to_owned(),
        },
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
