use prisma_safe::{project::Migration, report::*, review::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&a[1]).unwrap();
    let (earlier, sql) = text.split_once("-- migration\n").unwrap_or(("", &text));
    let m = |n: &str, s: &str| Migration {
        name: n.into(),
        path: format!("/p/prisma/migrations/{n}/migration.sql").into(),
        sql: s.into(),
    };
    let r = review(Request {
        migrations: &[m("20250121_x", sql)],
        earlier: &[m("20250101_init", earlier)],
        default_schema: "public",
        live: None,
        identity: None,
        small_table_rows: 10000,
        standing: vec![],
    });
    let f: Format = clap::ValueEnum::from_str(a.get(2).map_or("human", |s| s), true).unwrap();
    print!("{}", render(&r, f, Look { color: a.len() > 3, width: 100, root: "/p".as_ref() }));
}
