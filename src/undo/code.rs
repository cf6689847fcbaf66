//! Code that a migration runs without naming it: triggers and rules of the tables it writes to.

use crate::catalog::live::{Kind, Live};
use crate::catalog::{Catalog, ObjectName};
use crate::effects::{self, What, Which};
use crate::sql::tokens::{after, name, tokens};
use crate::sql::{Script, StatementKind};

/// A trigger or rule.
#[derive(Debug, PartialEq, Eq)]
struct Firing {
    /// `trigger public.song.log`
    title: String,
    table: ObjectName,
    /// `insert`, `update` and so on.
    events: Vec<String>,
}

/// What fires, a phrase each: `what trigger public.song.log did on line 3`. `definitions` are those just before the migration.
pub fn fired(definitions: &Live, before: &Catalog, script: &Script) -> Vec<String> {
    let mut firing: Vec<Firing> = [Kind::Trigger, Kind::Rule]
        .into_iter()
        .flat_map(|kind| definitions.of(kind).map(move |(name, definition)| (kind, name, definition)))
        .filter(|(.., definition)| definition.get("state").is_none_or(|state| state != "disabled"))
        .filter_map(|(kind, name, own)| read(before, format!("{kind} {name}"), own.get("definition")?))
        .collect();
    let mut fired = Vec::new();
    let mut end = before.clone();
    end.apply(script, "");
    before.clone().walk(script, "", |catalog, statement| {
        let scene = effects::Scene::new(script, statement, catalog, &end);
        let mut writes: Vec<(ObjectName, &str)> = Vec::new();
        for effect in effects::of(&scene) {
            match effect.what {
                What::RowsDeleted { table, which: Which::Emptied } => writes.push((table, "truncate")),
                What::RowsDeleted { table, .. } => writes.push((table, "delete")),
                What::ValuesOverwritten { table, .. } => writes.push((table, "update")),
                _ => {}
            }
        }
        if let StatementKind::Insert { table } = &statement.kind {
            writes.push((catalog.resolve(table), "insert"));
        }
        let line = script.position(statement.range.start).line;
        for Firing { title, table, events } in &firing {
            if writes.iter().any(|(own, event)| own == table && events.iter().any(|own| own == event)) {
                fired.push(format!("what {title} did on line {line}"));
            }
        }
        if let StatementKind::CreateTrigger { name, .. } = &statement.kind {
            firing.extend(read(catalog, format!("trigger {name}"), scene.text));
        }
    });
    fired
}

/// A definition as PostgreSQL prints it, or as it is written.
fn read(catalog: &Catalog, title: String, definition: &str) -> Option<Firing> {
    const EVENTS: [&str; 4] = ["insert", "update", "delete", "truncate"];
    let tokens = tokens(definition);
    let rule = after(&tokens, "rule").is_some() && after(&tokens, "trigger").is_none();
    let timing = ["before", "after", "instead of"];
    let first = match rule {
        true => after(&tokens, "as on")?,
        false => timing.iter().find_map(|timing| after(&tokens, timing))?,
    };
    let end = first.iter().position(|token| token.is(if rule { "to" } else { "on" }))?;
    let table = catalog.resolve(&name(&first[end + 1..])?.0);
    let events = EVENTS.iter().filter(|event| first[..end].iter().any(|token| token.is(event)));
    Some(Firing { title, table, events: events.map(|event| (*event).to_owned()).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::live::Definition;

    fn definitions(objects: &[(Kind, &str, &str, &str)]) -> Live {
        let mut live = Live::default();
        for (kind, name, text, state) in objects {
            let part = |name: &str, text: &str| (name.to_owned(), text.to_owned());
            let definition = Definition::from([part("definition", text), part("state", state)]);
            live.objects.entry(*kind).or_default().insert((*name).to_owned(), definition);
        }
        live
    }

    #[test]
    fn what_fires_is_told_by_its_line() {
        let log = "CREATE TRIGGER log AFTER INSERT OR UPDATE OF x ON public.a FOR EACH ROW EXECUTE FUNCTION log()";
        let rule = "CREATE RULE quiet AS\n    ON DELETE TO public.b DO INSTEAD NOTHING";
        let live = definitions(&[
            (Kind::Trigger, "public.a.log", log, "enabled"),
            (Kind::Trigger, "public.a.off", log, "disabled"),
            (Kind::Rule, "public.b.quiet", rule, "enabled"),
        ]);
        let before = Script::parse(
            "CREATE TABLE a (id INT PRIMARY KEY, x INT); CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE);",
        );
        let before = Catalog::replay("public", [("1", &before)]);
        let fired = |sql: &str| fired(&live, &before, &Script::parse(sql));
        assert_eq!(fired("SELECT 1;\nUPDATE a SET x = 1;"), ["what trigger public.a.log did on line 2"]);
        assert_eq!(fired("DELETE FROM a;"), ["what rule public.b.quiet did on line 1"]);
        assert_eq!(fired("UPDATE b SET a = 1; TRUNCATE a CASCADE;"), [""; 0]);
        let own = "CREATE TRIGGER t BEFORE TRUNCATE ON b EXECUTE FUNCTION f();\nTRUNCATE b;";
        assert_eq!(fired(own), ["what trigger t did on line 2"]);
    }
}
