//! One integration binary: real Prisma, a real PostgreSQL, prisma-safe as people run it.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests start programs, and fail by panicking")]

mod backup;
mod broken;
mod catalog;
mod catalog_file;
mod conservation;
mod contained;
mod copies;
mod demo;
mod deploy_apply;
mod deploy_state;
mod deployed;
mod deploying;
mod effects;
mod encryption;
mod fix;
mod gate;
mod identity;
mod init;
mod journey;
mod keeping;
mod layers;
mod outside;
mod passing;
mod pooler;
mod readme;
mod rehearsal;
mod rename;
mod replay;
mod restore;
mod review;
mod smoke;
mod support;
mod undo;
mod world;
