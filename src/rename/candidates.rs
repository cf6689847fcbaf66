//! All candidates of a draft: tables and enums first, then columns and values in the light of them, each kind assigned
//! one-to-one with the best total.

use super::around::Around;
use super::candidate::{Candidate, Rename};
use super::columns::{self, Compared, Holds};
use super::exchange::{Exchange, Types};
use super::given::Given;
use super::scene::Scene;
use super::score::{ASK, Scale};
use super::settle::{Compare, Table, settle};
use super::weights::Sign;
use super::{enums, joins, sides, tables};
use crate::catalog::ObjectName;

/// Candidates given what is decided, best first within each kind. Decided renames are not among them.
pub(crate) fn find(scene: &Scene<'_>, given: &Given) -> Vec<Candidate> {
    let mut around = Around::default();
    given.renames.iter().for_each(|rename| around.take(rename));
    let enums = enums::types(scene, given);
    likely(&enums).for_each(|candidate| around.take(&candidate.rename));
    let tables = settle(scene, tables::compared(scene, given, &around));
    likely(&tables).for_each(|candidate| around.take(&candidate.rename));
    let mut joins = joins::find(scene, given, &around);
    let undecided = |of: &ObjectName| {
        let renames = |own: &&Candidate| matches!(&own.rename, Rename::Table { from, .. } if from == of);
        likely(&tables).filter(|own| !own.certain).any(|own| renames(&own))
    };
    for join in &mut joins {
        let Rename::Table { from, .. } = &join.rename else { continue };
        if joins::ends(scene.before, from).is_some_and(|(a, b)| undecided(&a) || undecided(&b)) {
            join.doubt();
        }
    }
    joins.iter().for_each(|candidate| around.take(&candidate.rename));
    let explicit = joins::explicit(scene, given, &around);
    // a pair of others, likelier by what else is known of it, goes before
    let free = |one: &Candidate| {
        !tables.iter().chain(&joins).any(|other| {
            other.score >= one.score && (other.rename.same_origin(&one.rename) || other.rename.same_result(&one.rename))
        })
    };
    let explicit: Vec<Candidate> = explicit.into_iter().filter(free).collect();
    let tables: Vec<Candidate> = tables
        .into_iter()
        .filter(|one| {
            !explicit.iter().any(|other| other.rename.same_origin(&one.rename) || other.rename.same_result(&one.rename))
        })
        .collect();
    likely(&explicit).for_each(|candidate| around.take(&candidate.rename));
    joins.extend(explicit);
    around.survey(scene);
    let columns = compared_columns(scene, given, &around).into_iter().flat_map(|table| settle(scene, table)).collect();
    let values = enums::values(scene, given, &around);
    let mut members: Vec<Candidate> = [columns, values].concat();
    let open: Vec<&Rename> = likely(&enums)
        .chain(likely(&tables))
        .chain(likely(&joins))
        .filter(|parent| !parent.certain)
        .map(|parent| &parent.rename)
        .collect();
    members.iter_mut().filter(|member| hangs_on(scene, &member.rename, &open)).for_each(Candidate::doubt);
    let crossed = joins::crossed(scene, given, &around);
    [enums, tables, joins, sides::find(scene, given), crossed, members].concat()
}

/// Whether a column or a value is what it seems only if one of these tables and enums is renamed, which is still to be decided.
fn hangs_on(scene: &Scene<'_>, rename: &Rename, open: &[&Rename]) -> bool {
    let is_open = |name: &ObjectName, types: bool| {
        open.iter().any(|parent| match parent {
            Rename::Table { from, .. } => !types && from == name,
            Rename::Enum { from, .. } => types && from == name,
            Rename::Column { .. } | Rename::EnumValue { .. } => false,
        })
    };
    match rename {
        Rename::Column { table, from, .. } => {
            let column = scene.before.tables.get(table).and_then(|table| table.columns.get(from));
            is_open(table, false) || column.is_some_and(|own| is_open(&scene.before.type_name(&own.data_type), true))
        }
        Rename::EnumValue { of, .. } => is_open(of, true),
        Rename::Table { .. } | Rename::Enum { .. } => false,
    }
}

/// Every pair of tables and columns with what was noted about it, before rivals are looked at: what weights are fitted on.
pub(crate) fn signs(scene: &Scene<'_>) -> Vec<(Rename, Vec<(Sign, f64)>)> {
    let given = Given::recorded(scene);
    let mut around = Around::default();
    likely(&enums::types(scene, &given)).for_each(|candidate| around.take(&candidate.rename));
    let compared = tables::compared(scene, &given, &around);
    let noted = |table: &Table<'_>| -> Vec<(Rename, Vec<(Sign, f64)>)> {
        let pairs = table.iter().flatten().flatten().filter(|pair| !pair.stays);
        pairs.map(|pair| (pair.rename.clone(), pair.scale.signs().to_vec())).collect()
    };
    let mut all = noted(&compared);
    let tables = settle(scene, compared);
    likely(&tables).for_each(|candidate| around.take(&candidate.rename));
    joins::find(scene, &given, &around).iter().for_each(|candidate| around.take(&candidate.rename));
    around.survey(scene);
    all.extend(compared_columns(scene, &given, &around).iter().flat_map(noted));
    all
}

/// Those that are taken to be renames until a decision is made.
pub(crate) fn likely(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    candidates.iter().filter(|candidate| candidate.score >= ASK)
}

/// The compared columns of every table that loses and gains some.
fn compared_columns<'w>(scene: &Scene<'w>, given: &Given, around: &Around) -> Vec<Table<'w>> {
    let mut tables = Vec::new();
    for pair in around.pairs(scene) {
        let join = pair.from != pair.to && pair.from.name.starts_with('_') && pair.to.name.starts_with('_');
        if join {
            continue;
        }
        let Some(exchange) = Exchange::new(scene, &pair).filter(|exchange| !exchange.is_empty()) else { continue };
        tables.push(of_table(scene, given, around, &exchange));
    }
    tables
}

fn of_table<'w>(scene: &Scene<'w>, given: &Given, around: &Around, exchange: &Exchange<'_>) -> Table<'w> {
    let rename = |from: &String, to: &String| Rename::Column {
        table: exchange.pair.from.clone(),
        from: from.clone(),
        to: to.clone(),
    };
    let open = |name: &&String| !given.settles(&rename(name, name));
    let free = |name: &&String| !given.takes(&rename(name, name));
    let gone: Vec<String> = exchange.gone.iter().filter(open).cloned().collect();
    let come: Vec<String> = exchange.come.iter().filter(free).cloned().collect();
    let types = Types::count(exchange, &gone, &come);
    let sources: Vec<&String> = gone.iter().chain(exchange.retyped.iter().filter(open)).collect();
    let targets: Vec<&String> = come.iter().chain(exchange.retyped.iter().filter(free)).collect();
    let compared = sources.iter().enumerate().map(|(i, from)| {
        let row = targets.iter().enumerate().map(|(j, to)| {
            let stays = from == to && i >= gone.len() && j >= come.len();
            let compared = columns::compare(scene, around, exchange, from, to)?;
            let Compared { mut scale, clear, exact, proved, holds } = compared;
            if stays {
                scale = Scale::by_hand(scene.weights, STAYS);
            } else if i >= gone.len() || j >= come.len() {
                passed_on(exchange, from, to, &mut scale)?;
            } else {
                alone(exchange, &types, (from, gone.len()), (to, come.len()), &mut scale);
            }
            let clear = clear && !stays && i < gone.len() && j < come.len();
            let quiet = i >= gone.len() && !given.takes(&rename(from, from));
            let asked =
                holds == Holds::Kind && from != to || (from == to && matches!(holds, Holds::Kind | Holds::Cast));
            let lossy = if let Holds::Lossy(reason) = holds { Some(reason) } else { None };
            Some(Compare { rename: rename(from, to), scale, clear, exact, proved, stays, quiet, asked, lossy })
        });
        row.collect()
    });
    compared.collect()
}

/// The log-odds of a column that only gets another type being the same one.
const STAYS: f64 = 2.0;

/// Two columns that exchange their types have hardly done so by chance.
const EXCHANGED: f64 = 2.5;

/// A chain's types go on on both sides.
const HANDED_ON: f64 = 1.2;

/// Whether a dropped column has the type that a column gets, and an added one the type that it had.
fn hands_on(exchange: &Exchange<'_>, from: &str, to: &str) -> bool {
    let middle = if exchange.retyped.iter().any(|own| own == from) { from } else { to };
    let (Some(old), Some(new)) = (exchange.before(middle), exchange.after(middle)) else { return false };
    exchange.gone.iter().filter_map(|name| exchange.before(name)).any(|column| column.data_type == new.data_type)
        && exchange.come.iter().filter_map(|name| exchange.after(name)).any(|column| column.data_type == old.data_type)
}

/// A column that only gets another type may pass its values on to another, and take those of a third, in a chain or a
/// swap; only where the types say so.
fn passed_on(exchange: &Exchange<'_>, from: &str, to: &str, scale: &mut Scale<'_>) -> Option<()> {
    let same = exchange.before(from)?.data_type == exchange.after(to)?.data_type;
    let lost = |name: &str| Some(exchange.before(name)?.data_type != exchange.after(name)?.data_type);
    let moved = [from, to].into_iter().filter(|name| exchange.retyped.iter().any(|own| own == name));
    let every = moved.map(lost).all(|lost| lost == Some(true));
    if !same || !every {
        return None;
    }
    scale.line(format!("{from} had the type that {to} gets: passed on in a chain or a swap?"));
    if exchange.before(to).map(|column| &column.data_type) == exchange.after(from).map(|column| &column.data_type) {
        scale.add(EXCHANGED, format!("and {from} gets the type that {to} had"));
    } else if hands_on(exchange, from, to) {
        scale.weigh(HANDED_ON);
    }
    Some(())
}

/// Weighs how many other columns could be meant.
fn alone(
    exchange: &Exchange<'_>,
    types: &Types<'_>,
    (from, gone): (&str, usize),
    (to, come): (&str, usize),
    scale: &mut Scale<'_>,
) {
    if gone == 1 && come == 1 {
        scale.say(Sign::OnlyPair, 1.0, "the only dropped and the only added column of the table");
    }
    let (Some(old), Some(new)) = (exchange.before(from), exchange.after(to)) else { return };
    if types.only(old, new) {
        let line = if gone + come > 2 { "no other dropped or added column has this type" } else { "" };
        scale.say(Sign::OnlyOfType, 1.0, line);
    }
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    scale.note(Sign::Uneven, (number(gone.max(come)) / number(gone.min(come).max(1))).ln());
}
