//! What few projects have: partitions, tables that inherit, rules, domains, generated columns, statistics, another schema with
//! a table of the same name.

use super::super::model::{Column, Part, Table, Type, quoted};
use super::super::random::Random;
use super::Production;

/// At the end: rows are there, and what is made up here is known by hand as often as not.
pub(super) fn build(random: &mut Random, built: &mut Production) {
    for make in [partitions, rule, domain, generated, statistics, side, comment, heir, twin] {
        if random.percent(20) {
            make(random, built);
        }
    }
}

/// What depends on a table that was made by hand comes after it.
fn on(built: &Production, random: &mut Random) -> Table {
    let mut table = built.world.table(random);
    table.by_hand |= table.columns.iter().any(|column| column.by_hand);
    table
}

fn partitions(random: &mut Random, built: &mut Production) {
    let sql = "CREATE TABLE \"Log\" (id integer NOT NULL, day date NOT NULL, note text, CONSTRAINT \"Log_pkey\" PRIMARY KEY (id, day)) PARTITION BY RANGE (day);\n\
               CREATE TABLE log_a PARTITION OF \"Log\" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');\n\
               CREATE TABLE log_b PARTITION OF \"Log\" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')";
    built.add(random, None, sql);
    built.rows.push_str(
        "INSERT INTO \"Log\" VALUES (1, '2024-02-01', 'a'), (2, '2024-03-01', 'b'), (3, '2025-02-01', 'c'), (4, '2025-03-01', NULL);\n",
    );
    let note = Column { name: "note".into(), kind: Type::Text, default: false, not_null: false, by_hand: true };
    built.world.tables.push(Table { name: "Log".into(), columns: vec![note], keyed: false, by_hand: true, rows: 4 });
    built.world.log = true;
}

fn rule(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    let name = built.world.fresh("rule");
    let sql = format!("CREATE RULE {name} AS ON DELETE TO {} WHERE OLD.id = 3 DO INSTEAD NOTHING", table.sql());
    built.add(random, Some(&table), &sql);
    built.world.rules.push(Part { table: table.name, name });
}

fn domain(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    let sql = format!(
        "CREATE DOMAIN short AS text CHECK (length(VALUE) < 50);\nALTER TABLE {} ADD COLUMN tag short DEFAULT 'tagged'",
        table.sql()
    );
    built.add(random, Some(&table), &sql);
    built.world.domain = true;
}

fn generated(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    let sql = format!("ALTER TABLE {} ADD COLUMN twice integer GENERATED ALWAYS AS (id * 2) STORED", table.sql());
    built.add(random, Some(&table), &sql);
    built.world.generated.push(Part { table: table.name, name: "twice".into() });
}

fn statistics(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    let Some(column) = table.columns.first() else { return };
    let name = built.world.fresh("stat");
    let sql = format!("CREATE STATISTICS {name} ON id, {} FROM {}", quoted(&column.name), table.sql());
    built.add(random, Some(&table), &sql);
    built.world.statistics = Some(name);
}

fn side(random: &mut Random, built: &mut Production) {
    let sql =
        "CREATE SCHEMA IF NOT EXISTS side;\nCREATE TABLE side.stock (id integer PRIMARY KEY, n integer DEFAULT 4)";
    built.add(random, None, sql);
    built.rows.push_str("INSERT INTO side.stock VALUES (1, 10), (2, NULL);\n");
    built.world.side = true;
}

fn comment(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    built.add(random, Some(&table), &format!("COMMENT ON COLUMN {}.id IS 'the key'", table.sql()));
}

/// A table that inherits from another, with rows of its own: `heir_Song` of `Song`.
fn heir(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    if table.name == "Log" {
        return;
    }
    let name = format!("heir_{}", table.name);
    let own = quoted(&name);
    built.add(random, Some(&table), &format!("CREATE TABLE {own} (bequest text) INHERITS ({})", table.sql()));
    let columns: String = table.columns.iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    let rows = format!(
        "INSERT INTO {own} (id{columns}, bequest) SELECT id + 100{columns}, 'b' || id FROM ONLY {};\n",
        table.sql()
    );
    // a view that is computed before would be stale from the beginning
    let at = built.rows.find("REFRESH").unwrap_or(built.rows.len());
    built.rows.insert_str(at, &rows);
    let bequest = Column { name: "bequest".into(), kind: Type::Text, default: false, not_null: false, by_hand: true };
    let rows = table.rows;
    built.world.tables.push(Table { name, columns: vec![bequest], keyed: false, by_hand: true, rows });
}

/// A table of another schema that has the name of one here: which of the two a statement means is up to `search_path`.
fn twin(random: &mut Random, built: &mut Production) {
    let table = on(built, random);
    if table.name == "Log" || table.columns.iter().any(|column| column.name == "bequest") {
        return;
    }
    let own = table.sql();
    let sql = format!("CREATE SCHEMA IF NOT EXISTS side;\nCREATE TABLE side.{own} (LIKE public.{own} INCLUDING ALL)");
    built.add(random, Some(&table), &sql);
    let columns: String = table.columns.iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    built
        .rows
        .push_str(&format!("INSERT INTO side.{own} (id{columns}) SELECT id{columns} FROM ONLY {own} WHERE id < 4;\n"));
    built.world.side = true;
    built.world.twin = Some(table);
}
