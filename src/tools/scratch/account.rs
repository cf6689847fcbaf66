//! The account that a scratch server runs as: PostgreSQL refuses root.

use std::fs;
use std::path::Path;

use crate::error::{Error, Explain as _, Result};
use crate::system::{files, user};

/// As root the ids of `nobody`; else nothing has to change.
pub(super) fn unprivileged() -> Result<Option<(u32, u32)>> {
    if !user::is_root() {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").explain(|| "could not read /etc/passwd".into())?;
    nobody(&accounts).map(Some).ok_or_else(|| {
        Error::failed("PostgreSQL does not run as root, and there is no user `nobody`").help("run this as another user")
    })
}

/// Whether this user has no name here, as containers run programs: `initdb` asks for one. Names that come from a directory service
/// are in no file, so this is a suspicion.
pub(super) fn is_nameless() -> bool {
    let Some(own) = user::id().map(|id| id.to_string()) else { return false };
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    !accounts.lines().any(|line| line.split(':').nth(2) == Some(own.as_str()))
}

/// What lets a program of a user without a name have that of `nobody`, in a namespace of its own, where the system allows that.
pub(super) fn named() -> Option<[String; 3]> {
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let (user, group) = nobody(&accounts)?;
    Some(["--user".into(), format!("--map-user={user}"), format!("--map-group={group}")])
}

/// The ids of `nobody` in the text of /etc/passwd.
fn nobody(accounts: &str) -> Option<(u32, u32)> {
    let line = accounts.lines().find(|line| line.starts_with("nobody:"))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// Whether that account can enter the directory.
pub(super) fn enterable(path: &Path) -> bool {
    !user::is_root() || path.ancestors().all(|path| path.metadata().is_ok_and(|found| files::mode(&found) & 0o001 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_found_by_name() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";
        assert_eq!(nobody(accounts), Some((65534, 65533)));
        assert_eq!(nobody("root:x:0:0::/:/bin/sh\n"), None);
    }
}
