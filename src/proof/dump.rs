//! Definitions as `pg_dump` writes them, in an order of their own: equal for equal databases.

use std::process::Command;

use crate::database::DatabaseUrl;
use crate::env::Env;
use crate::tools::scratch::server_programs;

/// What is not ours and not Prisma's, statement by statement.
pub(super) fn definitions(url: &DatabaseUrl) -> Result<Vec<String>, String> {
    let programs = server_programs(&Env::read()).map_err(|error| format!("{error:?}"))?;
    let output = Command::new(programs.join("pg_dump"))
        .args(["--schema-only", "--exclude-schema=_prisma_safe", "--exclude-table=_prisma_migrations"])
        .arg(url.expose().split('?').next().unwrap_or_default())
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut blocks: Vec<String> = text
        .split("\n--\n-- Name: ")
        .skip(1)
        .filter_map(|block| block.split_once("\n--\n"))
        .map(|(_, sql)| ordered(sql))
        .collect();
    blocks.sort();
    Ok(blocks)
}

/// Columns in any order.
fn ordered(sql: &str) -> String {
    // an owner's right on a column says nothing
    let owners = |line: &str| line.starts_with("GRANT") && line.ends_with(" TO postgres;");
    // where pg_dump sets its own defaults follows the order of what it writes
    let own = |line: &str| ["--", "\\", "SET default_"].iter().any(|start| line.starts_with(start));
    let lines = sql.lines().filter(|line| !owners(line) && !line.is_empty() && !own(line));
    let mut lines: Vec<String> = lines.map(|line| line.trim_end_matches(',').to_owned()).collect();
    if lines
        .first()
        .is_some_and(|line| line.starts_with("CREATE TABLE") || line.starts_with("GRANT") || line.starts_with("REVOKE"))
    {
        lines.sort();
    }
    for line in lines.iter_mut().filter(|line| line.starts_with("CREATE STATISTICS")) {
        sort_columns(line);
    }
    lines.join("\n")
}

/// `… ON b, a FROM …`: the server lists columns in the order they stand in, whatever was written.
fn sort_columns(statistics: &mut String) {
    if let Some((head, rest)) = statistics.split_once(" ON ")
        && let Some((columns, table)) = rest.split_once(" FROM ")
    {
        let mut columns: Vec<&str> = columns.split(", ").collect();
        columns.sort_unstable();
        *statistics = format!("{head} ON {} FROM {table}", columns.join(", "));
    }
}

/// What is in one and not in the other.
pub(super) fn differences(before: &[String], after: &[String]) -> Vec<String> {
    let mut rest: Vec<&String> = after.iter().collect();
    let mut differences = Vec::new();
    for block in before {
        match rest.iter().position(|other| *other == block) {
            Some(at) => {
                rest.swap_remove(at);
            }
            None => differences.push(format!("- {}", block.replace('\n', "\n  "))),
        }
    }
    differences.extend(rest.into_iter().map(|block| format!("+ {}", block.replace('\n', "\n  "))));
    differences
}
