//! Where a project's schema and migrations lie, read from the disk alone: for what works offline, without Prisma, Node.js or a URL.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::migrations::{self, Migration};
use crate::error::Result;

/// What lies where, as Prisma would find it; nothing is executed, so a path that the configuration computes is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The schema's files.
    pub schema_files: Vec<PathBuf>,
    /// The migrations folder; it need not exist yet.
    pub migrations_dir: PathBuf,
    /// The migrations in it.
    pub migrations: Vec<Migration>,
}

/// The files that may hold Prisma's configuration, by their stems.
const CONFIGS: [&str; 4] = ["prisma.config", "prisma7.config", ".config/prisma", ".config/prisma7"];
const EXTENSIONS: [&str; 6] = ["ts", "mts", "cts", "js", "mjs", "cjs"];
/// Where Prisma looks for the schema by itself.
const SCHEMAS: [&str; 3] = ["schema.prisma", "prisma/schema.prisma", "prisma/schema"];

/// `key: "path"`, also as `path.join("a", "b")`.
fn written(key: &str) -> Option<Regex> {
    Regex::new(&format!(r#"(?s)\b{key}\s*:\s*(?:["'`]([^"'`$]+)["'`]|(?:path\.)?(?:join|resolve)\(([^()$]*)\))"#)).ok()
}

static SCHEMA: LazyLock<Option<Regex>> = LazyLock::new(|| written("schema"));
static MIGRATIONS: LazyLock<Option<Regex>> = LazyLock::new(|| written(r"migrations\s*:\s*\{[^{}]*?\bpath"));

impl Layout {
    /// Looks from a directory upwards to the repository's root; `schema` and `config` are Prisma's own options. None where no
    /// schema and no migrations folder is found.
    ///
    /// # Errors
    /// A migrations folder that cannot be read.
    pub fn find(directory: &Path, schema: Option<&str>, config: Option<&str>) -> Result<Option<Self>> {
        let mut ancestors = directory.ancestors();
        loop {
            let Some(root) = ancestors.next() else { return Ok(None) };
            if let Some(found) = Self::at(root, schema, config)? {
                return Ok(Some(found));
            }
            if schema.is_some() || config.is_some() || root.join(".git").exists() {
                return Ok(None);
            }
        }
    }

    fn at(root: &Path, schema: Option<&str>, config: Option<&str>) -> Result<Option<Self>> {
        let config = config.map(|path| root.join(path)).or_else(|| {
            let names = CONFIGS.iter().flat_map(|stem| EXTENSIONS.iter().map(move |end| format!("{stem}.{end}")));
            names.map(|name| root.join(name)).find(|path| path.is_file())
        });
        let text = config.as_deref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let base = config.as_deref().and_then(Path::parent).unwrap_or(root);
        let named = |pattern: &Option<Regex>| Some(base.join(path_in(pattern.as_ref()?, &text)?));
        let schema = schema
            .map(|path| root.join(path))
            .or_else(|| named(&SCHEMA))
            .or_else(|| in_package(root))
            .or_else(|| SCHEMAS.iter().map(|path| root.join(path)).find(|path| path.exists()));
        let beside = |schema: &PathBuf| {
            let folder = if schema.is_dir() { schema.as_path() } else { schema.parent().unwrap_or(root) };
            // Prisma 6 looks beside the folder that holds a schema of several files, too
            let own = folder.join("migrations");
            let above = folder.parent().map(|above| above.join("migrations")).filter(|above| above.is_dir());
            if own.is_dir() { own } else { above.unwrap_or(own) }
        };
        let folder = named(&MIGRATIONS).or_else(|| schema.as_ref().map(beside));
        let Some(migrations_dir) = folder.or_else(|| Some(root.join("prisma/migrations")).filter(|path| path.is_dir()))
        else {
            return Ok(None);
        };
        let migrations = migrations::read(&migrations_dir)?;
        let schema_files = schema.as_deref().map(files).unwrap_or_default();
        Ok((!migrations.is_empty() || !schema_files.is_empty()).then_some(Self {
            schema_files,
            migrations_dir,
            migrations,
        }))
    }
}

/// The path that a configuration gives for a key.
fn path_in(pattern: &Regex, text: &str) -> Option<PathBuf> {
    let found = pattern.captures(text)?;
    if let Some(path) = found.get(1) {
        return Some(path.as_str().into());
    }
    let parts: Vec<&str> = found.get(2)?.as_str().split(['"', '\'', '`']).skip(1).step_by(2).collect();
    (!parts.is_empty()).then(|| parts.iter().collect())
}

/// `"prisma": { "schema": … }` of package.json.
fn in_package(root: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(root.join("package.json")).ok()?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(root.join(manifest["prisma"]["schema"].as_str()?))
}

/// A schema's files: itself, or every `.prisma` file below a folder.
fn files(schema: &Path) -> Vec<PathBuf> {
    if schema.is_file() {
        return vec![schema.to_owned()];
    }
    let mut found = Vec::new();
    let mut folders = vec![schema.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "prisma") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(files: &[(&str, &str)]) -> (Vec<PathBuf>, PathBuf, usize) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let short = |path: &Path| path.strip_prefix(root.path()).unwrap().to_owned();
        let found = Layout::find(root.path(), None, None).unwrap().expect("a layout");
        let files = found.schema_files.iter().map(|path| short(path)).collect();
        (files, short(&found.migrations_dir), found.migrations.len())
    }

    #[test]
    fn paths_are_found_as_prisma_finds_them() {
        let config = "export default defineConfig({ schema: path.join('db', 'models'),\n migrations: { seed: \"x\", path: \"db/steps\" } })";
        let found = layout(&[
            ("prisma.config.ts", config),
            ("db/models/a.prisma", ""),
            ("db/models/b/c.prisma", ""),
            ("db/steps/1_a/migration.sql", ""),
        ]);
        assert_eq!(found, (vec!["db/models/a.prisma".into(), "db/models/b/c.prisma".into()], "db/steps".into(), 1));
        let found = layout(&[
            ("package.json", "{\"prisma\":{\"schema\":\"x/schema.prisma\"}}"),
            ("x/schema.prisma", ""),
            ("x/migrations/1/migration.sql", ""),
        ]);
        assert_eq!(found, (vec!["x/schema.prisma".into()], "x/migrations".into(), 1));
        let found = layout(&[("prisma/schema.prisma", ""), ("prisma/migrations/1/migration.sql", "")]);
        assert_eq!(found, (vec!["prisma/schema.prisma".into()], "prisma/migrations".into(), 1));
        let found = layout(&[("prisma/schema/a.prisma", ""), ("prisma/migrations/1/migration.sql", "")]);
        assert_eq!(found.1, PathBuf::from("prisma/migrations"));
    }
}
