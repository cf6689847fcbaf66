//! Whether Prisma finds the database as schema.prisma says.

use super::settings::Drift;
use super::{Check, Status};
use crate::error::Result;

impl Drift {
    /// What Prisma's engine said, as a check. A difference may also be a schema that is ahead of its migrations.
    pub fn check(self, left: Result<String>) -> Check {
        const NAME: &str = "drift";
        match left {
            Ok(left) if left.trim().is_empty() => Check::new(NAME, Status::Passed, [""; 0]),
            Ok(left) => {
                let status = if self == Self::Fail { Status::Failed } else { Status::Warned };
                let statements = left.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("--"));
                let first = "schema.prisma and the database differ; this would lead from the database to the schema:";
                Check::new(NAME, status, std::iter::once(first).chain(statements))
            }
            Err(error) => {
                let causes = error.causes().into_iter().map(|cause| cause.to_string());
                Check::new(NAME, Status::Unchecked, std::iter::once(error.to_string()).chain(causes))
            }
        }
    }
}
