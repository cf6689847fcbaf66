//! Our section of a file, between two marks.

const BEGIN: &str = "<!-- prisma-safe:begin (written by `prisma-safe agent install`) -->";
const BEGINS: &str = "<!-- prisma-safe:begin";
const END: &str = "<!-- prisma-safe:end -->";
const RULES: &str = include_str!("../../templates/agents/rules.md");

/// The text with our section in it: in its place where it has one, else at the end.
pub(super) fn with(text: &str) -> String {
    let own = format!("{BEGIN}\n{RULES}{END}");
    let place = text.find(BEGINS).and_then(|start| Some((start, start + text[start..].find(END)? + END.len())));
    match place {
        Some((start, end)) => format!("{}{own}{}", &text[..start], &text[end..]),
        None if text.is_empty() => format!("{own}\n"),
        None => format!("{}\n\n{own}\n", text.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_text_stays_and_a_second_time_changes_nothing() {
        let once = with("# Rules\n\nBe kind.\n");
        assert!(once.starts_with("# Rules\n\nBe kind.\n\n<!-- prisma-safe:begin"), "{once}");
        assert_eq!(with(&once), once);
        let older = once.replace(RULES, "old\n").replace(BEGIN, "<!-- prisma-safe:begin -->") + "\nMore.\n";
        let renewed = with(&older);
        assert!(renewed.contains(RULES) && renewed.ends_with("\n\nMore.\n") && !renewed.contains("old\n"), "{renewed}");
        assert_eq!(with(&with("")), with(""));
    }
}
