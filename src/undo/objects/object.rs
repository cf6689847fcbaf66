//! One object of a database: the SQL that makes it from its definition, and that drops it.

use crate::catalog::live::{Definition, Kind};
use crate::sql::quote_identifier;

/// An object as it was.
#[derive(Clone, Copy)]
pub(super) struct Object<'a> {
    pub kind: Kind,
    /// As SQL writes it.
    pub name: &'a str,
    pub definition: &'a Definition,
}

impl Object<'_> {
    pub(super) fn part(&self, name: &str) -> Option<&str> {
        self.definition.get(name).map(String::as_str)
    }

    /// Where it belongs to a table: the table, and its own name.
    pub(super) fn of_table(&self) -> Option<(&str, &str)> {
        let mut quoted = false;
        let mut at = None;
        for (place, character) in self.name.char_indices() {
            match character {
                '"' => quoted = !quoted,
                '.' if !quoted => at = Some(place),
                _ => {}
            }
        }
        at.map(|at| (&self.name[..at], &self.name[at + 1..]))
    }

    /// What makes it; none for what only a reverse can make.
    pub(super) fn statements(&self) -> Option<Vec<String>> {
        let name = self.name;
        let text = self.part("definition").map(|text| text.trim_end().trim_end_matches(';'));
        Some(match self.kind {
            // a definition that is no SQL
            Kind::Function if text?.starts_with("aggregate of") => return None,
            Kind::Function | Kind::Statistics => vec![text?.to_owned()],
            Kind::Index => vec![text?.to_owned()].into_iter().chain(self.clustered()).collect(),
            Kind::Constraint => {
                let (table, own) = self.of_table()?;
                vec![format!("ALTER TABLE {table} ADD CONSTRAINT {own} {}", text?)]
            }
            Kind::View => vec![format!("CREATE VIEW {name}{} AS {}", self.options(), text?)],
            Kind::MaterializedView => {
                let rows = if self.part("state") == Some("populated") { "WITH DATA" } else { "WITH NO DATA" };
                vec![format!("CREATE MATERIALIZED VIEW {name}{} AS {} {rows}", self.options(), text?)]
            }
            Kind::Trigger | Kind::Rule => vec![text?.to_owned()].into_iter().chain(self.enabled()).collect(),
            Kind::Policy => vec![self.policy()?],
            Kind::Domain => vec![self.domain()?],
            Kind::Type if !text?.starts_with("range of") => vec![format!("CREATE TYPE {name} AS ({})", text?)],
            _ => return None,
        })
    }

    fn options(&self) -> String {
        self.part("options").map_or_else(String::new, |options| format!(" WITH ({options})"))
    }

    pub(super) fn clustered(&self) -> Option<String> {
        let text = self.part("definition").filter(|_| self.part("cluster").is_some())?;
        let (_, own) = self.of_table()?;
        Some(format!("ALTER TABLE {} CLUSTER ON {own}", table_of_index(text)?))
    }

    /// Whether a trigger or a rule fires.
    fn enabled(&self) -> Option<String> {
        let how = match self.part("state")? {
            "disabled" => "DISABLE",
            "replica only" => "ENABLE REPLICA",
            "always" => "ENABLE ALWAYS",
            _ => return None,
        };
        let (table, own) = self.of_table()?;
        let what = if self.kind == Kind::Trigger { "TRIGGER" } else { "RULE" };
        Some(format!("ALTER TABLE {table} {how} {what} {own}"))
    }

    fn policy(&self) -> Option<String> {
        let (table, own) = self.of_table()?;
        let command = match self.part("command")? {
            "r" => "SELECT",
            "a" => "INSERT",
            "w" => "UPDATE",
            "d" => "DELETE",
            _ => "ALL",
        };
        let role = |role: &str| if role == "public" { "PUBLIC".to_owned() } else { quote_identifier(role) };
        let roles: Vec<String> = self.part("roles")?.split(", ").map(role).collect();
        let kind = self.part("kind")?.to_uppercase();
        let condition = self.part("condition").map(|text| format!(" USING ({text})")).unwrap_or_default();
        let check = self.part("check").map(|text| format!(" WITH CHECK ({text})")).unwrap_or_default();
        Some(format!(
            "CREATE POLICY {own} ON {table} AS {kind} FOR {command} TO {}{condition}{check}",
            roles.join(", ")
        ))
    }

    fn domain(&self) -> Option<String> {
        let default = self.part("default").map(|text| format!(" DEFAULT {text}")).unwrap_or_default();
        let null = self.part("nullability").filter(|null| *null == "NOT NULL").map_or("", |_| " NOT NULL");
        let checks = self.part("constraints").map(|text| format!(" {text}")).unwrap_or_default();
        Some(format!("CREATE DOMAIN {} AS {}{default}{null}{checks}", self.name, self.part("type")?))
    }

    /// What drops it; none for what only a reverse may drop, as values are in it.
    pub(super) fn drop(&self) -> Option<String> {
        let name = self.name;
        Some(match self.kind {
            Kind::View => format!("DROP VIEW {name}"),
            Kind::MaterializedView => format!("DROP MATERIALIZED VIEW {name}"),
            Kind::Function => format!("DROP ROUTINE {name}"),
            Kind::Statistics => format!("DROP STATISTICS {name}"),
            Kind::Domain => format!("DROP DOMAIN {name}"),
            Kind::Type => format!("DROP TYPE {name}"),
            Kind::Trigger | Kind::Rule | Kind::Policy => {
                let (table, own) = self.of_table()?;
                format!("DROP {} {own} ON {table}", self.kind.to_string().to_uppercase())
            }
            _ => return None,
        })
    }

    /// What it is called in `COMMENT ON` and the rights on it.
    pub(super) fn on(&self) -> Option<String> {
        let name = self.name;
        Some(match self.kind {
            Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy => {
                let word = self.kind.to_string().to_uppercase();
                self.of_table().map(|(table, own)| format!("{word} {own} ON {table}"))?
            }
            Kind::Enum | Kind::Type => format!("TYPE {name}"),
            Kind::Function => format!("ROUTINE {name}"),
            Kind::Statistics => format!("STATISTICS {name}"),
            kind => format!("{} {name}", kind.to_string().to_uppercase()),
        })
    }
}

/// As `pg_get_indexdef` writes it.
pub(super) fn table_of_index(definition: &str) -> Option<&str> {
    let (table, _) = definition.split_once(" ON ")?.1.split_once(" USING ")?;
    Some(table.trim_start_matches("ONLY "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(kind: Kind, name: &str, parts: &[(&str, &str)]) -> Vec<String> {
        let definition = parts.iter().map(|(part, text)| ((*part).to_owned(), (*text).to_owned())).collect();
        Object { kind, name, definition: &definition }.statements().unwrap_or_default()
    }

    #[test]
    fn names_with_dots_and_quotes_belong_to_their_table() {
        let definition = Definition::new();
        let song = Object { kind: Kind::Trigger, name: r#"public."So.ng"."a.b""#, definition: &definition };
        assert_eq!(song.of_table(), Some((r#"public."So.ng""#, r#""a.b""#)));
        let quoted = Object { name: r#"public."a""b.c".x"#, ..song };
        assert_eq!(quoted.of_table(), Some((r#"public."a""b.c""#, "x")));
    }

    #[test]
    fn each_kind_has_its_statement() {
        let view =
            statements(Kind::View, "public.v", &[("definition", " SELECT 1;"), ("options", "security_barrier=true")]);
        assert_eq!(view, ["CREATE VIEW public.v WITH (security_barrier=true) AS  SELECT 1"]);
        let policy = [("kind", "permissive"), ("command", "r"), ("roles", "public, App"), ("condition", "(x > 0)")];
        assert_eq!(
            statements(Kind::Policy, "public.t.p", &policy),
            [r#"CREATE POLICY p ON public.t AS PERMISSIVE FOR SELECT TO PUBLIC, "App" USING ((x > 0))"#]
        );
        let trigger = [("definition", "CREATE TRIGGER g …"), ("state", "disabled")];
        assert_eq!(
            statements(Kind::Trigger, "public.t.g", &trigger),
            ["CREATE TRIGGER g …", "ALTER TABLE public.t DISABLE TRIGGER g"]
        );
        assert_eq!(statements(Kind::Function, "public.f(integer)", &[("definition", "aggregate of …")]), [""; 0]);
    }
}
