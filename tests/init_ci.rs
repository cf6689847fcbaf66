//! The workflows that `init --ci` writes, run step by step in a fresh clone without a database; and what else runs Prisma.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::support::project::scrub;
use crate::support::{Output, Project, Terminal};

const SAFE: &str = env!("CARGO_BIN_EXE_prisma-safe");
const PACKAGE: &str = "packages/db";

/// A repository whose schema is in a package below, on a branch `work` with a migration that is not on `main`.
fn repository(manager: &str, lock: &str) -> Project {
    let project = Project::prisma7();
    let version = if manager == "npm" { "10.0.0" } else { "9.0.0" };
    // whatever installs it: the package is a program that starts the binary
    project.write(
        "vendor/prisma-safe/package.json",
        r#"{"name":"prisma-safe","version":"0.0.1","bin":{"prisma-safe":"run.sh"}}"#,
    );
    project.write("vendor/prisma-safe/run.sh", &format!("#!/bin/sh\nexec {SAFE} \"$@\"\n"));
    fs::set_permissions(project.path("vendor/prisma-safe/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    project.write(
        "package.json",
        &format!("{{\"private\":true,\"packageManager\":\"{manager}@{version}\",\"workspaces\":[\"packages/*\"]}}"),
    );
    project.write(".gitignore", "node_modules\n.env\nhome\n");
    if !lock.is_empty() {
        project.write(lock, "");
    }
    let at = |path: &str| format!("{PACKAGE}/{path}");
    project.write(
        &at("package.json"),
        "{\n  \"name\": \"db\",\n  \"scripts\": {\n    \"m\": \"prisma migrate deploy\"\n  }\n}\n",
    );
    project.write(
        &at("prisma.config.ts"),
        "import { defineConfig, env } from \"prisma/config\";\nexport default defineConfig({ schema: \"prisma/schema.prisma\", \
         datasource: { url: env(\"DATABASE_URL\") } });\n",
    );
    project.write(&at("prisma/schema.prisma"), "datasource db {\n  provider = \"postgresql\"\n}\n");
    project.write(&at("prisma/migrations/migration_lock.toml"), "provider = \"postgresql\"\n");
    project.write(
        &at("prisma/migrations/20250101000000_init/migration.sql"),
        "CREATE TABLE \"Song\" (\"id\" INTEGER PRIMARY KEY, \"title\" TEXT);\n",
    );
    fs::remove_dir_all(project.path("prisma")).unwrap();
    fs::remove_file(project.path("prisma.config.ts")).unwrap();
    project.git(&["init", "--quiet", "--initial-branch=main"]);
    project
}

/// Commits everything as `main`, then a migration that loses a column as `work`.
fn committed(project: &Project) {
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message=main"]);
    project.git(&["switch", "--quiet", "--create", "work"]);
    let lossy = format!("{PACKAGE}/prisma/migrations/20250201000000_drop/migration.sql");
    project.write(&lossy, "ALTER TABLE \"Song\" DROP COLUMN \"title\";\n");
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message=work"]);
}

/// A fresh checkout with all branches, a home of its own, and package managers that install what the package asks for.
struct Runner {
    place: tempfile::TempDir,
}

impl Runner {
    fn of(project: &Project) -> Self {
        let place = tempfile::TempDir::with_prefix("prisma-safe-ci-").unwrap();
        let runner = Self { place };
        for directory in ["home", "bin"] {
            fs::create_dir(runner.path(directory)).unwrap();
        }
        let from = project.directory();
        runner
            .sh(&format!("git clone --quiet --branch work {} checkout", from.display()), runner.place.path(), &[])
            .succeeds();
        // pnpm, Yarn and Bun install and run what npm would: not every machine that tests this can download them
        let installed = "d=$PWD; while [ ! -x \"$d/node_modules/.bin/$1\" ]; do d=$(dirname \"$d\"); done; \
                         n=$1; shift; exec \"$d/node_modules/.bin/$n\" \"$@\"";
        runner.program("run-installed", installed);
        let install = format!("mkdir -p node_modules/.bin && ln -sf {SAFE} node_modules/.bin/prisma-safe");
        for (name, locked, run) in [
            ("pnpm", "--frozen-lockfile", "exec"),
            ("yarn", "--frozen-lockfile", "run"),
            ("bun", "--frozen-lockfile", "x"),
        ] {
            let script = format!(
                "case \"$*\" in 'install {locked}') {install};; '{run} '*) shift; exec run-installed \"$@\";; *) exit 9;; esac"
            );
            runner.program(name, &script);
        }
        runner.program("bunx", "[ \"$1\" = --no-install ] || exit 9; shift; exec run-installed \"$@\"");
        runner.program("corepack", "[ \"$1\" = enable ]");
        runner
    }

    fn path(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[track_caller]
    fn sh(&self, script: &str, directory: &Path, env: &[(String, String)]) -> Output {
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(directory);
        scrub(&mut command, &self.path("home"));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command
            .env("PATH", path)
            .env("CI", "true")
            .env("npm_config_update_notifier", "false")
            .envs(env.iter().cloned());
        Output::of(script.to_owned(), command.output().unwrap())
    }

    /// Runs the steps of the GitHub workflow as GitHub does; gives what the last one said.
    #[track_caller]
    fn github(&self) -> Output {
        let text = fs::read_to_string(self.path("checkout/.github/workflows/prisma-safe.yml")).unwrap();
        let documents = Yaml::load_from_str(&text).unwrap();
        let job = &documents[0]["jobs"]["review"];
        let steps = job["steps"].as_vec().unwrap();
        let mut last = None;
        for step in steps.iter().filter(|step| step.contains_mapping_key("run")) {
            if let Some(before) = last.take() {
                let before: Output = before;
                before.succeeds();
            }
            let within = |key: &str| step.as_mapping_get(key).and_then(|value| value.as_str().map(str::to_owned));
            let directory = self.path("checkout").join(within("working-directory").unwrap_or_default());
            let env: Vec<(String, String)> = match step.as_mapping_get("env").and_then(|env| env.as_mapping()) {
                Some(env) => env
                    .iter()
                    .map(|(key, value)| {
                        let value = value.as_str().unwrap().replace("${{ github.base_ref }}", "main");
                        (key.as_str().unwrap().to_owned(), value)
                    })
                    .collect(),
                None => Vec::new(),
            };
            last = Some(self.sh(&within("run").unwrap(), &directory, &env));
        }
        last.unwrap()
    }

    /// The same for GitLab: one script.
    #[track_caller]
    fn gitlab(&self, file: &str) -> Output {
        let text = fs::read_to_string(self.path("checkout").join(file)).unwrap();
        let documents = Yaml::load_from_str(&text).unwrap();
        let lines = documents[0]["prisma-safe"]["script"].as_vec().unwrap();
        let script = lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n");
        let checkout = self.path("checkout");
        let env = [
            ("CI_PROJECT_DIR", checkout.display().to_string()),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main".to_owned()),
        ];
        self.sh(&script, &checkout, &env.map(|(key, value)| (key.to_owned(), value)))
    }
}

#[test]
fn the_workflow_runs_as_it_is_with_every_package_manager() {
    for (manager, lock) in [("npm", ""), ("pnpm", "pnpm-lock.yaml"), ("yarn", "yarn.lock"), ("bun", "bun.lock")] {
        let project = repository(manager, lock);
        let init = ["-C", PACKAGE, "init", "--yes", "--dependency", "file:../../vendor/prisma-safe", "--ci"];
        project.run(init.iter().copied().chain(["github"])).succeeds();
        project.run(init.iter().copied().chain(["gitlab"])).succeeds();
        assert!(project.path(".github/workflows/prisma-safe.yml").is_file(), "{manager}: at the repository's root");
        let manifest = project.read(&format!("{PACKAGE}/package.json"));
        assert!(manifest.contains("\"prisma-safe\": \"file:../../vendor/prisma-safe\""), "{manifest}");
        if manager == "npm" {
            // real npm, which needs no network for this
            project.program("npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"]).succeeds();
            fs::remove_file(project.path(".github/workflows/prisma-safe.yml")).unwrap();
            fs::remove_file(project.path(".gitlab-ci.yml")).unwrap();
            project.run(init.iter().copied().chain(["github"])).succeeds();
            project.run(init.iter().copied().chain(["gitlab"])).succeeds();
            assert!(project.read(".github/workflows/prisma-safe.yml").contains("run: npm ci\n"));
        }
        committed(&project);
        let runner = Runner::of(&project);
        runner.github().exits(3).says("::error").says("drop-column");
        let runner = Runner::of(&project);
        runner.gitlab(".gitlab-ci.yml").exits(3).says("drop-column");
    }
}

#[test]
fn without_a_dependency_a_command_installs_it_and_none_is_made_up() {
    let project = repository("npm", "");
    let init = ["-C", PACKAGE, "init", "--yes", "--ci", "github"];
    project.run(init).exits(2).says("prisma-safe is not on npm").says("--ci-install");
    assert!(!project.path(".github").exists() && !project.path("packages/db/prisma-safe.toml").exists());
    let command = format!("mkdir -p \"$HOME/bin\" && ln -s {SAFE} \"$HOME/bin/prisma-safe\"; : 'it''s here'");
    project.write(".gitlab-ci.yml", "stages: [test]\n");
    let told = project.run(init.iter().copied().chain(["--ci-install", &command])).succeeds();
    told.says("package.json does not bring prisma-safe").says_nothing_of("npm ci");
    project
        .run(["-C", PACKAGE, "init", "--yes", "--ci", "gitlab", "--ci-install", "prisma-safe --version"])
        .succeeds()
        .says("include it in .gitlab-ci.yml");
    committed(&project);
    let runner = Runner::of(&project);
    symlink(runner.path("home/bin/prisma-safe"), runner.path("bin/prisma-safe")).unwrap();
    runner.github().exits(3).says("::error");
    runner.gitlab(".gitlab/prisma-safe.yml").exits(3).says("drop-column");
}

const START: &str = "#!/bin/sh\nset -e\nnpx prisma migrate deploy && node server.js\n";

/// A project whose package.json deploys nothing: everything else does.
fn deploying_elsewhere() -> Project {
    let project = Project::prisma7();
    project.write(
        "package.json",
        "{\"scripts\": {\"prisma\": \"yarn envd prisma\", \"db\": \"node tools/all-migrations.mjs\"}}",
    );
    project.write("ops/start.sh", START);
    project.write(
        "compose.yaml",
        "services:\n  app:\n    command: sh -c \"pnpm exec prisma migrate deploy && pnpm start\"\n",
    );
    project.write(
        "Dockerfile",
        "FROM node:22\nCOPY prisma ./prisma\nCMD [\"npx\", \"prisma\", \"migrate\", \"deploy\"]\n",
    );
    project.write(
        "tools/all-migrations.mjs",
        "import { execSync } from \"node:child_process\";\nexecSync(\"npx prisma migrate deploy\");\n",
    );
    project
}

#[test]
fn what_else_deploys_is_named_with_its_lines_and_rewired_only_if_wanted() {
    let project = deploying_elsewhere();
    let places = [
        "ops/start.sh:3: npx prisma migrate deploy",
        "compose.yaml:3: command: sh -c",
        "Dockerfile:3: CMD",
        "tools/all-migrations.mjs:2: execSync",
        "the script `prisma` (yarn envd prisma)",
        "pg_dump",
        "prisma-safe init --rewire",
    ];
    let told = project.run(["init", "--yes"]).succeeds();
    places.iter().fold(told, |told, place| told.says(place));
    assert_eq!(project.read("ops/start.sh"), START, "--yes does not answer for what runs elsewhere");

    project.run(["init", "--rewire"]).succeeds().says("+npx prisma-safe migrate deploy && node server.js");
    assert_eq!(project.read("ops/start.sh"), START.replace("npx prisma ", "npx prisma-safe "));
    assert!(project.read("compose.yaml").contains("pnpm exec prisma-safe migrate deploy && pnpm start"));
    assert!(project.read("Dockerfile").ends_with("CMD [\"npx\", \"prisma-safe\", \"migrate\", \"deploy\"]\n"));
    assert!(
        project.read("tools/all-migrations.mjs").contains("\"npx prisma migrate deploy\""),
        "a program is only named"
    );
    let again = project.run(["init"]).succeeds().says("set up already").says("tools/all-migrations.mjs:2");
    again.says_nothing_of("ops/start.sh").says_nothing_of("--rewire");
}

#[test]
fn at_a_terminal_it_asks_before_it_rewires_them() {
    let project = deploying_elsewhere();
    project.run(["init", "--yes"]).succeeds();
    for (key, after) in [("n", START.to_owned()), ("y", START.replace("npx prisma ", "npx prisma-safe "))] {
        let mut terminal = Terminal::start(project.command(SAFE, ["init"]));
        terminal.sees("Make these run prisma-safe?").types(key);
        assert_eq!(terminal.ends().0, 0, "{key}");
        assert_eq!(project.read("ops/start.sh"), after, "{key}");
    }
}

#[test]
fn the_schemas_package_is_named_where_it_is_another() {
    let project = repository("npm", "");
    let told = project.run(["init", "--yes"]).succeeds();
    told.says("the Prisma schema is in packages/db").says("packages/db/package.json:4");
}
