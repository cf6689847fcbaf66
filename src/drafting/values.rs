//! What the values of dropped columns look like in the database, as evidence for renames.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use postgres::{Client, Row};

use crate::catalog::ObjectName;
use crate::database::{DatabaseUrl, Failure, connect};
use crate::rename::profile::{Form, Profile, Wanted};
use crate::sql::{quote_identifier, quote_literal};

/// Rows of a table that are looked at.
const ROWS: usize = 2_000;
/// Columns that are looked at; a draft that drops more is not a rename.
const COLUMNS: usize = 40;
/// Nothing is changed, and no session waits for it.
const SETTINGS: &str =
    "SET default_transaction_read_only = on; SET statement_timeout = '2s'; SET lock_timeout = '200ms'";

/// Looks at the values, as far as the database answers: what it does not answer is not evidence.
pub(super) fn profiles(wanted: &[Wanted], url: &DatabaseUrl) -> BTreeMap<(ObjectName, String), Profile> {
    let mut profiles = BTreeMap::new();
    if wanted.is_empty() {
        return profiles;
    }
    let Ok(mut client) = connect(url, "prisma-safe migrate dev") else { return profiles };
    if client.batch_execute(SETTINGS).is_err() {
        return profiles;
    }
    for column in wanted.iter().take(COLUMNS) {
        if let Ok(profile) = look(&mut client, column) {
            profiles.insert((column.table.clone(), column.column.clone()), profile);
        }
    }
    profiles
}

fn look(client: &mut Client, wanted: &Wanted) -> Result<Profile, Failure> {
    let mut asked = String::from("count(*), count(t), count(DISTINCT t), coalesce(max(length(t)), 0)");
    let forms = Form::ALL.iter().map(|(_, expression)| format!("t ~* {}", quote_literal(expression)));
    let enums = wanted.enums.iter().map(|(_, values)| {
        let values: Vec<String> = values.iter().map(|value| quote_literal(value)).collect();
        format!("t IN ({})", if values.is_empty() { "NULL".into() } else { values.join(", ") })
    });
    for test in forms.chain(enums) {
        // writing to a String does not fail
        let _ = write!(asked, ", coalesce(bool_and({test}), false)");
    }
    let query = format!(
        "SELECT {asked} FROM (SELECT {}::text AS t FROM {} LIMIT {ROWS}) AS sample",
        quote_identifier(&wanted.column),
        wanted.table.quoted()
    );
    let row = client.query_one(&query, &[])?;
    let number = |row: &Row, at| row.try_get::<_, i64>(at).map(i64::unsigned_abs);
    let mut tests = (4..row.len()).map(|at| row.try_get::<_, bool>(at));
    let mut holds = || tests.next().transpose().map(Option::unwrap_or_default);
    let mut profile = Profile {
        rows: number(&row, 0)?,
        values: number(&row, 1)?,
        distinct: number(&row, 2)?,
        longest: row.try_get::<_, i32>(3)?.unsigned_abs().into(),
        ..Profile::default()
    };
    for (form, _) in Form::ALL {
        if holds()? {
            profile.forms.insert(*form);
        }
    }
    for (name, _) in &wanted.enums {
        if holds()? {
            profile.enums.insert(name.clone());
        }
    }
    Ok(profile)
}
