//! Yarn's Plug'n'Play: no `node_modules`; `.pnp.cjs` teaches Node.js where packages are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;

use super::Start;
use super::install::{Install, PACKAGES};
use crate::env::Env;
use crate::error::{Error, Explain as _, Result};

/// Files of Plug'n'Play that were found.
#[derive(Debug, Clone)]
pub(super) struct PlugNPlay {
    /// `.pnp.cjs`, or `.pnp.js` of Yarn 2.
    require: PathBuf,
    /// `.pnp.loader.mjs`, for ES modules.
    loader: Option<PathBuf>,
}

pub(super) fn find(directory: &Path) -> Option<PlugNPlay> {
    let file = |each: &Path, name: &str| Some(each.join(name)).filter(|path| path.is_file());
    directory.ancestors().find_map(|each| {
        let require = file(each, ".pnp.cjs").or_else(|| file(each, ".pnp.js"))?;
        Some(PlugNPlay { require, loader: file(each, ".pnp.loader.mjs") })
    })
}

/// `NODE_OPTIONS` as `yarn run` sets them; child processes of Prisma need them as well.
pub(super) fn node_options(pnp: &PlugNPlay, env: &Env) -> OsString {
    let given = env.get("NODE_OPTIONS").unwrap_or_default();
    let loader = pnp.loader.as_ref().and_then(|loader| url::Url::from_file_path(loader).ok());
    let wanted = [
        Some(("--require", pnp.require.to_string_lossy().into_owned())),
        loader.map(|url| ("--experimental-loader", url.into())),
    ];
    let missing = wanted.into_iter().flatten().filter(|(_, value)| !given.contains(value.as_str()));
    // Node.js splits at spaces outside of double quotes
    let quoted =
        missing.map(|(option, value)| format!("{option} \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
    let given = (!given.is_empty()).then(|| given.to_owned());
    given.into_iter().chain(quoted).collect::<Vec<_>>().join(" ").into()
}

#[derive(Deserialize)]
struct Found {
    package: PathBuf,
    manifest: String,
    engines: Option<PathBuf>,
}

/// Asks Node.js where Prisma is, which takes one short start of it. Packages may lie inside of zip files.
pub(super) fn resolve(pnp: &PlugNPlay, directory: &Path, node: &Path, start: Start<'_>) -> Result<Option<Install>> {
    const ASK: &str = "\
        const { createRequire } = require('module'), path = require('path'), fs = require('fs');\
        const here = createRequire(path.join(process.argv[1], 'package.json'));\
        const found = [];\
        for (const name of process.argv.slice(2)) try {\
            const file = here.resolve(name + '/package.json');\
            let engines = null;\
            try { engines = path.dirname(createRequire(file).resolve('@prisma/engines/package.json')) } catch {}\
            found.push({ package: path.dirname(file), manifest: fs.readFileSync(file, 'utf8'), engines })\
        } catch {}\
        process.stdout.write(JSON.stringify(found))";
    let explain = || format!("could not ask {} where Prisma is", pnp.require.display());
    let output = start(node)
        .arg("--require")
        .arg(&pnp.require)
        .args(["--eval", ASK])
        .arg(directory)
        .args(PACKAGES)
        .current_dir(directory)
        .env_remove("NODE_OPTIONS")
        .stdin(Stdio::null())
        .output()
        .explain(explain)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::failed(explain()).because(text).help("run `yarn install`"));
    }
    let found: Vec<Found> = serde_json::from_slice(&output.stdout).explain(explain)?;
    let mut newer = None;
    for Found { package, manifest, engines } in found {
        match Install::new(package, &manifest, engines) {
            Ok(install) => return Ok(Some(install)),
            Err(error) => newer = newer.or(Some(error)),
        }
    }
    newer.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_added_once() {
        let pnp = PlugNPlay { require: "/my app/.pnp.cjs".into(), loader: Some("/my app/.pnp.loader.mjs".into()) };
        let given = |options: &str| -> Env { [("NODE_OPTIONS".to_owned(), options.to_owned())].into_iter().collect() };
        let options = node_options(&pnp, &given("--no-warnings")).into_string().unwrap();
        assert_eq!(
            options,
            "--no-warnings --require \"/my app/.pnp.cjs\" --experimental-loader \"file:///my%20app/.pnp.loader.mjs\""
        );
        assert_eq!(node_options(&pnp, &given(&options)).to_str(), Some(options.as_str()));
    }
}
