#!/usr/bin/env node
// Starts the binary of this platform and steps aside: arguments, terminal, signals and exit status are the binary's.
"use strict";

const { spawn } = require("node:child_process");
const { existsSync, readdirSync } = require("node:fs");
const { constants } = require("node:os");

const fail = (message) => {
  console.error(`prisma-safe: ${message}`);
  process.exit(1);
};

// Alpine and other musl systems have their own C library and need their own binary
const musl = () => {
  if (process.platform !== "linux") return false;
  const glibc = process.report?.getReport()?.header?.glibcVersionRuntime;
  return !glibc && existsSync("/lib") && readdirSync("/lib").some((file) => file.startsWith("ld-musl-"));
};

const find = () => {
  const chosen = process.env.PRISMA_SAFE_BINARY;
  if (chosen) return existsSync(chosen) ? chosen : fail(`PRISMA_SAFE_BINARY names ${chosen}, which is not there`);
  const platform = `${process.platform}-${process.arch}${musl() ? "-musl" : ""}`;
  try {
    return require.resolve(`@prisma-safe/${platform}/prisma-safe`);
  } catch {
    return fail(
      `there is no binary for ${platform} here. If packages were installed with optional dependencies left out ` +
        "(--omit=optional, --no-optional), or node_modules was copied from another platform, install them again; " +
        "else `cargo install prisma-safe` builds it, and PRISMA_SAFE_BINARY names it.",
    );
  }
};

const child = spawn(find(), process.argv.slice(2), { stdio: "inherit" });
child.on("error", (error) => fail(error.message));

// A Ctrl-C at the terminal reaches the child by itself; a signal to this process alone must be handed on
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}

child.on("exit", (code, signal) => {
  // never 0 for a child that was killed
  process.exit(code ?? 128 + (constants.signals[signal] ?? 1));
});
