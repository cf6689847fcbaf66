//! What fell with a migration beside what its reverse names: views, triggers, policies and the like that leaned on a table or
//! column. The definitions read before the migration know them, and so they are made again.

use postgres::Client;
use postgres::types::Type;

use crate::catalog::live::{Definition, Kind, Live, Without};
use crate::database::Failure;
use crate::sql::{quote_identifier, quote_literal};

/// What can be made again from its definition alone, in the order in which that mostly succeeds.
const KINDS: [Kind; 9] = [
    Kind::Function,
    Kind::Constraint,
    Kind::Index,
    Kind::Statistics,
    Kind::View,
    Kind::MaterializedView,
    Kind::Rule,
    Kind::Trigger,
    Kind::Policy,
];

/// What was done about it.
#[derive(Debug, Default)]
pub(super) struct Recreated {
    /// `view public.songs`
    pub made: Vec<String>,
    /// What is not as it was, a sentence each.
    pub lost: Vec<String>,
}

/// Makes what was there before the migration, was gone after it, and is not there yet. What cannot be made is left to the
/// comparison of the definitions, which tells it.
pub(super) fn recreate(client: &mut Client, before: &Live, after: &Live) -> Result<Recreated, Failure> {
    let now = Live::read_within(client, &Without::default())?;
    let missing = fallen(before, after).filter(|object| !has(&now, object.kind, object.name));
    let mut open: Vec<(Object<'_>, Vec<String>)> =
        missing.filter_map(|object| Some((object, object.statements()?))).collect();
    let dress: Vec<String> = fallen(before, after).flat_map(|object| object.dress()).collect();
    let mut done = Recreated::default();
    if open.is_empty() && dress.is_empty() {
        return Ok(done);
    }
    // the definitions are qualified, as they were read
    let path: String = client.query_typed_one("SELECT current_setting('search_path')", &[])?.try_get(0)?;
    client.batch_execute("SELECT set_config('search_path', '', true)")?;
    // one may lean on another, which comes later: as long as something succeeds, the rest is tried again
    loop {
        let mut later = Vec::new();
        let tried = open.len();
        for (object, statements) in open {
            match attempt(client, &statements.join(";\n"))? {
                true => done.took(&object),
                false => later.push((object, statements)),
            }
        }
        if later.is_empty() || later.len() == tried {
            break;
        }
        open = later;
    }
    for statement in dress {
        attempt(client, &statement)?;
    }
    client.query_typed("SELECT set_config('search_path', $1, true)", &[(&path, Type::TEXT)])?;
    Ok(done)
}

/// Runs SQL of which nothing stays if the server refuses it. A lock that is not free and a lost connection are no refusal.
pub(super) fn attempt(client: &mut Client, sql: &str) -> Result<bool, Failure> {
    client.batch_execute("SAVEPOINT prisma_safe_fallen")?;
    let refused = match client.batch_execute(sql).map_err(Failure::from) {
        Ok(()) => false,
        Err(failure) if failure.is_lock() || failure.is_disconnect() => return Err(failure),
        Err(_) => true,
    };
    if refused {
        client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_fallen")?;
    }
    client.batch_execute("RELEASE SAVEPOINT prisma_safe_fallen")?;
    Ok(!refused)
}

impl Recreated {
    fn took(&mut self, object: &Object<'_>) {
        let what = format!("{} {}", object.kind, object.name);
        if matches!(object.kind, Kind::View | Kind::MaterializedView | Kind::Function) {
            self.lost.push(format!("rights on the {what} that were granted before: grant them again"));
        }
        self.made.push(what);
    }
}

/// What was there before a migration and not after it.
fn fallen<'a>(before: &'a Live, after: &'a Live) -> impl Iterator<Item = Object<'a>> {
    let kinds = KINDS.into_iter().chain([Kind::Table, Kind::Column]);
    kinds.flat_map(move |kind| {
        let gone = before.of(kind).filter(move |(name, _)| !has(after, kind, name));
        gone.map(move |(name, definition)| Object { kind, name, definition })
    })
}

fn has(live: &Live, kind: Kind, name: &str) -> bool {
    live.objects.get(&kind).is_some_and(|objects| objects.contains_key(name))
}

/// An object as it was.
#[derive(Clone, Copy)]
struct Object<'a> {
    kind: Kind,
    /// As SQL writes it.
    name: &'a str,
    definition: &'a Definition,
}

impl Object<'_> {
    fn part(&self, name: &str) -> Option<&str> {
        self.definition.get(name).map(String::as_str)
    }

    /// Where it belongs to a table: the table, and its own name.
    fn of_table(&self) -> Option<(&str, &str)> {
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
    fn statements(&self) -> Option<Vec<String>> {
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
            _ => return None,
        })
    }

    fn options(&self) -> String {
        self.part("options").map_or_else(String::new, |options| format!(" WITH ({options})"))
    }

    fn clustered(&self) -> Option<String> {
        let text = self.part("definition").filter(|_| self.part("cluster").is_some())?;
        let table = text.split_once(" ON ")?.1.split_once(" USING ")?.0;
        let (_, own) = self.of_table()?;
        Some(format!("ALTER TABLE {} CLUSTER ON {own}", table.trim_start_matches("ONLY ")))
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

    /// What it wears besides: a comment, row security.
    fn dress(&self) -> Vec<String> {
        let name = self.name;
        let comment = self.part("comment").and_then(|text| {
            let on = match self.kind {
                Kind::Constraint => self.of_table().map(|(table, own)| format!("CONSTRAINT {own} ON {table}"))?,
                kind => format!("{} {name}", kind.to_string().to_uppercase()),
            };
            Some(format!("COMMENT ON {on} IS {}", quote_literal(text)))
        });
        let secured = self.part("row security").map(|how| {
            let force = if how == "forced" { ", FORCE ROW LEVEL SECURITY" } else { "" };
            format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY{force}")
        });
        comment.into_iter().chain(secured).collect()
    }
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
