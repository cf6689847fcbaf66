//! `cargo prisma-safe …`: the same, for the Prisma project of a Cargo workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    // cargo calls `cargo-prisma-safe prisma-safe …`
    if args.get(1).is_some_and(|arg| arg == "prisma-safe") {
        args.remove(1);
    }
    prisma_safe::cargo_main(args)
}
