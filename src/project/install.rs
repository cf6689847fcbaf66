//! An installed Prisma: its package, version and entry point.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Explain as _, Result};

/// The packages that hold Prisma 5 to 7; the second stands beside Prisma 8.
pub(super) const PACKAGES: [&str; 2] = ["prisma", "@prisma/prisma7"];

/// The first major version that is another product.
const NEXT: u64 = 8;

/// A version of Prisma.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    major: u64,
    minor: u64,
}

impl Version {
    /// From `7.10.1`, `8.0.0-rc.5`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(['.', '-', '+']).map(str::parse::<u64>);
        Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()?, text: text.to_owned() })
    }

    /// The first number.
    pub fn major(&self) -> u64 {
        self.major
    }

    /// The second number.
    pub fn minor(&self) -> u64 {
        self.minor
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An installed Prisma of a version that prisma-safe is for.
#[derive(Debug, Clone)]
pub(super) struct Install {
    /// The package's directory.
    pub(super) package: PathBuf,
    /// The script that is Prisma.
    pub(super) entry: PathBuf,
    pub(super) version: Version,
    /// The directory of the `@prisma/engines` it uses, where that is known already.
    pub(super) engines: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Manifest {
    version: String,
    #[serde(default)]
    bin: Value,
}

impl Install {
    /// Walks up through `node_modules`.
    pub(super) fn in_node_modules(directory: &Path) -> Result<Option<Self>> {
        let mut newer = None;
        for name in PACKAGES {
            for package in directory.ancestors().map(|each| each.join("node_modules").join(name)) {
                let path = package.join("package.json");
                if !path.is_file() {
                    continue;
                }
                let manifest =
                    std::fs::read_to_string(&path).explain(|| format!("could not read {}", path.display()))?;
                match Self::new(package, &manifest, None) {
                    Ok(install) => return Ok(Some(install)),
                    Err(error) => newer = newer.or(Some(error)),
                }
                break;
            }
        }
        newer.map_or(Ok(None), Err)
    }

    /// A package with the text of its package.json.
    ///
    /// # Errors
    /// Exit status 2 for Prisma 8 and later; 1 if the package is broken.
    pub(super) fn new(package: PathBuf, manifest: &str, engines: Option<PathBuf>) -> Result<Self> {
        let broken = || {
            Error::failed(format!("{} is not Prisma's package.json", package.join("package.json").display()))
                .help("install the project's packages again")
        };
        let Manifest { version, bin } = serde_json::from_str(manifest).map_err(|error| broken().because(error))?;
        let version = Version::parse(&version).ok_or_else(broken)?;
        if version.major >= NEXT {
            return Err(Error::usage(format!(
                "Prisma {version} is installed, and prisma-safe is for Prisma 5, 6 and 7"
            ))
            .help(
                "Prisma 8 is another product with its own migrations: keep `prisma@7` for now, \
                 or install `@prisma/prisma7` beside Prisma 8",
            ));
        }
        let script = match &bin {
            Value::String(script) => Some(script.as_str()),
            Value::Object(scripts) => scripts.get("prisma").or_else(|| scripts.values().next()).and_then(Value::as_str),
            _ => None,
        };
        let script = script.unwrap_or("build/index.js");
        let entry = package.join(script.strip_prefix("./").unwrap_or(script));
        Ok(Self { package, entry, version, engines })
    }

    /// Where Prisma looks for its engine, in its order (`resolveBinary`, the same from 5 to 7): `@prisma/engines` as its
    /// own package finds it, then its own package, the directory above it, and its `runtime`.
    pub(super) fn engine_directories(&self) -> Vec<PathBuf> {
        // pnpm links packages: `@prisma/engines` stands beside the package's real place
        let package = self.package.canonicalize().unwrap_or_else(|_| self.package.clone());
        let engines = self.engines.clone().or_else(|| {
            let places = package.ancestors().map(|each| each.join("node_modules/@prisma/engines"));
            places.into_iter().find(|place| place.is_dir())
        });
        let above = package.parent().map(Path::to_owned);
        let runtime = package.join("runtime");
        engines.into_iter().chain([package]).chain(above).chain([runtime]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_numbers() {
        let version = Version::parse("7.10.1").unwrap();
        assert_eq!((version.major(), version.minor()), (7, 10));
        assert_eq!(Version::parse("6.20.0-dev.3").unwrap().minor(), 20);
        assert_eq!(Version::parse("latest"), None);
    }

    #[test]
    fn a_broken_package_is_an_error_and_not_a_missing_one() {
        assert!(Install::new("/p".into(), "{", None).unwrap_err().to_string().contains("/p/package.json"));
        assert!(Install::new("/p".into(), r#"{"version":"x"}"#, None).is_err());
    }

    #[test]
    fn engines_are_looked_up_from_the_package_s_real_place() {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().canonicalize().unwrap();
        let store = root.join("node_modules/.pnpm/prisma@6.19.3/node_modules");
        std::fs::create_dir_all(store.join("prisma")).unwrap();
        std::fs::create_dir_all(store.join("@prisma/engines")).unwrap();
        std::fs::write(store.join("prisma/package.json"), r#"{"version":"6.19.3"}"#).unwrap();
        std::os::unix::fs::symlink(store.join("prisma"), root.join("node_modules/prisma")).unwrap();
        let install = Install::in_node_modules(&root).unwrap().unwrap();
        assert_eq!(install.entry, root.join("node_modules/prisma/build/index.js"));
        assert_eq!(install.engine_directories()[0], store.join("@prisma/engines"));
    }
}
