//! The hash that names a plan: exactly this SQL, in this order, on exactly this database.

use crate::digest::hash_of;
use crate::project::Migration;

/// The plan's hash, 16 hexadecimal digits. Accepting lines are part of the SQL, so a changed reason is a changed plan.
/// `target` identifies server and database, and holds no secret.
pub fn plan_hash(pending: &[Migration], target: &str) -> String {
    let migrations = pending.iter().flat_map(|migration| [migration.name.as_str(), migration.sql.as_str()]);
    hash_of(["prisma-safe plan 1", target].into_iter().chain(migrations).map(str::as_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(name: &str, sql: &str) -> Migration {
        Migration { name: name.into(), path: name.into(), sql: sql.into() }
    }

    #[test]
    fn every_part_counts() {
        let base = plan_hash(&[migration("a", "SELECT 1;"), migration("b", "SELECT 2;")], "x");
        assert_eq!(base.len(), 16);
        assert_eq!(base, plan_hash(&[migration("a", "SELECT 1;"), migration("b", "SELECT 2;")], "x"));
        for (plan, target) in [
            (vec![migration("a", "SELECT 1;"), migration("b", "SELECT 2;")], "y"),
            (vec![migration("b", "SELECT 2;"), migration("a", "SELECT 1;")], "x"),
            (vec![migration("a", "SELECT 1; "), migration("b", "SELECT 2;")], "x"),
            (vec![migration("a", "SELECT 1;b"), migration("", "SELECT 2;")], "x"),
            (vec![migration("a", "SELECT 1;")], "x"),
            (vec![], "x"),
        ] {
            assert_ne!(base, plan_hash(&plan, target));
        }
    }
}
