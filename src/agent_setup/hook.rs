//! Which of an agent's shell commands go around prisma-safe. It reads the words of a command line, not what they expand to: it turns
//! habits round, the fence and the guard hold.

use regex::Regex;

/// What becomes of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It does not concern us.
    Pass,
    /// It is refused, for this reason.
    Refuse(String),
}

/// Prisma itself, started by whatever starts packages; not `prisma-safe`.
const PRISMA: &str = r#"(?:^|[\s;&|("'`/=])prisma(?:@[\w.^~-]+)?["']?\s+(?:-[^\s]+\s+)*(migrate\s+(?:dev|deploy|reset|resolve)|db\s+(?:push|execute))\b"#;
/// A client of the database, or something that writes into one.
const CLIENT: &str = r"(?:^|[\s;&|(`/])(?:psql|pgcli|usql|pg_restore)(?:\s|$)";
/// What destroys, in SQL.
const DESTROYS: &str = r"(?i)\b(?:drop\s+(?:table|schema|database|column|type|view|index|owned|sequence|materialized|extension)|truncate\b|delete\s+from|alter\s+table)";
const CLEAN: &str = r"\bpg_restore\b[^;&|]*\s(?:--clean|-[a-zA-Z]*c)\b";
const DROPDB: &str = r"(?:^|[\s;&|(`/])dropdb(?:\s|$)";

/// Judges a command line.
pub fn judge(command: &str) -> Verdict {
    let found = |pattern: &str| {
        Regex::new(pattern).ok().and_then(|regex| {
            regex.captures(command).map(|all| {
                all.get(1)
                    .map_or_else(String::new, |group| group.as_str().split_whitespace().collect::<Vec<_>>().join(" "))
            })
        })
    };
    if let Some(words) = found(PRISMA) {
        return Verdict::Refuse(format!(
            "`prisma {words}` goes around the review, the backup and the rehearsal of this project: run `npx prisma-safe {words}` with the same options"
        ));
    }
    let destroys =
        found(CLIENT).is_some() && found(DESTROYS).is_some() || found(CLEAN).is_some() || found(DROPDB).is_some();
    match destroys {
        true => Verdict::Refuse(
            "this changes or empties the database by hand: write a migration (`npx prisma-safe migrate dev --create-only`), or let a \
             person run `npx prisma-safe db execute --file FILE`"
                .into(),
        ),
        false => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_around_is_refused_with_the_other_way() {
        for (command, way) in [
            ("npx prisma db push --force-reset", "npx prisma-safe db push"),
            ("npx -y prisma@7 migrate reset --force", "npx prisma-safe migrate reset"),
            ("pnpm exec prisma migrate deploy && echo done", "prisma-safe migrate deploy"),
            ("cd app && ./node_modules/.bin/prisma  migrate   dev", "prisma-safe migrate dev"),
            ("DATABASE_URL=x prisma db execute --stdin < a.sql", "prisma-safe db execute"),
            ("psql $DATABASE_URL -c 'DROP TABLE \"Song\"'", "migration"),
            ("echo 'truncate \"Song\"' | psql music", "migration"),
            ("psql -c \"delete from songs\"", "migration"),
            ("pg_restore --clean -d music dump", "migration"),
            ("dropdb music", "migration"),
        ] {
            let Verdict::Refuse(why) = judge(command) else { panic!("{command} passes") };
            assert!(why.contains(way), "{command}: {why}");
        }
    }

    #[test]
    fn everything_else_passes() {
        for command in [
            "npx prisma-safe migrate deploy",
            "npx prisma-safe db push --force-reset",
            "npx prisma generate && npx prisma migrate status",
            "npx prisma db pull",
            "psql -c 'SELECT count(*) FROM \"Song\"'",
            "grep -rn 'DROP TABLE' prisma/migrations",
            "git commit -m 'Explain why nobody runs prisma by hand'",
            "cat prisma/schema.prisma",
            "",
        ] {
            assert_eq!(judge(command), Verdict::Pass, "{command}");
        }
    }
}
