//! git, as far as a file's committed text goes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

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
        std::fs::write(&file, "new").unwrap();
        assert_eq!(committed(&file).as_deref(), Some("old"));
        assert_eq!(committed(&directory.path().join("gone/x")), None);
        assert_eq!(at("HEAD", &file).as_deref(), Some("old"));
        assert_eq!(at("HEAD~1", &file), None);
        assert_eq!(at("--output=x", &file), None);
        assert_eq!(files_at("HEAD", directory.path()), [file]);
    }
}
