//! Parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    prisma_safe::main(std::env::args_os().collect())
}
