//! Views, functions, triggers, policies, enums.

use super::super::model::{World, quoted};
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn objects(random: &mut Random, world: &mut World) -> Option<Step> {
    match random.below(5) {
        0 | 1 => views(random, world),
        2 => functions(random, world),
        3 => of_tables(random, world),
        _ => enums(random, world),
    }
}

fn views(random: &mut Random, world: &mut World) -> Option<Step> {
    let (exists, cascade) = (random.maybe("IF EXISTS "), random.maybe(" CASCADE"));
    if random.percent(25) {
        let view = (!world.materialized.is_empty()).then(|| random.pick(&world.materialized).clone())?;
        let name = view.name.as_str();
        return Some(match random.below(3) {
            0 => {
                world.materialized.retain(|known| known.name != view.name);
                Step::new(format!("DROP MATERIALIZED VIEW {exists}{name}")).may(Kind::Materialized, name, name).may(
                    Kind::Rows,
                    name,
                    name,
                )
            }
            1 => Step::new(format!("REFRESH MATERIALIZED VIEW {name}")).may(Kind::Rows, name, name),
            _ => Step::new(format!("REFRESH MATERIALIZED VIEW {name} WITH NO DATA")).may(Kind::Rows, name, name),
        });
    }
    if world.views.is_empty() || random.percent(20) {
        let table = world.table(random);
        let name = world.fresh("view");
        return Some(Step::new(format!(
            "CREATE {}VIEW {name} AS SELECT id FROM {}",
            random.maybe("OR REPLACE "),
            table.sql()
        )));
    }
    let view = random.pick(&world.views).clone();
    let (name, of) = (view.name.as_str(), quoted(&view.table));
    let t = view.table.as_str();
    Some(match random.below(6) {
        0 => {
            world.views.retain(|known| known.name != view.name);
            Step::new(format!("DROP VIEW {exists}{name}{cascade}")).may(Kind::View, t, name)
        }
        1 => {
            world.views.retain(|known| known.name != view.name);
            let sql = format!("DROP VIEW {exists}{name}{cascade};\nCREATE VIEW {name} AS SELECT id FROM {of}");
            Step::new(sql).may(Kind::Definition, t, name)
        }
        2 => Step::new(format!("CREATE OR REPLACE VIEW {name} AS SELECT id FROM {of} WHERE id > 2")).may(
            Kind::Definition,
            t,
            name,
        ),
        3 => {
            let fresh = world.fresh("view");
            world.views.retain(|known| known.name != view.name);
            Step::new(format!("ALTER VIEW {exists}{name} RENAME TO {fresh}")).may(Kind::Name, t, name)
        }
        4 => Step::new(format!("ALTER VIEW {name} OWNER TO proof_writer")).may(Kind::Owner, t, name),
        _ => Step::new(format!("COMMENT ON VIEW {name} IS 'new'")).may(Kind::Comment, t, name),
    })
}

fn functions(random: &mut Random, world: &mut World) -> Option<Step> {
    let exists = random.maybe("IF EXISTS ");
    if world.functions.is_empty() || random.percent(20) {
        let name = world.fresh("fn");
        return Some(Step::new(format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS integer LANGUAGE sql AS 'SELECT 2'"
        )));
    }
    let name = random.pick(&world.functions).clone();
    Some(match random.below(5) {
        0 => {
            world.functions.retain(|known| *known != name);
            Step::new(format!("DROP FUNCTION {exists}{name}()")).may(Kind::Function, "", &name)
        }
        1 => {
            let sql = format!(
                "DROP FUNCTION {exists}{name};\nCREATE FUNCTION {name}() RETURNS integer LANGUAGE sql AS 'SELECT 3'"
            );
            Step::new(sql).may(Kind::Definition, "", &name)
        }
        2 => Step::new(format!("CREATE OR REPLACE FUNCTION {name}() RETURNS integer LANGUAGE sql AS 'SELECT 4'")).may(
            Kind::Definition,
            "",
            &name,
        ),
        3 => Step::new(format!("ALTER FUNCTION {name}() SECURITY DEFINER")).may(Kind::Definition, "", &name),
        _ => {
            let fresh = world.fresh("fn");
            world.functions.retain(|known| *known != name);
            Step::new(format!("ALTER FUNCTION {name}() RENAME TO {fresh}")).may(Kind::Name, "", &name)
        }
    })
}

/// Triggers, policies, row security.
fn of_tables(random: &mut Random, world: &mut World) -> Option<Step> {
    let table = world.table(random);
    let (own, t) = (table.sql(), table.name.as_str());
    let trigger = (!world.triggers.is_empty()).then(|| random.pick(&world.triggers).clone());
    let policy = (!world.policies.is_empty()).then(|| random.pick(&world.policies).clone());
    match (random.below(9), trigger, policy) {
        (0, Some(trigger), _) => {
            world.triggers.retain(|known| known.name != trigger.name);
            let sql =
                format!("DROP TRIGGER {}{} ON {}", random.maybe("IF EXISTS "), trigger.name, quoted(&trigger.table));
            Some(Step::new(sql).may(Kind::Trigger, &trigger.table, &trigger.name))
        }
        (1, Some(trigger), _) => {
            let which = if random.percent(50) { trigger.name.as_str() } else { "ALL" };
            let step = Step::new(format!("ALTER TABLE {} DISABLE TRIGGER {which}", quoted(&trigger.table)));
            Some(step.may(Kind::State, &trigger.table, if which == "ALL" { "" } else { &trigger.name }))
        }
        (2, Some(trigger), _) => {
            let (of, name) = (quoted(&trigger.table), &trigger.name);
            let sql = format!(
                "CREATE FUNCTION re_{name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n\
                 CREATE OR REPLACE TRIGGER {name} AFTER INSERT ON {of} FOR EACH ROW EXECUTE FUNCTION re_{name}()"
            );
            Some(Step::new(sql).may(Kind::Definition, &trigger.table, name))
        }
        (3, _, Some(policy)) => {
            world.policies.retain(|known| known.name != policy.name);
            let sql = format!("DROP POLICY {}{} ON {}", random.maybe("IF EXISTS "), policy.name, quoted(&policy.table));
            Some(Step::new(sql).may(Kind::Policy, &policy.table, &policy.name))
        }
        (4, _, Some(policy)) => {
            let sql = format!("ALTER POLICY {} ON {} USING (true)", policy.name, quoted(&policy.table));
            Some(Step::new(sql).may(Kind::Definition, &policy.table, &policy.name))
        }
        (5, _, Some(policy)) => {
            let sql = format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY", quoted(&policy.table));
            Some(Step::new(sql).may(Kind::RowSecurity, &policy.table, &policy.table))
        }
        (6, ..) => Some(Step::new(format!("ALTER TABLE {own} ENABLE ROW LEVEL SECURITY")).may(Kind::RowSecurity, t, t)),
        (7, ..) => {
            let sql = format!("CREATE POLICY {} ON {own} USING (id > 5)", world.fresh("pol"));
            Some(Step::new(sql))
        }
        (8, ..) => {
            let text = random.word(&["NULL", "'of now'"]);
            Some(Step::new(format!("COMMENT ON TABLE {own} IS {text}")).may(Kind::Comment, t, t))
        }
        _ => None,
    }
}

fn enums(random: &mut Random, world: &mut World) -> Option<Step> {
    let used: Vec<(String, String, bool)> = world
        .tables
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
        .filter(|(_, column)| column.kind == super::super::model::Type::Mood)
        .map(|(table, column)| (table.name.clone(), column.name.clone(), column.default))
        .collect();
    Some(match random.below(5) {
        0 => Step::new(format!("ALTER TYPE \"Mood\" ADD VALUE {}'fierce'", random.maybe("IF NOT EXISTS "))),
        1 => Step::new("ALTER TYPE \"Mood\" RENAME VALUE 'lost' TO 'gone'").may(Kind::Name, "Mood", "lost"),
        2 => {
            let fresh = world.fresh("Feel");
            Step::new(format!("CREATE TYPE \"{fresh}\" AS ENUM ('a', 'b')"))
        }
        3 | 4 => {
            // as Prisma drafts it
            let labels = random.word(&["'calm', 'wild'", "'calm', 'wild', 'lost', 'fierce'"]);
            let mut sql = format!("CREATE TYPE \"Mood_new\" AS ENUM ({labels});\n");
            let mut step = Step::default();
            for (table, column, default) in &used {
                let (own, on) = (quoted(table), quoted(column));
                if *default {
                    sql.push_str(&format!("ALTER TABLE {own} ALTER COLUMN {on} DROP DEFAULT;\n"));
                }
                sql.push_str(&format!(
                    "ALTER TABLE {own} ALTER COLUMN {on} TYPE \"Mood_new\" USING ({on}::text::\"Mood_new\");\n"
                ));
                step = step.may(Kind::Type, table, column).may(Kind::Default, table, column).may(
                    Kind::Retyped,
                    table,
                    column,
                );
            }
            sql.push_str("ALTER TYPE \"Mood\" RENAME TO \"Mood_old\";\nALTER TYPE \"Mood_new\" RENAME TO \"Mood\";\nDROP TYPE \"Mood_old\"");
            Step { sql, ..step }.may(Kind::Label, "Mood", "lost")
        }
        _ => return None,
    })
}
