//! Rights.

use super::super::model::World;
use super::super::oracle::Kind;
use super::super::random::Random;
use super::Step;

pub(super) fn rights(random: &mut Random, world: &mut World) -> Option<Step> {
    let table = world.table(random);
    let (own, t) = (table.sql(), table.name.as_str());
    let granted = (!world.granted.is_empty()).then(|| random.pick(&world.granted).clone());
    let role = random.word(&["proof_reader", "proof_writer", "PUBLIC"]);
    match (random.below(8), granted) {
        (0, _) => Some(Step::new(format!("GRANT SELECT ON {own} TO {role}"))),
        (1 | 2, Some((what, name))) => {
            Some(Step::new(format!("REVOKE ALL ON {what} FROM {role} CASCADE")).may(Kind::Right, "", &name))
        }
        (3, Some((what, name))) => {
            Some(Step::new(format!("REVOKE ALL ON {what} FROM {role};\nGRANT ALL ON {what} TO {role}")).may(
                Kind::Right,
                "",
                &name,
            ))
        }
        (4, _) => {
            Some(Step::new(format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")).may(Kind::Right, "", ""))
        }
        (5, _) => Some(Step::new(format!("ALTER TABLE {own} OWNER TO proof_writer")).may(Kind::Owner, t, t)),
        (6, _) => Some(Step::new(format!("REVOKE USAGE ON SCHEMA public FROM {role}")).may(Kind::Right, "", "public")),
        (7, _) => Some(Step::new(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO proof_reader".to_owned(),
        )),
        _ => None,
    }
}
