//! What the tests stand on: real Prisma, a PostgreSQL of their own, a terminal. Reads like a sentence:
//!
//! ```ignore
//! let project = Project::prisma7().schema(SONG).migration("20250101000000_init", SONG_SQL).rows("Song", 100_000);
//! project.run(["migrate", "deploy"]).succeeds().says("nothing pending");
//! ```
#![allow(dead_code, unused_imports, reason = "tests take from it what they need")]

pub(crate) mod output;
pub(crate) mod postgres;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod s3;
pub(crate) mod sarif;
pub(crate) mod schema;
pub(crate) mod servers;
pub(crate) mod tty;

pub(crate) use output::Output;
pub(crate) use postgres::Database;
pub(crate) use project::{Prisma, Project};
pub(crate) use tty::{Key, Terminal};

use std::time::{Duration, Instant};

/// Waits for what must come by itself.
#[track_caller]
pub(crate) fn soon(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
