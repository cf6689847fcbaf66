//! What else runs Prisma on a database: container files, start scripts, host settings, workflows, programs. A call is known by
//! its words, `prisma` before `migrate` or `db`, wherever they stand in a line.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use super::{manifest, script};
use crate::changes::Change;

/// Directories are looked into so deep.
const DEPTH: usize = 8;
/// Larger files are not hand-written settings.
const LARGEST: u64 = 256 << 10;
/// A repository with more files than this is not looked through to its end.
const FILES: usize = 50_000;

/// A call that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Relative to the repository's root.
    pub(super) file: PathBuf,
    /// From 1.
    pub(super) line: usize,
    pub(super) text: String,
    /// Whether one word can be replaced without a look at what stands around it.
    pub(super) rewirable: bool,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) places: Vec<Place>,
    /// The files with their calls rewired.
    pub(super) changes: Vec<Change>,
    /// Directories that hold a Prisma schema or configuration.
    pub(super) packages: Vec<PathBuf>,
    /// Not everything was looked at.
    pub(super) cut: bool,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A shell runs its lines, or strings in it: a word can be replaced.
    Commands,
    /// The same within JSON strings of package.json's `scripts`.
    Manifest,
    /// A program, or settings of an unknown tool: only listed.
    Other,
}

/// `"prisma", "migrate"`: a command as a list of words.
static LISTED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"["'](?:[^"'\s]*/)?(prisma7?)["']\s*,\s*["'](?:migrate|db)["']"#).ok());

/// `npx prisma migrate …` in the strings of a program.
static SPOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?:^|[\s'\x22`/=])(prisma7?)(?:@[\w.^~-]+)?\s+(?:--\S+\s+)*(?:migrate|db)\s+[a-z]").ok()
});

/// `execFile(prismaBin, ["migrate", …`: the program stands in a variable that is called after it.
static HELD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\b(\w*prisma\w*)\s*,\s*\[\s*["'](?:migrate|db)["']"#).ok());

/// Looks through the repository; `own` is the package.json that is rewired anyway.
pub(super) fn find(top: &Path, own: &Path) -> Found {
    let mut found = Found::default();
    let mut files = Vec::new();
    walk(top, DEPTH, &mut files);
    found.cut = files.len() >= FILES;
    for path in files {
        let relative = path.strip_prefix(top).unwrap_or(&path).to_owned();
        if let Some(package) = package_of(top, &relative) {
            if !found.packages.contains(&package) {
                found.packages.push(package);
            }
            continue;
        }
        let Some(form) = form(&relative).filter(|_| path != own) else { continue };
        let small = fs::metadata(&path).is_ok_and(|file| file.len() <= LARGEST);
        let Some(text) = small.then(|| fs::read_to_string(&path).ok()).flatten() else { continue };
        look(&relative, form, &text, &mut found);
    }
    found
}

fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    const SKIPPED: &[&str] =
        &["node_modules", "target", "dist", "build", "out", "coverage", "vendor", "generated", "migrations", "backups"];
    let Some(entries) = fs::read_dir(directory).ok().filter(|_| depth > 0 && files.len() < FILES) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // a link leads elsewhere, or back up
        let Ok(kind) = entry.file_type() else { continue };
        let hidden =
            name.starts_with('.') && !matches!(name.as_str(), ".github" | ".circleci" | ".gitlab" | ".buildkite");
        if kind.is_dir() && !hidden && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), depth - 1, files);
        } else if kind.is_file() && files.len() < FILES {
            files.push(entry.path());
        }
    }
}

/// The package whose schema or configuration this file is: the nearest directory with a package.json, which may itself be called
/// `prisma`; else what is above `prisma` or `schema`.
fn package_of(top: &Path, path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let above = path.parent().unwrap_or(Path::new(""));
    if name.starts_with("prisma.config.") || name.starts_with("prisma7.config.") {
        return Some(above.to_owned());
    }
    if path.extension().is_none_or(|end| end != "prisma") {
        return None;
    }
    if let Some(package) = above.ancestors().find(|each| top.join(each).join("package.json").is_file()) {
        return Some(package.to_owned());
    }
    let mut parts = above.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let kept: PathBuf = parts.by_ref().take_while(|part| part != "prisma" && part != "schema").collect();
    Some(kept)
}

fn form(path: &Path) -> Option<Form> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let end = path.extension().map(|end| end.to_string_lossy().to_lowercase()).unwrap_or_default();
    let in_workflows = path.starts_with(".github") || path.starts_with(".circleci") || path.starts_with(".gitlab");
    if name == "package.json" {
        return Some(Form::Manifest);
    }
    if matches!(name.as_str(), "package-lock.json" | "pnpm-lock.yaml" | "yarn.lock" | "bun.lock" | "composer.lock") {
        return None;
    }
    let commands =
        ["dockerfile", "containerfile", "procfile", "compose.", "docker-compose"].iter().any(|it| name.starts_with(it))
            || name.ends_with(".dockerfile")
            || matches!(end.as_str(), "sh" | "bash" | "zsh")
            || in_workflows && matches!(end.as_str(), "yml" | "yaml")
            || [
                "vercel.json",
                "fly.toml",
                "railway.json",
                "railway.toml",
                "render.yaml",
                "render.yml",
                "nixpacks.toml",
                "app.json",
                "heroku.yml",
                "netlify.toml",
                ".gitlab-ci.yml",
                "bitbucket-pipelines.yml",
                "azure-pipelines.yml",
                "cloudbuild.yaml",
                "buildspec.yml",
                "makefile",
                "justfile",
                "taskfile.yml",
                "turbo.json",
                "nx.json",
                "project.json",
                "lefthook.yml",
            ]
            .contains(&name.as_str());
    if commands {
        return Some(Form::Commands);
    }
    let program = matches!(
        end.as_str(),
        "js" | "mjs"
            | "cjs"
            | "ts"
            | "mts"
            | "cts"
            | "py"
            | "rb"
            | "go"
            | "rs"
            | "yml"
            | "yaml"
            | "toml"
            | "json"
            | "tf"
            | "nix"
    );
    (program || end.is_empty()).then_some(Form::Other)
}

fn look(file: &Path, form: Form, text: &str, found: &mut Found) {
    if form == Form::Manifest {
        let Ok(rewired) = manifest::rewired_scripts(text) else { return };
        let before = found.places.len();
        let changed = text.lines().zip(rewired.lines()).enumerate().filter(|(_, (old, new))| old != new);
        found.places.extend(changed.map(|(at, (old, _))| place(file, at, old, true)));
        if found.places.len() > before {
            found.changes.extend(Change::of(&file.display().to_string(), Some(text.to_owned()), rewired));
        }
        return;
    }
    let mut after = String::with_capacity(text.len());
    for (at, line) in text.split_inclusive('\n').enumerate() {
        let (calls, pinned) = calls(line, form);
        let mut line = line.to_owned();
        if !calls.is_empty() || pinned {
            found.places.push(place(file, at, &line, form == Form::Commands && !calls.is_empty()));
        }
        if form == Form::Commands {
            for call in calls.into_iter().rev() {
                line.replace_range(call, "prisma-safe");
            }
        }
        after.push_str(&line);
    }
    found.changes.extend(Change::of(&file.display().to_string(), Some(text.to_owned()), after));
}

fn place(file: &Path, at: usize, line: &str, rewirable: bool) -> Place {
    Place { file: file.to_owned(), line: at + 1, text: line.trim().to_owned(), rewirable }
}

/// Where a line calls Prisma, and whether it does so by a version of its own.
fn calls(line: &str, form: Form) -> (Vec<Range<usize>>, bool) {
    let trimmed = line.trim_start();
    let comment = ["#", "//", "*", "<!--"].iter().any(|mark| trimmed.starts_with(mark));
    // most lines of a repository end here
    if comment || !line.contains("prisma") {
        return (Vec::new(), false);
    }
    let mut calls: Vec<Range<usize>> = Vec::new();
    let mut pinned = false;
    if form == Form::Commands {
        for call in script::calls(line, false) {
            if call.pinned {
                pinned = true;
            } else {
                calls.push(call.at);
            }
        }
    }
    for pattern in [&LISTED, &SPOKEN, &HELD].into_iter().filter_map(|pattern| pattern.as_ref()) {
        for found in pattern.captures_iter(line).filter_map(|captures| captures.get(1)) {
            let talk =
                ["echo ", "console.", "print(", "printf "].iter().any(|word| line[..found.start()].contains(word));
            match line[found.end()..].starts_with('@') {
                true => pinned = true,
                false if !talk && !calls.iter().any(|call| call.start == found.start()) => calls.push(found.range()),
                false => {}
            }
        }
    }
    calls.sort_by_key(|call| call.start);
    (calls, pinned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, text: &str) -> Found {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        find(root.path(), Path::new(""))
    }

    #[test]
    fn every_place_is_found_and_one_word_changes() {
        for (file, line, after) in [
            (
                "ops/start.sh",
                "npx prisma migrate deploy && node server.js",
                "npx prisma-safe migrate deploy && node server.js",
            ),
            (
                "site/boot.sh",
                "exec prisma migrate deploy --schema=./prisma/schema.prisma",
                "exec prisma-safe migrate deploy --schema=./prisma/schema.prisma",
            ),
            (
                "compose.yaml",
                "    command: sh -c \"pnpm exec prisma migrate deploy && pnpm start\"",
                "    command: sh -c \"pnpm exec prisma-safe migrate deploy && pnpm start\"",
            ),
            (
                ".github/workflows/release.yml",
                "      - run: npx prisma migrate deploy",
                "      - run: npx prisma-safe migrate deploy",
            ),
            (
                "Dockerfile",
                "CMD [\"npx\", \"prisma\", \"migrate\", \"deploy\"]",
                "CMD [\"npx\", \"prisma-safe\", \"migrate\", \"deploy\"]",
            ),
            (
                "Dockerfile.web",
                "CMD npx prisma migrate deploy && node .",
                "CMD npx prisma-safe migrate deploy && node .",
            ),
            ("Procfile", "release: npx prisma migrate deploy", "release: npx prisma-safe migrate deploy"),
            (
                "vercel.json",
                "{ \"buildCommand\": \"prisma generate && prisma migrate deploy && next build\" }",
                "{ \"buildCommand\": \"prisma generate && prisma-safe migrate deploy && next build\" }",
            ),
            (
                "fly.toml",
                "  release_command = \"npx prisma migrate deploy\"",
                "  release_command = \"npx prisma-safe migrate deploy\"",
            ),
            (
                "railway.json",
                "  \"startCommand\": \"npx prisma db push && node .\"",
                "  \"startCommand\": \"npx prisma-safe db push && node .\"",
            ),
            ("Makefile", "\tpnpm prisma migrate deploy", "\tpnpm prisma-safe migrate deploy"),
            (
                "apps/api/package.json",
                "{\"scripts\": {\"m\": \"prisma migrate deploy\"}}",
                "{\"scripts\": {\"m\": \"prisma-safe migrate deploy\"}}",
            ),
            (
                "apps/api/project.json",
                "  \"command\": \"prisma migrate deploy\"",
                "  \"command\": \"prisma-safe migrate deploy\"",
            ),
        ] {
            let it = found(file, &format!("{line}\n"));
            assert_eq!(
                it.changes.iter().map(|change| change.after.as_str()).collect::<Vec<_>>(),
                [format!("{after}\n")],
                "{file}"
            );
            assert_eq!(
                it.places.iter().map(|place| (place.line, place.rewirable)).collect::<Vec<_>>(),
                [(1, true)],
                "{file}"
            );
        }
    }

    #[test]
    fn programs_and_pinned_versions_are_listed_only() {
        for (file, line) in [
            ("tools/all-migrations.mjs", "execSync(`npx prisma migrate deploy`, { stdio: 'inherit' });"),
            ("tools/run.ts", "spawn(\"npx\", [\"prisma\", \"migrate\", \"deploy\"]);"),
            ("tools/batch.ts", "await execFile(prismaBin, [\"migrate\", \"deploy\", \"--config\", CONFIG]);"),
            ("k8s/job.yaml", "          args: [\"prisma\", \"migrate\", \"deploy\"]"),
            ("deploy.sh", "npx prisma@6 migrate deploy"),
            ("entrypoint", "exec npx prisma migrate deploy"),
        ] {
            let it = found(file, &format!("x\n{line}\n"));
            assert!(it.changes.is_empty(), "{file}: {:?}", it.changes);
            assert_eq!(
                it.places.iter().map(|place| (place.line, place.rewirable)).collect::<Vec<_>>(),
                [(2, false)],
                "{file}"
            );
        }
    }

    #[test]
    fn what_is_no_call_is_not_listed() {
        for (file, line) in [
            ("ops/start.sh", "# npx prisma migrate deploy"),
            ("ops/start.sh", "echo \"run npx prisma migrate deploy\""),
            ("ops/start.sh", "npx prisma generate"),
            ("ops/start.sh", "npx prisma-safe migrate deploy"),
            (".github/workflows/check.yml", "          if grep -Eq \"prisma migrate|Prisma\" <<<\"$output\"; then"),
            ("Dockerfile", "COPY prisma ./prisma"),
            ("src/db.ts", "import { prisma } from './prisma'; await prisma.db.find();"),
            ("src/log.ts", "console.log('run npx prisma migrate deploy');"),
            ("src/it.ts", "const migrate = prisma; // db"),
        ] {
            let it = found(file, &format!("{line}\n"));
            assert!(it.places.is_empty() && it.changes.is_empty(), "{file}: {:?}", it.places);
        }
    }

    #[test]
    fn the_schemas_package_is_known() {
        for (file, package) in [
            ("packages/db/prisma/schema.prisma", "packages/db"),
            ("packages/db/prisma/schema/user.prisma", "packages/db"),
            ("packages/db/prisma.config.ts", "packages/db"),
            ("prisma/schema.prisma", ""),
        ] {
            assert_eq!(found(file, "").packages, [PathBuf::from(package)], "{file}");
        }
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("packages/prisma");
        fs::create_dir_all(&package).unwrap();
        for name in ["schema.prisma", "package.json"] {
            fs::write(package.join(name), "{}").unwrap();
        }
        assert_eq!(find(root.path(), Path::new("")).packages, [PathBuf::from("packages/prisma")]);
    }
}
