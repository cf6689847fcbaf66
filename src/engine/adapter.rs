//! Configurations of Prisma 6 that use no schema engine (`engine: "js"`, before 6.18 an `adapter`): nothing would pass
//! through the seat, so nothing could be guarded. Prisma 5 and 7 always start one.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Stdio;

use crate::error::{Error, Result};
use crate::project::Project;
use crate::tools;

/// # Errors
/// Exit status 2 if Prisma will do its work without a schema engine.
pub(super) fn refuse(project: &Project, args: &[OsString]) -> Result<()> {
    if project.version().is_some_and(|version| version.major() != 6) {
        return Ok(());
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
fn drives_itself(project: &Project, file: &std::path::Path) -> bool {
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
