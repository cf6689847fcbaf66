//! One integration binary: real Prisma, a real PostgreSQL, prisma-safe as people run it.
#![expect(clippy::disallowed_methods, reason = "tests start programs")]

mod backup;
mod broken;
mod demo;
mod deploy_apply;
mod deploy_state;
mod init;
mod journey;
mod passing;
mod readme;
mod review;
mod smoke;
mod support;
