//! `.gitignore`: backups hold users' data, and the journal belongs to one machine.

use std::path::Path;

use super::manifest::newline;

const JOURNAL: &str = ".prisma-safe/";

/// The text with every directory in it that must not be committed.
pub(super) fn with(text: Option<&str>, backups: &Path) -> String {
    let mut text = text.unwrap_or_default().to_owned();
    // a directory outside the project is none of this file's business
    let backups = (backups.is_relative() && !backups.starts_with("..")).then(|| format!("{}/", backups.display()));
    let missing: Vec<String> =
        backups.into_iter().chain([JOURNAL.to_owned()]).filter(|directory| !ignores(&text, directory)).collect();
    if missing.is_empty() {
        return text;
    }
    let newline = newline(&text);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(newline);
    }
    if !text.is_empty() {
        text.push_str(newline);
    }
    text.extend(["# prisma-safe: backups hold your users' data, the journal is this machine's", newline]);
    for directory in &missing {
        text.extend([directory, newline]);
    }
    text
}

/// Whether a line names the directory, in one of the ways people write it.
fn ignores(text: &str, directory: &str) -> bool {
    let plain = directory.trim_matches('/');
    text.lines().any(|line| {
        let line = line.trim();
        let line = line.strip_suffix("/**").or_else(|| line.strip_suffix("/*")).unwrap_or(line);
        line.trim_matches('/') == plain
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_what_is_missing_once() {
        let after = with(Some("node_modules"), Path::new("backups"));
        assert!(after.starts_with("node_modules\n\n# "), "{after}");
        assert!(after.ends_with("\nbackups/\n.prisma-safe/\n"), "{after}");
        assert_eq!(with(Some(&after), Path::new("backups")), after);
    }

    #[test]
    fn knows_the_ways_to_write_it() {
        for line in ["backups", "/backups", "backups/", "/backups/", "backups/*", "backups/**"] {
            let text = format!("{line}\n.prisma-safe\n");
            assert_eq!(with(Some(&text), Path::new("backups")), text, "{line}");
        }
        assert!(with(Some("# backups/\nold-backups/\n"), Path::new("backups")).contains("\nbackups/\n"));
    }

    #[test]
    fn keeps_line_endings_and_knows_other_directories() {
        assert!(with(Some("dist\r\n"), Path::new("var/dumps")).ends_with("\r\nvar/dumps/\r\n.prisma-safe/\r\n"));
        assert!(!with(None, Path::new("/var/backups")).contains("backups/\n"));
    }
}
