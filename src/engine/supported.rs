//! Prismas that would do their work without us: nothing would pass through the seat, so nothing could be guarded. They are
//! refused before they start.
//!
//! - Prisma 4 and earlier know the seat's variable by another name; 8 and later have no schema engine.
//! - Configurations of Prisma 6 may do without one (`engine: "js"`, before 6.18 an `adapter`). Prisma 5 and 7 always use it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::binary::VARIABLES;
use crate::error::{Error, Explain as _, Result};
use crate::project::{Project, Version};
use crate::tools;

/// # Errors
/// Exit status 2 if Prisma will do its work without a schema engine.
pub(super) fn check(project: &Project, args: &[OsString]) -> Result<()> {
    let brought;
    let version = match project.version() {
        Some(version) => version,
        None => {
            brought = ask_version(project)?;
            &brought
        }
    };
    match version.major() {
        5 | 7 => return Ok(()),
        6 => {}
        _ => {
            return Err(Error::usage(format!("prisma-safe is for Prisma 5, 6 and 7, and this is Prisma {version}"))
                .help(format!("install Prisma 7: {}", project.package_manager().add_command("prisma@7"))));
        }
    }
    // a TypeScript configuration is slow to load: only one that may say so is asked
    let suspect = configurations(project, args).into_iter().find(|file| {
        std::fs::read_to_string(file).is_ok_and(|text| text.contains("adapter") || text.contains("engine"))
    });
    match suspect {
        Some(file) if drives_itself(project, &file) => Err(no_engine()),
        _ => Ok(()),
    }
}

/// The version that `npx` brings. Our own program stands for the engine, so that none is downloaded for this.
fn ask_version(project: &Project) -> Result<Version> {
    let ourselves = std::env::current_exe().explain(|| "could not find our own program".into())?;
    let env = [(VARIABLES[0], Some(ourselves.as_os_str())), (VARIABLES[1], None)];
    let output = tools::prisma::run(project, &["--version".into()], &env)?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    stdout.lines().find_map(version).ok_or_else(|| {
        Error::failed("npx did not bring a Prisma that tells its version")
            .because(tools::prisma::words(&output.stdout, &output.stderr))
            .help(format!("install Prisma in the project: {}", project.package_manager().add_command("prisma@7")))
    })
}

/// `prisma                  : 6.19.3`, of the table that every version prints.
fn version(line: &str) -> Option<Version> {
    let (name, version) = line.split_once(':')?;
    (name.trim() == "prisma").then(|| Version::parse(version.trim()))?
}

/// The error for a project whose Prisma uses no schema engine.
pub(super) fn no_engine() -> Error {
    Error::usage("Prisma works here without its schema engine, so prisma-safe cannot guard it").help(
        "a configuration with `engine: \"js\"` or an `adapter` does that in Prisma 6: \
         use `engine: \"classic\"` with a `datasource` for migrations",
    )
}

/// The configuration files that Prisma may load, in its order.
fn configurations(project: &Project, args: &[OsString]) -> Vec<PathBuf> {
    let mut given = args
        .iter()
        .skip_while(|arg| *arg != "--config")
        .skip(1)
        .map(OsString::as_os_str)
        .chain(args.iter().filter_map(|arg| arg.to_str()?.strip_prefix("--config=").map(OsStr::new)));
    if let Some(file) = given.next() {
        return vec![project.directory().join(file)];
    }
    let extensions = ["js", "ts", "mjs", "cjs", "mts", "cts"];
    ["prisma.config", ".config/prisma"]
        .iter()
        .flat_map(|stem| extensions.map(|extension| project.directory().join(format!("{stem}.{extension}"))))
        .collect()
}

/// Lets Prisma's own loader read a configuration. One that fails is left to Prisma, which says why.
fn drives_itself(project: &Project, file: &Path) -> bool {
    const ASK: &str = "\
        const { createRequire } = require('module');\
        const { loadConfigFromFile } = createRequire(process.argv[1])('@prisma/config');\
        loadConfigFromFile({ configFile: process.argv[2], configRoot: process.cwd() })\
            .then(({ config }) => process.exit(config && (config.engine === 'js' || config.adapter) ? 17 : 0))\
            .catch(() => process.exit(0))";
    const YES: i32 = 17;
    let (node, arguments) = project.command();
    let Some(entry) = arguments.first() else { return false };
    tools::command(node)
        .envs(project.env().iter().map(|(key, value)| (key, value)))
        .args([OsStr::new("--eval"), OsStr::new(ASK), entry])
        .arg(file)
        .current_dir(project.directory())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.code() == Some(YES))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_prisma_s_table() {
        let major = |line: &str| version(line).map(|version| version.major());
        assert_eq!(major("prisma                  : 6.19.3"), Some(6));
        assert_eq!(major("prisma               : 7.10.1"), Some(7));
        assert_eq!(major("@prisma/client          : 5.0.0"), None);
        assert_eq!(major("Prisma CLI Path : /a"), None);
    }
}
