//! What belongs to a database and is in no dump of it: locale, settings, rights, limits.

use postgres::Client;
use serde_json::Value;

use super::target::Found;
use crate::database::Failure;
use crate::error::{Error, Explain as _, Result};
use crate::sql::{quote_identifier, quote_literal};

/// Settings whose stored value is a list of quoted names already.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

const SETTINGS: &str = "
SELECT r.rolname::text, unnest(s.setconfig) FROM pg_catalog.pg_db_role_setting s
LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase = $1 AND (s.setrole = 0 OR r.oid IS NOT NULL)";

const GRANTS: &str = "
SELECT CASE a.grantee WHEN 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee)::text END, a.privilege_type, a.is_grantable
FROM pg_catalog.pg_database d, pg_catalog.aclexplode(d.datacl) a WHERE d.oid = $1";

/// The statement that creates an empty database like `original`; like the server's default without one.
pub(super) fn create(name: &str, original: Option<&Found>) -> String {
    let mut sql = format!("CREATE DATABASE {} TEMPLATE template0", quote_identifier(name));
    let Some(original) = original else { return sql };
    let text = |column: &str| original.row.get(column).and_then(Value::as_str);
    let mut option = |name: &str, value: Option<String>| {
        sql.extend(value.map(|value| format!(" {name} {value}")));
    };
    option("OWNER", Some(quote_identifier(&original.owner)));
    option("ENCODING", Some(quote_literal(&original.encoding)));
    option("LC_COLLATE", text("datcollate").map(quote_literal));
    option("LC_CTYPE", text("datctype").map(quote_literal));
    // named differently from 17 on
    let locale = text("datlocale").or(text("daticulocale")).map(quote_literal);
    match text("datlocprovider") {
        Some("i") => {
            option("LOCALE_PROVIDER", Some("icu".into()));
            option("ICU_LOCALE", locale);
            option("ICU_RULES", text("daticurules").map(quote_literal));
        }
        Some("b") => {
            option("LOCALE_PROVIDER", Some("builtin".into()));
            option("BUILTIN_LOCALE", locale);
        }
        _ => {}
    }
    // the default one needs a right only where it is named
    let tablespace = Some(&original.tablespace).filter(|name| *name != "pg_default");
    option("TABLESPACE", tablespace.map(|name| quote_identifier(name)));
    sql
}

/// Gives the database `name` the settings, rights and limits of `original`.
///
/// # Errors
/// Names what this role may not set.
pub(super) fn copy(client: &mut Client, original: &Found, name: &str) -> Result<()> {
    let failed = || "could not read the settings of the database".to_owned();
    let settings = client.query(SETTINGS, &[&original.oid]).map_err(Failure::from).explain(failed)?;
    let grants = client.query(GRANTS, &[&original.oid]).map_err(Failure::from).explain(failed)?;
    let database = quote_identifier(name);
    let mut statements = Vec::new();
    for row in settings {
        let (role, setting): (Option<String>, String) = (row.get(0), row.get(1));
        statements.extend(set(&database, role.as_deref(), &setting));
    }
    if original.row.get("datacl").is_some_and(|acl| !acl.is_null()) {
        statements.push(format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"));
        for row in grants {
            let (grantee, privilege, grantable): (Option<String>, String, bool) = (row.get(0), row.get(1), row.get(2));
            let grantee = grantee.map_or("PUBLIC".into(), |role| quote_identifier(&role));
            let option = if grantable { " WITH GRANT OPTION" } else { "" };
            statements.push(format!("GRANT {privilege} ON DATABASE {database} TO {grantee}{option}"));
        }
    }
    if let Some(limit) = original.row.get("datconnlimit").and_then(Value::as_i64).filter(|limit| *limit >= 0) {
        statements.push(format!("ALTER DATABASE {database} CONNECTION LIMIT {limit}"));
    }
    for statement in statements {
        let done = client.batch_execute(&statement).map_err(Failure::from);
        done.map_err(|failure| {
            Error::failed("a setting of the live database could not be given to the restored one")
                .because(format!("{statement}: {failure}"))
                .help("restore as the database's owner, or as a superuser")
        })?;
    }
    Ok(())
}

/// `ALTER DATABASE … SET` for one stored setting: `name=value`.
fn set(database: &str, role: Option<&str>, setting: &str) -> Option<String> {
    let (name, value) = setting.split_once('=')?;
    let value = if LISTS.contains(&name) && !value.is_empty() { value.to_owned() } else { quote_literal(value) };
    // a class and a name: `pg_stat_statements.track`
    let name = name.split('.').map(quote_identifier).collect::<Vec<_>>().join(".");
    Some(match role {
        Some(role) => format!("ALTER ROLE {} IN DATABASE {database} SET {name} TO {value}", quote_identifier(role)),
        None => format!("ALTER DATABASE {database} SET {name} TO {value}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_quoted_already() {
        let set = |setting| set("\"d\"", None, setting).unwrap();
        assert_eq!(
            set("search_path=\"$user\", public"),
            "ALTER DATABASE \"d\" SET \"search_path\" TO \"$user\", public"
        );
        assert_eq!(set("lock_timeout=3s"), "ALTER DATABASE \"d\" SET \"lock_timeout\" TO '3s'");
        assert_eq!(set("my.note=it's = so"), "ALTER DATABASE \"d\" SET \"my\".\"note\" TO 'it''s = so'");
    }
}
