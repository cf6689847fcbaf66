//! The real engine: what Prisma would have started had we not taken its seat.
//!
//! Read in `prisma/build` and `@prisma/engines` of 5.22, 6.19 and 7.10: before `migrate`, `db`, `version` and others Prisma
//! downloads what is missing into `@prisma/engines` as `schema-engine-<target>` (`ensureNeededBinariesExist`), unless
//! `PRISMA_SCHEMA_ENGINE_BINARY` names a file; so with us in the seat it never does. `prisma version --json` without that
//! variable does it, and prints where the engine is: `"schema-engine": "schema-engine-cli <commit> (at <path>)"`, the
//! path relative to its directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::door::{REAL, names_door};
use crate::context::Context;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::project::Project;
use crate::tools;
use crate::ui::Shell;

/// The variable by which Prisma is given another engine, and its name before Prisma 5, which still works.
pub(super) const VARIABLES: [&str; 2] = ["PRISMA_SCHEMA_ENGINE_BINARY", "PRISMA_MIGRATION_ENGINE_BINARY"];

/// The real engine of a project; looked for when it is first needed.
pub(super) struct Binary {
    project: Project,
    env: Env,
    shell: Shell,
    found: Option<PathBuf>,
}

impl Binary {
    pub(super) fn new(project: &Project, context: &Context) -> Self {
        Self { project: project.clone(), env: context.env.clone(), shell: context.shell.clone(), found: None }
    }

    /// The person's environment, without what we set for Prisma.
    pub(super) fn env(&self) -> &Env {
        &self.env
    }

    /// Where it is: the person's choice first, then what lies on disk, then what Prisma fetches.
    ///
    /// # Errors
    /// Exit status 2 if the variable names no file; 1 if the engine is missing and Prisma could not get one.
    pub(super) fn path(&mut self) -> Result<PathBuf> {
        if let Some(found) = &self.found {
            return Ok(found.clone());
        }
        let found = match self.chosen()? {
            Some(path) => path,
            None => self.default()?,
        };
        self.shell.debug(format_args!("Prisma's schema engine is {}", found.display()));
        Ok(self.found.insert(found).clone())
    }

    /// The engine that the person's environment names.
    ///
    /// # Errors
    /// Exit status 2 if it does not exist.
    pub(super) fn chosen(&self) -> Result<Option<PathBuf>> {
        // the door leads to us: the real engine has a variable of its own then
        let names = [REAL, VARIABLES[0], VARIABLES[1]];
        let set = names
            .iter()
            .find_map(|name| Some((*name, self.env.get(name)?.to_owned())).filter(|(_, value)| !names_door(value)));
        let Some((name, value)) = set.or_else(|| self.written()) else { return Ok(None) };
        let path = self.project.directory().join(value);
        if path.exists() {
            return Ok(Some(path));
        }
        Err(Error::usage(format!("{name} names {}, which does not exist", path.display()))
            .help(format!("correct {name}, or unset it to use Prisma's own engine")))
    }

    /// The engine that `.env` names, which Prisma reads where the environment itself says nothing. It never sees this line: the
    /// seat stands in its environment already.
    fn written(&self) -> Option<(&'static str, String)> {
        [".env", "prisma/.env"].iter().find_map(|file| {
            let lines = dotenvy::from_path_iter(self.project.directory().join(file)).ok()?;
            // a line that is broken is Prisma's to complain about
            let values = lines.filter_map(std::result::Result::ok);
            let mut values = values.filter(|(_, value)| !value.is_empty() && !names_door(value));
            let names = [REAL, VARIABLES[0], VARIABLES[1]];
            values.find_map(|(key, value)| Some((*names.iter().find(|name| **name == key)?, value)))
        })
    }

    fn default(&self) -> Result<PathBuf> {
        let found = self
            .project
            .engine_directories()
            .iter()
            .map(|directory| fitting(directory))
            .find(|found| !found.is_empty());
        match found.as_deref() {
            Some([found]) => return Ok(found.clone()),
            // several fit: only Prisma knows which it takes
            Some(_) => {}
            None => self.shell.status("Fetching", "Prisma's schema engine, by Prisma itself"),
        }
        ask(&self.project)
    }
}

/// The engines of a directory that are made for this machine.
fn fitting(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let musl = Path::new("/etc/alpine-release").exists();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            let target = name.strip_prefix("schema-engine-");
            target.is_some_and(|target| fits(target, std::env::consts::OS, std::env::consts::ARCH, musl))
                && path.is_file()
        })
        .collect()
}

/// Whether an engine for this target of Prisma's runs here. Downloads under way (`.tmp123`, `.gz`) fit nowhere.
fn fits(target: &str, os: &str, arch: &str, musl: bool) -> bool {
    let arm = target.contains("arm");
    let known = |prefix: &str| {
        target.strip_prefix(prefix).is_some_and(|openssl| {
            openssl.is_empty() || ["-openssl-1.0.x", "-openssl-1.1.x", "-openssl-3.0.x"].contains(&openssl)
        })
    };
    match (os, arch) {
        ("macos", "aarch64") => target == "darwin-arm64",
        ("macos", _) => target == "darwin",
        ("linux", "aarch64") if musl => known("linux-musl-arm64"),
        ("linux", "aarch64") => known("linux-arm64"),
        ("linux", _) if musl => known("linux-musl"),
        ("linux", _) => !arm && (known("debian") || known("rhel") || known("linux-nixos")),
        _ => false,
    }
}

/// Lets Prisma download its engine if it must, and say where it is.
fn ask(project: &Project) -> Result<PathBuf> {
    // empty, not absent: Prisma would read the door from .env again, which would ask here again
    let unset = VARIABLES.map(|name| (name, Some(OsStr::new(""))));
    let output = tools::prisma::run(project, &["version".into(), "--json".into()], &unset)?;
    let place = place(&String::from_utf8_lossy(&output.stdout)).map(|path| project.directory().join(path));
    match place {
        Some(path) if path.exists() => Ok(path),
        _ => Err(Error::failed("Prisma's schema engine is not there, and Prisma could not get it")
            .because(tools::prisma::words(&output.stdout, &output.stderr))
            .help(
                "Prisma downloads its engine once: let this machine reach Prisma's host, or set PRISMA_ENGINES_MIRROR \
                 to a mirror, or PRISMA_SCHEMA_ENGINE_BINARY to an engine on disk",
            )),
    }
}

/// The engine's path in the output of `prisma version --json`; other lines may stand before the JSON.
fn place(stdout: &str) -> Option<PathBuf> {
    let json = &stdout[stdout.find("{\n").or_else(|| stdout.find('{'))?..];
    let value = serde_json::Deserializer::from_str(json).into_iter::<Value>().next()?.ok()?;
    let (_, place) = value["schema-engine"].as_str()?.split_once("(at ")?;
    let place = place.strip_suffix(')')?;
    Some(place.split_once(", resolved by ").map_or(place, |(path, _)| path).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_engines_for_this_machine_fit() {
        let fitting = |os, arch, musl| -> Vec<&str> {
            [
                "darwin",
                "darwin-arm64",
                "debian-openssl-3.0.x",
                "debian-openssl-3.0.x.tmp42",
                "linux-arm64-openssl-3.0.x",
                "linux-musl",
                "linux-musl-arm64-openssl-3.0.x",
                "linux-musl-openssl-3.0.x",
                "rhel-openssl-1.1.x",
                "windows.exe",
            ]
            .into_iter()
            .filter(|target| fits(target, os, arch, musl))
            .collect()
        };
        assert_eq!(fitting("linux", "x86_64", false), ["debian-openssl-3.0.x", "rhel-openssl-1.1.x"]);
        assert_eq!(fitting("linux", "x86_64", true), ["linux-musl", "linux-musl-openssl-3.0.x"]);
        assert_eq!(fitting("linux", "aarch64", false), ["linux-arm64-openssl-3.0.x"]);
        assert_eq!(fitting("linux", "aarch64", true), ["linux-musl-arm64-openssl-3.0.x"]);
        assert_eq!(fitting("macos", "aarch64", false), ["darwin-arm64"]);
        assert_eq!(fitting("macos", "x86_64", false), ["darwin"]);
    }

    #[test]
    fn prisma_s_report_names_the_place() {
        let report = "Loaded Prisma config.\n{\n  \"prisma\": \"7.10.1\",\n  \"schema-engine\": \"schema-engine-cli 59be4f (at ../a (b)/schema-engine-x)\"\n}\n";
        assert_eq!(place(report), Some("../a (b)/schema-engine-x".into()));
        let chosen = r#"{"schema-engine":"schema-engine-cli 1 (at x, resolved by PRISMA_SCHEMA_ENGINE_BINARY)"}"#;
        assert_eq!(place(chosen), Some("x".into()));
        assert_eq!(place("Error: no"), None);
    }
}
