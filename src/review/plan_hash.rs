//! The hash that names a plan: exactly this SQL, in this order, on exactly this database.

use sha2::{Digest as _, Sha256};

use crate::project::Migration;

/// The plan's hash, 16 hexadecimal digits. Accepting lines are part of the SQL, so a changed reason is a changed plan.
/// `target` identifies server and database, and holds no secret.
pub fn plan_hash(pending: &[Migration], target: &str) -> String {
    let mut hash = Sha256::new();
    // each part carries its length: no two plans have the same bytes
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    };
    part("prisma-safe plan 1");
    part(target);
    for migration in pending {
        part(&migration.name);
        part(&migration.sql);
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
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
