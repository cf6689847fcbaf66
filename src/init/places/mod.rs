//! What else runs Prisma on a database: container files, start scripts, host settings, workflows, programs. A call is known by
//! its words, `prisma` before `migrate` or `db`, wherever they stand in a line.

mod files;
#[cfg(test)]
mod tests;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use self::files::Form;
use super::{manifest, script};
use crate::changes::Change;

/// Larger files are not hand-written settings.
const LARGEST: u64 = 256 << 10;

/// A call that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Relative to the repository's root.
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: usize,
    pub(super) text: String,
    /// Whether one word can be replaced without a look at what stands around it.
    pub(super) rewirable: bool,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    /// The files with their calls rewired.
    pub(super) changes: Vec<Change>,
    /// Directories that hold a Prisma schema or configuration.
    pub(super) packages: Vec<PathBuf>,
    /// Not everything was looked at.
    pub(super) cut: bool,
}

/// `"prisma", "migrate"`: a command as a list of words.
static LISTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"["'](?:[^"'\s]*/)?(prisma7?)["']\s*,\s*["'](?:migrate|db)["']"#).ok());

/// `npx prisma migrate …` in the strings of a program.
static SPOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s'\x22`/=])(prisma7?)(?:@[\w.^~-]+)?\s+(?:--\S+\s+)*(?:migrate|db)\s+[a-z]").ok()
});

/// `execFile(prismaBin, ["migrate", …`: the program stands in a variable that is called after it.
static HELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(\w*prisma\w*)\s*,\s*\[\s*["'](?:migrate|db)["']"#).ok());

/// Looks through the repository; `own` is the package.json that is rewired anyway.
pub(super) fn find(top: &Path, own: &Path) -> Found {
    let mut found = Found::default();
    let files = files::below(top);
    found.cut = files.len() >= files::MOST;
    for path in files {
        let relative = path.strip_prefix(top).unwrap_or(&path).to_owned();
        if let Some(package) = files::package_of(top, &relative) {
            if !found.packages.contains(&package) {
                found.packages.push(package);
            }
            continue;
        }
        let Some(form) = Form::of(&relative).filter(|_| path != own) else { continue };
        let small = fs::metadata(&path).is_ok_and(|file| file.len() <= LARGEST);
        let Some(text) = small.then(|| fs::read_to_string(&path).ok()).flatten() else { continue };
        look(&relative, form, &text, &mut found);
    }
    found
}

fn look(file: &Path, form: Form, text: &str, found: &mut Found) {
    if form == Form::Manifest {
        let Ok(rewired) = manifest::rewired_scripts(text) else { return };
        let before = found.places.len();
        let changed = text.lines().zip(rewired.lines()).enumerate().filter(|(_, (old, new))| old != new);
        found.places.extend(changed.map(|(at, (old, _))| place(file, at, old, true)));
        if found.places.len() > before {
            found.changes.extend(Change::of(&file.display().to_string(), Some(text.to_owned()), rewired));
        }
        return;
    }
    let mut after = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (calls, pinned) = calls(line, form);
        let mut line = line.to_owned();
        if !calls.is_empty() || pinned {
            found.places.push(place(file, at, &line, form == Form::Commands && !calls.is_empty()));
        }
        if form == Form::Commands {
            for call in calls.into_iter().rev() {
                line.replace_range(call, "prisma-safe");
            }
        }
        after.push_str(&line);
    }
    found.changes.extend(Change::of(&file.display().to_string(), Some(text.to_owned()), after));
}

fn place(file: &Path, at: usize, line: &str, rewirable: bool) -> Place {
    Place { file: file.to_owned(), line: at + 1, text: line.trim().to_owned(), rewirable }
}

/// Where a line calls Prisma, and whether it does so by a version of its own.
fn calls(line: &str, form: Form) -> (Vec<Range<usize>>, bool) {
    let trimmed = line.trim_start();
    let comment = ["#", "//", "*", "<!--"].iter().any(|mark| trimmed.starts_with(mark));
    // most lines of a repository end here
    if comment || !line.contains("prisma") {
        return (Vec::new(), false);
    }
    let mut calls: Vec<Range<usize>> = Vec::new();
    let mut pinned = false;
    if form == Form::Commands {
        for call in script::calls(line, false) {
            if call.pinned {
                pinned = true;
            } else {
                calls.push(call.at);
            }
        }
    }
    for pattern in [&LISTED, &SPOKEN, &HELD].into_iter().filter_map(|pattern| pattern.as_ref()) {
        for found in pattern.captures_iter(line).filter_map(|captures| captures.get(1)) {
            let talk =
                ["echo ", "console.", "print(", "printf "].iter().any(|word| line[..found.start()].contains(word));
            match line[found.end()..].starts_with('@') {
                true => pinned = true,
                false if !talk && !calls.iter().any(|call| call.start == found.start()) => calls.push(found.range()),
                false => {}
            }
        }
    }
    calls.sort_by_key(|call| call.start);
    (calls, pinned)
}
