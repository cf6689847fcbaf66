//! prisma-safe stands in for `prisma`: it runs the real one with itself in the schema engine's seat.
//!
//! A walk through the crate, in the order a migration takes:
//!
//! | module | what it is |
//! |---|---|
//! | `cli` | arguments as typed |
//! | `context` | what every command is given: shell, configuration, environment |
//! | `commands` | one command a file: the order of stages, no work |
//! | `project` | where Prisma lives: root, package manager, version, migrations |
//! | `engine` | the seat between Prisma and its schema engine, one file a role |
//! | `tools` | outside programs |
//! | `database` | URL, connection, Prisma's history table, locks, poolers |
//! | `sql` | migrations as lossless text with statements, byte ranges and edits |
//! | `catalog` | what the migrations build, replayed |
//! | `rename` | candidates, evidence, decisions, rewrite, proof |
//! | `rules`, `review` | findings, acceptances, verdict, plan hash |
//! | `backup` | dump, proof, manifest |
//! | `deploy` | preflight, atomic apply, verification, journal |
//! | `report` | one output format a file |
//! | `ui` | the only writer to the terminal |

pub mod atomic;
pub mod backup;
pub mod catalog;
pub mod config;
pub mod context;
pub mod database;
pub mod demo;
pub mod deploy;
pub mod engine;
pub mod error;
pub mod exit;
pub mod init;
pub mod project;
pub mod rename;
pub mod report;
pub mod review;
pub mod rules;
pub mod sql;
pub mod tools;
pub mod ui;
