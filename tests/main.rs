//! One integration binary: real Prisma, a real PostgreSQL, prisma-safe as people run it.
#![expect(clippy::disallowed_methods, reason = "tests start programs")]

mod backup;
mod smoke;
mod support;
