//! The less common objects: rules, domains, statistics, schemas, and the rights of a whole role.

use super::super::model::{World, quoted};
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn rare_objects(random: &mut Random, world: &mut World) -> Option<Step> {
    let (exists, cascade) = (random.maybe("IF EXISTS "), random.maybe(" CASCADE"));
    let table = world.table(random);
    let (own, t) = (table.sql(), table.name.as_str());
    match random.below(14) {
        0 => {
            let rule = (!world.rules.is_empty()).then(|| random.pick(&world.rules).clone())?;
            let sql = format!("DROP RULE {exists}{} ON {}", rule.name, quoted(&rule.table));
            Some(Step::new(sql).may(Kind::Rule, &rule.table, &rule.name))
        }
        1 => {
            let rule = (!world.rules.is_empty()).then(|| random.pick(&world.rules).clone())?;
            let (name, of) = (&rule.name, quoted(&rule.table));
            let (sql, kind) = match random.below(3) {
                0 => (format!("ALTER TABLE {of} DISABLE RULE {name}"), Kind::State),
                1 => (format!("ALTER RULE {name} ON {of} RENAME TO {name}_new"), Kind::Name),
                _ => (format!("CREATE OR REPLACE RULE {name} AS ON DELETE TO {of} DO ALSO NOTHING"), Kind::Definition),
            };
            Some(Step::new(sql).may(kind, &rule.table, name))
        }
        2 => {
            let name = world.fresh("rule");
            Some(Step::new(format!("CREATE RULE {name} AS ON UPDATE TO {own} WHERE OLD.id = 2 DO INSTEAD NOTHING")))
        }
        3 => Some(Step::new(format!("CREATE DOMAIN {} AS text CHECK (VALUE <> '')", world.fresh("dom")))),
        4 if world.domain => {
            let sql = random.word(&[
                "ALTER DOMAIN short SET DEFAULT 'x'",
                "ALTER DOMAIN short DROP CONSTRAINT short_check",
                "ALTER DOMAIN short SET NOT NULL",
            ]);
            Some(Step::new(sql).may(Kind::Definition, "", "short").may(Kind::Constraint, "", "short_check"))
        }
        5 if world.domain => {
            Some(Step::new(format!("DROP DOMAIN {exists}short{cascade}")).may(Kind::Domain, "", "short"))
        }
        6 => {
            let name = world.statistics.clone()?;
            let sql = format!("DROP STATISTICS {exists}{name}");
            Some(Step::new(sql).may(Kind::Statistics, "", &name))
        }
        7 => {
            let sql = match random.below(3) {
                0 => format!("DROP SCHEMA {exists}side{cascade}"),
                1 => "ALTER SCHEMA side RENAME TO other".to_owned(),
                _ => "ALTER TABLE side.stock SET SCHEMA public".to_owned(),
            };
            let step =
                world.side.then(|| Step::new(sql).may(Kind::Schema, "side", "side").may(Kind::Name, "side", "side"))?;
            let held = world.twin.iter().map(|twin| twin.name.as_str()).chain(["stock"]);
            Some(held.fold(step, |step, held| step.may(Kind::Name, held, held).may(Kind::Table, held, held)))
        }
        8 => {
            let sql = random.word(&["DROP OWNED BY proof_reader", "REASSIGN OWNED BY proof_writer TO postgres"]);
            Some(Step::new(sql).may(Kind::Right, "", "").may(Kind::Owner, "", ""))
        }
        9 => Some(Step::new("DROP TYPE \"Mood\" CASCADE").may(Kind::Enum, "Mood", "Mood")),
        10 => {
            let name = world.fresh("mat_new");
            Some(Step::new(format!("CREATE MATERIALIZED VIEW {name} AS SELECT id FROM {own}")))
        }
        11 => {
            let sequence = (!world.sequences.is_empty()).then(|| random.pick(&world.sequences).clone())?;
            let fresh = world.fresh("seq");
            world.sequences.retain(|known| *known != sequence);
            let sql = match random.below(2) {
                0 => format!("ALTER SEQUENCE {sequence} RENAME TO {fresh}"),
                _ => format!("ALTER SEQUENCE {sequence} OWNED BY {own}.id"),
            };
            Some(Step::new(sql).may(Kind::Name, "", &sequence))
        }
        12 => {
            let trigger = (!world.triggers.is_empty()).then(|| random.pick(&world.triggers).clone())?;
            let sql = format!("ALTER TRIGGER {0} ON {1} RENAME TO {0}_new", trigger.name, quoted(&trigger.table));
            world.triggers.retain(|known| known.name != trigger.name);
            Some(Step::new(sql).may(Kind::Name, &trigger.table, &trigger.name))
        }
        _ => {
            let what = random.word(&["SELECT", "UPDATE (id)", "ALL"]);
            let from = random.word(&["proof_reader", "proof_writer"]);
            Some(Step::new(format!("REVOKE {what} ON {own} FROM {from}")).may(Kind::Right, t, "").may(
                Kind::Right,
                "",
                t,
            ))
        }
    }
}
