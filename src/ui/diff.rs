//! A unified diff of two texts, in git's look.

use console::Style;
use similar::{ChangeTag, TextDiff};

use super::Shell;

/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// The diff, with colours where they are on. A new file has no text before.
pub fn unified(shell: &Shell, name: &str, before: Option<&str>, after: &str) -> String {
    let (removed, added) = (Style::new().red(), Style::new().green());
    let (head, place) = (Style::new().bold(), Style::new().cyan());
    let old = before.map_or("/dev/null".to_owned(), |_| format!("a/{name}"));
    let mut text = shell.paint(&format!("--- {old}\n+++ b/{name}"), &head);
    text.push('\n');
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        text.extend([shell.paint(&hunk.header().to_string(), &place).as_str(), "\n"]);
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches(['\r', '\n']);
            let line = match change.tag() {
                ChangeTag::Delete => shell.paint(&format!("-{line}"), &removed),
                ChangeTag::Insert => shell.paint(&format!("+{line}"), &added),
                ChangeTag::Equal => format!(" {line}"),
            };
            text.extend([line.as_str(), "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::shell::ColorChoice;

    #[test]
    fn only_what_differs_and_its_surroundings_are_shown() {
        let shell = Shell::new(false, 0, ColorChoice::Never, true, &|_| None);
        let before: String = (0..20).map(|line| format!("{line}\n")).collect();
        let after = before.replace("\n10\n", "\nten\n");
        assert_eq!(
            unified(&shell, "x", Some(&before), &after),
            "--- a/x\n+++ b/x\n@@ -8,7 +8,7 @@\n 7\n 8\n 9\n-10\n+ten\n 11\n 12\n 13\n"
        );
        assert_eq!(unified(&shell, "x", None, "1\n"), "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+1\n");
    }
}
