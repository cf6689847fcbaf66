//! Every place where a call may stand, and what becomes of it.

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
        ("Dockerfile.web", "CMD npx prisma migrate deploy && node .", "CMD npx prisma-safe migrate deploy && node ."),
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
