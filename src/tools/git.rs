//! git, as far as a file's committed text goes.

use std::path::Path;
use std::process::Stdio;

/// The text of a file at `HEAD`. None outside of a repository, for a file that is not committed or no UTF-8, and without
/// git: what was committed is evidence, never a condition.
pub fn committed(file: &Path) -> Option<String> {
    let name = file.file_name()?;
    let mut object = std::ffi::OsString::from("HEAD:./");
    object.push(name);
    let output = super::command("git")
        .current_dir(file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
        .arg("show")
        .arg(object)
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
    }
}
