//! The rehearsal as a picture: statements and the locks of each table over time.

use serde::Serialize;
use serde_json::Value;

use super::list;
use crate::ui::{counted, shortened};

/// The picture's width is 1000; names stand left of this.
const LEFT: f64 = 230.0;
const RIGHT: f64 = 990.0;
const TOP: usize = 16;
const ROW: usize = 20;
/// A name has room for so many characters.
const NAME: usize = 34;
/// More tables than this are in the table below the picture.
const TABLES: usize = 40;

#[derive(Serialize)]
pub(super) struct Rehearsal<'a> {
    facts: Vec<String>,
    pictures: Vec<Picture<'a>>,
    holds: Vec<Hold<'a>>,
}

#[derive(Serialize)]
struct Hold<'a> {
    table: &'a str,
    mode: String,
    stops: &'a str,
    /// The longest of them.
    time: String,
    /// How many migrations take it, and for how long together.
    migrations: usize,
    total: String,
}

/// One migration.
#[derive(Serialize)]
struct Picture<'a> {
    name: &'a str,
    brief: String,
    /// For who does not see it.
    label: String,
    height: usize,
    ticks: Vec<Tick>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Tick {
    x: String,
    text: String,
    last: bool,
}

#[derive(Serialize)]
struct Row {
    name: String,
    y: usize,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Bar {
    class: &'static str,
    x: String,
    width: String,
    title: String,
}

impl<'a> Rehearsal<'a> {
    pub(super) fn of(report: Option<&'a Value>, skipped: Option<&str>) -> Self {
        let Some(report) = report else {
            let why = skipped.map_or_else(|| "it did not come to a rehearsal".to_owned(), |why| format!("none: {why}"));
            return Self { facts: vec![why], pictures: Vec::new(), holds: Vec::new() };
        };
        let text = |key: &str| report[key].as_str().unwrap_or("unknown");
        let data = if text("data") == "full" { "with every row" } else { "with the definitions alone" };
        let mut facts = vec![format!(
            "{} in {}, {data}, on PostgreSQL {}",
            text("verdict"),
            time(report["milliseconds"].as_u64().unwrap_or_default()),
            text("serverVersion")
        )];
        let said = |key: &str, words: &str| -> Vec<String> {
            list(&report[key]).filter_map(|it| it.as_str()).map(|it| format!("{words}: {it}")).collect()
        };
        facts.extend(said("unlike", "unlike production"));
        facts.extend(said("uncompared", "not compared"));
        Self {
            facts,
            pictures: list(&report["migrations"]).map(picture).collect(),
            holds: list(&report["locks"]).map(|value| hold(value, report)).collect(),
        }
    }

    pub(super) fn brief(&self) -> String {
        self.facts.first().cloned().unwrap_or_default()
    }
}

fn hold<'a>(value: &'a Value, report: &'a Value) -> Hold<'a> {
    let stops = match value["stops"].as_str() {
        Some("everybody") => "everyone",
        Some("writers") => "writers",
        Some("nobody") => "nobody",
        _ => "unknown",
    };
    let each: Vec<u64> = list(&report["migrations"]).filter_map(|migration| held_for(migration, value)).collect();
    Hold {
        migrations: each.len(),
        total: time(each.iter().sum()),
        table: value["table"].as_str().unwrap_or_default(),
        mode: mode(value["mode"].as_str().unwrap_or("unknown")),
        stops,
        time: time(value["milliseconds"].as_u64().unwrap_or_default()),
    }
}

/// `AccessExclusive` as PostgreSQL writes it: `ACCESS EXCLUSIVE`.
fn mode(name: &str) -> String {
    let mut words = String::new();
    for (at, letter) in name.chars().enumerate() {
        if at > 0 && letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_uppercase());
    }
    words
}

/// The colour of a lock by whom it stops.
fn class(mode: &str) -> &'static str {
    match mode {
        "AccessExclusive" => "everybody",
        "Exclusive" | "ShareRowExclusive" | "Share" => "writers",
        _ => "nobody",
    }
}

fn picture(migration: &Value) -> Picture<'_> {
    let name = migration["name"].as_str().unwrap_or_default();
    let atomic = migration["atomic"].as_bool() == Some(true);
    let statements: Vec<&Value> = list(&migration["statements"]).collect();
    let length = |statement: &Value| statement["milliseconds"].as_u64().unwrap_or_default();
    let sum: u64 = statements.iter().map(|statement| length(statement)).sum();
    let all = migration["milliseconds"].as_u64().unwrap_or_default().max(sum).max(1);
    let scale = |at: u64| LEFT + (RIGHT - LEFT) * share(at, all);
    let bar = |class, from: u64, to: u64, title| Bar {
        class,
        x: format!("{:.1}", scale(from)),
        width: format!("{:.1}", (scale(to) - scale(from)).max(2.0)),
        title,
    };
    let mut rows = vec![Row { name: "statements".into(), y: TOP, bars: Vec::new() }];
    let (mut at, mut left_out) = (0, 0);
    for statement in &statements {
        let end = at + length(statement);
        let sql = statement["sql"].as_str().unwrap_or_default();
        let line = statement["line"].as_u64().unwrap_or_default();
        rows[0].bars.push(bar("statement", at, end, format!("line {line}, {}: {sql}", time(length(statement)))));
        for lock in list(&statement["locks"]) {
            let (table, kind) = (lock["table"].as_str().unwrap_or_default(), lock["mode"].as_str().unwrap_or_default());
            // a transaction keeps its locks until it ends; the rehearsal has taken its own looking off
            let until = match held_for(migration, lock) {
                Some(held) if atomic => (at + held).clamp(end, all),
                None if atomic => all,
                _ => end,
            };
            let held = bar(
                class(kind),
                at,
                until,
                format!("{table}: {} for {}, from line {line}", mode(kind), time(until - at)),
            );
            let name = shortened(table, NAME);
            let full = rows.len() > TABLES;
            match rows.iter_mut().skip(1).find(|row| row.name == name) {
                Some(row) => row.bars.push(held),
                None if full => left_out += 1,
                None => {
                    let y = TOP + ROW * rows.len();
                    rows.push(Row { name, y, bars: vec![held] });
                }
            }
        }
        at = end;
    }
    let more = if left_out > 0 { format!(", {left_out} further locks only in the table below") } else { String::new() };
    let brief = format!("{}, {}{more}", counted(statements.len() as u64, "statement"), time(all));
    let label = format!(
        "{name}: {} and the locks of {} over {}",
        counted(statements.len() as u64, "statement"),
        counted((rows.len() - 1) as u64, "table"),
        time(all)
    );
    let tick = |quarter: u64| Tick {
        x: format!("{:.1}", scale(all * quarter / 4)),
        text: time(all * quarter / 4),
        last: quarter == 4,
    };
    Picture { name, brief, label, height: TOP + ROW * rows.len() + 4, ticks: [0, 2, 4].map(tick).into(), rows }
}

/// How long a migration holds a lock, in milliseconds.
fn held_for(migration: &Value, lock: &Value) -> Option<u64> {
    let same = |other: &&Value| other["table"] == lock["table"] && other["mode"] == lock["mode"];
    list(&migration["locks"]).find(same)?["milliseconds"].as_u64()
}

#[expect(clippy::cast_precision_loss, reason = "a share of a picture's width")]
fn share(at: u64, all: u64) -> f64 {
    at as f64 / all as f64
}

/// `15 ms`, `2.5 s`, `3 min 20 s`
pub(super) fn time(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        1000..60_000 => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
        _ => format!("{} min {} s", milliseconds / 60_000, milliseconds % 60_000 / 1000),
    }
}
