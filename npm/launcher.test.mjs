// The launcher hands on arguments, signals and exit status. Run with `node --test`.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("./prisma-safe/bin/prisma-safe.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "prisma-safe-launcher-"));
after(() => rmSync(directory, { recursive: true }));

function binary(script) {
  const path = join(directory, `binary-${Math.random()}`);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { env: { ...process.env, PRISMA_SAFE_BINARY: path }, encoding: "utf8" };
}

test("arguments and output are the binary's", () => {
  const run = spawnSync(launcher, ["migrate", "deploy", "a b"], binary('printf "%s|" "$@"'));
  assert.equal(run.stdout, "migrate|deploy|a b|");
  assert.equal(run.status, 0);
});

test("so is the exit status", () => {
  assert.equal(spawnSync(launcher, [], binary("exit 4")).status, 4);
});

test("a killed binary is no success", () => {
  assert.equal(spawnSync(launcher, [], binary("kill -KILL $$")).status, 137);
});

test("signals are handed on", async () => {
  const run = spawn(launcher, [], { ...binary("trap 'exit 42' TERM; echo ready; while :; do sleep 0.1; done"), stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => run.stdout.once("data", resolve));
  run.kill("SIGTERM");
  const [status] = await new Promise((resolve) => run.on("exit", (...ended) => resolve(ended)));
  assert.equal(status, 42);
});

test("a missing binary is explained", () => {
  const missing = spawnSync(launcher, [], { env: { ...process.env, PRISMA_SAFE_BINARY: "/nonexistent" }, encoding: "utf8" });
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /\/nonexistent/);
  const none = spawnSync(launcher, [], { env: { ...process.env, PRISMA_SAFE_BINARY: "" }, encoding: "utf8" });
  assert.equal(none.status, 1);
  assert.match(none.stderr, /cargo install/);
});
