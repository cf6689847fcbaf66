//! prisma-safe in package.json: what its scripts call has to be installed with it.

use std::path::Path;

use serde_json::Value;

use super::manifest;
use crate::changes::read;
use crate::error::Result;

const NAME: &str = "prisma-safe";

/// Whether the package or one above it, up to the repository's root, depends on it.
pub(super) fn is_there(root: &Path, top: &Path) -> Result<bool> {
    for place in root.ancestors().take_while(|each| each.starts_with(top)) {
        if read(place, "package.json")?.is_some_and(|text| names(&text)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn names(manifest: &str) -> bool {
    let json = manifest.strip_prefix('\u{feff}').unwrap_or(manifest);
    let Ok(value) = serde_json::from_str::<Value>(json) else { return false };
    ["dependencies", "devDependencies", "optionalDependencies"].iter().any(|key| value[key][NAME].is_string())
}

/// package.json with the dependency: a version, a tarball or a URL, as a person gave it.
pub(super) fn with(text: &str, spec: &str) -> String {
    if names(text) {
        return text.to_owned();
    }
    manifest::with_member(text, "devDependencies", &format!("{}: {}", Value::from(NAME), Value::from(spec)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dependency_stands_among_the_others() {
        let text = "{\n  \"name\": \"music\",\n  \"devDependencies\": {\n    \"prisma\": \"7.10.1\"\n  }\n}\n";
        let after = with(text, "file:vendor/prisma-safe.tgz");
        assert_eq!(
            after,
            "{\n  \"name\": \"music\",\n  \"devDependencies\": {\n    \"prisma\": \"7.10.1\",\n    \
             \"prisma-safe\": \"file:vendor/prisma-safe.tgz\"\n  }\n}\n"
        );
        assert_eq!(with(&after, "1.0.0"), after, "one that is there stays");
        let alone = with("{\n  \"name\": \"music\"\n}\n", "0.1.0");
        assert_eq!(
            alone,
            "{\n  \"name\": \"music\",\n  \"devDependencies\": {\n    \"prisma-safe\": \"0.1.0\"\n  }\n}\n"
        );
    }
}
