//! Workflow commands: GitHub shows each finding at its line of the pull request.

use super::{Look, meaning, path, place, summary};
use crate::review::{Review, Reviewed};
use crate::rules::{Finding, Severity};

pub(super) fn render(review: &Review, look: Look<'_>) -> String {
    let mut lines = Vec::new();
    for migration in &review.migrations {
        lines.extend(migration.findings.iter().map(|finding| command(finding, migration, look)));
    }
    lines.extend(review.together.iter().map(|remark| format!("::notice title=together::{}", data(&remark.message))));
    let undo =
        review.migrations.iter().filter_map(|it| Some(format!("undo: {}: {}", it.name, it.undo.as_ref()?.said())));
    lines.extend(undo.map(|line| data(&line)));
    lines.push(data(&format!("prisma-safe: {}; {}", summary(review), meaning(review.verdict))));
    lines.join("\n") + "\n"
}

fn command(finding: &Finding, migration: &Reviewed, look: Look<'_>) -> String {
    let command = match (finding.severity, &finding.accepted) {
        (_, Some(_)) | (Severity::Info, None) => "notice",
        (Severity::Error, None) => "error",
        (Severity::Warning, None) => "warning",
    };
    let place = place(&migration.sql, finding);
    let facts = finding.evidence.iter().map(|evidence| format!("{}: {}", evidence.kind, evidence.text));
    let last = match &finding.accepted {
        Some(accepted) => format!("accepted: {}", accepted.reason),
        None => finding.help.clone(),
    };
    let text = [finding.message.clone()].into_iter().chain(facts).chain([last]).collect::<Vec<_>>().join("\n");
    // a column is only understood within one line
    let columns = if place.line == place.end_line {
        format!(",col={},endColumn={}", place.column, place.end_column)
    } else {
        String::new()
    };
    format!(
        "::{command} file={},line={},endLine={}{columns},title={}::{}",
        property(&path(migration, look.root)),
        place.line,
        place.end_line,
        property(&format!("{} ({})", finding.rule, finding.object)),
        data(&text),
    )
}

/// The text of a command, on one line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command() {
        assert_eq!(property("a,b:c%\n::error::x"), "a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3Ax");
        assert_eq!(data("50 %\r\nx"), "50 %25%0D%0Ax");
    }
}
