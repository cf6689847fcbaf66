// Writes the launcher and one package per platform into a directory, ready for `npm publish`. Versions cannot drift: all come
// from Cargo.toml.
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const out = process.argv[2];
if (!out) {
  console.error("usage: node scripts/pack.mjs DIRECTORY");
  process.exit(2);
}

// Rust's name of a platform, and npm's; prisma-safe is for Unix
const PLATFORMS = {
  "x86_64-unknown-linux-gnu": { os: "linux", cpu: "x64", libc: "glibc" },
  "aarch64-unknown-linux-gnu": { os: "linux", cpu: "arm64", libc: "glibc" },
  "x86_64-unknown-linux-musl": { os: "linux", cpu: "x64", libc: "musl" },
  "aarch64-unknown-linux-musl": { os: "linux", cpu: "arm64", libc: "musl" },
  "x86_64-apple-darwin": { os: "darwin", cpu: "x64" },
  "aarch64-apple-darwin": { os: "darwin", cpu: "arm64" },
};
const LICENSES = ["LICENSE", "LICENSE-MIT", "LICENSE-APACHE"];

const version = readFileSync(join(root, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m)[1];
const launcher = JSON.parse(readFileSync(join(root, "npm/prisma-safe/package.json"), "utf8"));
const target = process.env.CARGO_TARGET_DIR ?? join(root, "target");

function write(directory, manifest, files) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const [from, to] of files) {
    mkdirSync(dirname(join(directory, to)), { recursive: true });
    copyFileSync(from, join(directory, to));
  }
}

const licenses = LICENSES.map((file) => [join(root, file), file]);
const optionalDependencies = {};
for (const [triple, { os, cpu, libc }] of Object.entries(PLATFORMS)) {
  const binary = join(target, triple, "release/prisma-safe");
  if (!existsSync(binary)) {
    console.error(`left out ${triple}: ${binary} was not built`);
    continue;
  }
  const short = `${os}-${cpu}${libc === "musl" ? "-musl" : ""}`;
  const name = `@prisma-safe/${short}`;
  const directory = join(out, short);
  const { description, license } = launcher;
  const manifest = { name, version, description, license, os: [os], cpu: [cpu], ...(libc && { libc: [libc] }), preferUnplugged: true };
  write(directory, manifest, [[binary, "prisma-safe"], ...licenses]);
  chmodSync(join(directory, "prisma-safe"), 0o755);
  optionalDependencies[name] = version;
}
write(join(out, "prisma-safe"), { ...launcher, version, optionalDependencies }, [
  [join(root, "npm/prisma-safe/bin/prisma-safe.js"), "bin/prisma-safe.js"],
  [join(root, "README.md"), "README.md"],
  ...licenses,
]);
chmodSync(join(out, "prisma-safe/bin/prisma-safe.js"), 0o755);
