//! git, as far as a file's committed text goes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::error::{Error, Result};

/// The text of a file at `HEAD`. None outside of a repository, for a file that is not committed or no UTF-8, and without
/// git: what was committed is evidence, never a condition.
pub fn committed(file: &Path) -> Option<String> {
    at("HEAD", file)
}

/// [`committed`], at another revision.
pub fn at(revision: &str, file: &Path) -> Option<String> {
    let mut object = OsString::from(revision);
    object.push(":./");
    object.push(file.file_name()?);
    output(file.parent()?, &["show".into(), "--end-of-options".into(), object])
}

/// The last commit that touched a file; none where [`at`] would give none.
pub fn last_commit(file: &Path) -> Option<String> {
    let arguments = ["log", "-1", "--format=%H", "--"].map(OsString::from);
    let mut arguments = Vec::from(arguments);
    arguments.push(file.file_name()?.into());
    output(file.parent()?, &arguments).map(|commit| commit.trim().to_owned()).filter(|commit| !commit.is_empty())
}

/// A revision that holds this migration of a folder, which may be gone from the disk: `HEAD`, or the commit before the one that
/// took it away.
pub fn holding(folder: &Path, migration: &str) -> Option<String> {
    let here = folder.ancestors().find(|path| path.is_dir())?;
    let mut path = folder.strip_prefix(here).ok()?.join(migration);
    path.push("migration.sql");
    let object = |revision: &str| {
        let mut object = OsString::from(format!("{revision}:./"));
        object.push(&path);
        object
    };
    let holds = |revision: &str| output(here, &["cat-file".into(), "-e".into(), object(revision)]).is_some();
    if holds("HEAD") {
        return Some("HEAD".to_owned());
    }
    let arguments = ["log", "-1", "--diff-filter=DR", "--no-renames", "--format=%h", "--"].map(OsString::from);
    let mut arguments = Vec::from(arguments);
    arguments.push(path.clone().into());
    let gone = output(here, &arguments).map(|commit| commit.trim().to_owned()).filter(|commit| !commit.is_empty())?;
    let before = format!("{gone}~1");
    holds(&before).then_some(before)
}

/// The files that a revision held below a folder; none where [`at`] would give none.
pub fn files_at(revision: &str, folder: &Path) -> Vec<PathBuf> {
    let arguments = ["ls-tree", "-r", "-z", "--name-only", "--end-of-options", revision, "."].map(OsString::from);
    let listed = output(folder, &arguments).unwrap_or_default();
    listed.split('\0').filter(|name| !name.is_empty()).map(|name| folder.join(name)).collect()
}

fn output(directory: &Path, arguments: &[OsString]) -> Option<String> {
    let output = super::command("git")
        .current_dir(if directory.as_os_str().is_empty() { Path::new(".") } else { directory })
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}

/// The files below a directory that are new or other than at `revision`, committed or not. What the revision's branch has
/// gained since does not count.
///
/// # Errors
/// Exit status 2 if git does not know the revision, or this is not a repository.
pub fn changed_since(revision: &str, directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    // a word that begins with a dash would be an option
    let commit = format!("{revision}^{{commit}}");
    let known = ask(directory, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])
        .map_err(|error| Error::usage(format!("git knows no revision `{revision}` here")).because(error))?;
    let known = known.first().map_or("", String::as_str);
    // histories without a common commit are compared as they are
    let base = ask(directory, &["merge-base", known, "HEAD"]).ok().and_then(|base| base.into_iter().next());
    let base = base.as_deref().unwrap_or(known);
    let failed = |error| Error::failed("git does not tell what has changed").because(error);
    let mut files = ask(directory, &["diff", "--name-only", "-z", "--relative", "--no-renames", base, "--", "."])
        .map_err(failed)?;
    files.extend(ask(directory, &["ls-files", "--others", "--exclude-standard", "-z", "--", "."]).map_err(failed)?);
    Ok(files.into_iter().map(|file| directory.join(file)).collect())
}

/// What git answers, in lines or parts that end in NUL.
fn ask(directory: &Path, args: &[&str]) -> std::result::Result<Vec<String>, String> {
    let output = super::command("git").current_dir(directory).args(args).stdin(Stdio::null()).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split(['\0', '\n']).filter(|part| !part.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(directory: &Path, args: &[&str]) {
        let status = super::super::command("git")
            .current_dir(directory)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
            .args(args)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }

    #[test]
    fn the_committed_text_is_not_the_one_on_disk() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my schema.prisma");
        std::fs::write(&file, "old").unwrap();
        assert_eq!(committed(&file), None);
        git(directory.path(), &["init", "-q"]);
        assert_eq!(committed(&file), None);
        git(directory.path(), &["add", "."]);
        git(directory.path(), &["commit", "-q", "-m", "x"]);
        assert_eq!(last_commit(&file).map(|commit| commit.len()), Some(40));
        assert_eq!(last_commit(&directory.path().join("none")), None);
        let migration = directory.path().join("migrations/1_a/migration.sql");
        std::fs::create_dir_all(migration.parent().unwrap()).unwrap();
        std::fs::write(&migration, "x").unwrap();
        let folder = directory.path().join("migrations");
        assert_eq!(holding(&folder, "1_a"), None);
        git(directory.path(), &["add", "."]);
        git(directory.path(), &["commit", "-q", "-m", "x"]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(holding(&folder, "1_a").as_deref(), Some("HEAD"));
        git(directory.path(), &["add", "-A"]);
        git(directory.path(), &["commit", "-q", "-m", "x"]);
        assert!(holding(&folder, "1_a").unwrap().ends_with("~1"));
        std::fs::write(&file, "new").unwrap();
        assert_eq!(committed(&file).as_deref(), Some("old"));
        let new = directory.path().join("ä new.sql");
        std::fs::write(&new, "").unwrap();
        let changed = changed_since("HEAD", directory.path()).unwrap();
        assert_eq!(changed, [file.clone(), new]);
        for unknown in ["nowhere", "--help", ""] {
            assert_eq!(changed_since(unknown, directory.path()).unwrap_err().exit().code(), 2, "{unknown}");
        }
        assert_eq!(committed(&directory.path().join("gone/x")), None);
        assert_eq!(at("HEAD", &file).as_deref(), Some("old"));
        assert_eq!(at("HEAD~9", &file), None);
        assert_eq!(at("--output=x", &file), None);
        assert_eq!(files_at("HEAD", directory.path()), [file]);
    }
}
