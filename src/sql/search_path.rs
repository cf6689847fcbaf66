//! Statements that make names without a schema mean the tables of another one.

use super::tokens::{Kind, tokens};
use super::{Script, Statement, StatementKind};

/// What a statement makes of `search_path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SearchPath {
    /// These schemas, in order.
    Schemas(Vec<String>),
    /// The session's own again: that of the role, the database or the server.
    Own,
    /// What only the server can tell.
    Unknown,
}

impl Default for SearchPath {
    /// Nothing has set it.
    fn default() -> Self {
        Self::Schemas(Vec::new())
    }
}

impl SearchPath {
    /// Those that are known, in order.
    pub(crate) fn schemas(&self) -> &[String] {
        match self {
            Self::Schemas(schemas) => schemas,
            Self::Own | Self::Unknown => &[],
        }
    }

    /// What a statement sets it to. None for a statement that leaves it alone, as far as its text says.
    pub(crate) fn set_by(statement: &Statement, text: &str) -> Option<Self> {
        match &statement.kind {
            StatementKind::Set { name, values, .. } if name == "search_path" => Some(match values.is_empty() {
                true => Self::Own,
                false => Self::of(values.iter().map(String::as_str)),
            }),
            StatementKind::Select => configured(text),
            StatementKind::Other { words } if words.starts_with("RESET") => {
                let meant = tokens(text).iter().any(|token| token.is("search_path") || token.is("all"));
                meant.then_some(Self::Own)
            }
            StatementKind::Do { .. } => text.to_lowercase().contains("search_path").then_some(Self::Unknown),
            _ => None,
        }
    }

    fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        // an empty path lets no bare name through, and PostgreSQL's own schema holds no tables of ours
        let named = values.filter(|schema| !matches!(*schema, "" | "$user" | "pg_catalog"));
        Self::Schemas(named.map(str::to_owned).collect())
    }

    /// Whether bare names then mean something beside the tables of this schema.
    pub(crate) fn leaves(&self, schema: &str) -> bool {
        match self {
            Self::Schemas(schemas) => schemas.iter().any(|own| own != schema),
            Self::Own | Self::Unknown => true,
        }
    }
}

/// `SELECT set_config('search_path', 'other', false)`
fn configured(text: &str) -> Option<SearchPath> {
    let tokens = tokens(text);
    let literal = |at: usize| tokens.get(at).filter(|token| token.kind == Kind::Literal).map(|token| token.text);
    let at = tokens.iter().position(|token| token.is("set_config"))?;
    if literal(at + 2).is_some_and(|name| !name.eq_ignore_ascii_case("search_path")) {
        return None;
    }
    let plain = tokens.get(at + 5).is_some_and(|token| token.is_symbol(","));
    let Some(value) = literal(at + 4).filter(|_| plain && literal(at + 2).is_some()) else {
        return Some(SearchPath::Unknown);
    };
    Some(SearchPath::of(value.split(',').map(|schema| schema.trim().trim_matches('"'))))
}

impl Script {
    /// Whether a statement makes bare names mean something beside the tables of this schema.
    pub(crate) fn leaves_schema(&self, schema: &str) -> bool {
        self.statements().iter().any(|statement| {
            let text = self.text().get(statement.range.clone()).unwrap_or_default();
            SearchPath::set_by(statement, text).is_some_and(|path| path.leaves(schema))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_names_stay_or_leave_with_the_path() {
        let leaves = |sql: &str| Script::parse(sql).leaves_schema("public");
        for stays in [
            "SET search_path = public, pg_catalog;",
            "SET search_path TO \"$user\", public;",
            "SET search_path = '';",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "SELECT set_config('search_path', 'public', true);",
            "SELECT set_config('lock_timeout', '4s', true);",
            "SELECT current_setting('search_path');",
            "ALTER FUNCTION f() SET search_path = other;",
            "ALTER ROLE app SET search_path = other;",
            "RESET lock_timeout;",
        ] {
            assert!(!leaves(stays), "{stays}");
        }
        for gone in [
            "SET search_path TO other;",
            "SET LOCAL search_path = public, other;",
            "SET SCHEMA 'other';",
            "SET search_path TO DEFAULT;",
            "RESET search_path;",
            "RESET ALL;",
            "SELECT set_config('search_path', 'other, public', false);",
            "SELECT set_config('search_path', 'o' || 'ther', false);",
            "SELECT set_config(name, 'other', false) FROM setting;",
            "DO $$ BEGIN PERFORM set_config('search_path', 'other', true); END $$;",
        ] {
            assert!(leaves(gone), "{gone}");
        }
    }
}
