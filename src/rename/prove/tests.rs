//! Real drafts and their rewrites on a scratch server, and rewrites that must not hold.

use super::*;
use crate::context::Env;
use crate::project::Migration;
use crate::rename::tests::{cases, options};
use crate::rename::{Hints, decide, rewrite};

fn migration(sql: String) -> Migration {
    Migration { name: "before".into(), path: "before".into(), sql }
}

/// One server for all of them.
#[test]
fn every_real_draft_and_its_rewrite_are_equal_and_keep_their_values() {
    let stage = Stage::start(&Env::read()).expect("a scratch server");
    let mut without_values = Vec::new();
    for case in cases() {
        let before = case.section("before");
        let catalog = Catalog::replay("public", [("before", &Script::parse(before.clone()))]);
        let script = Script::parse(case.section("draft"));
        let hints = Hints {
            schema_before: vec![case.section("schema before")],
            schema_after: vec![case.section("schema after")],
            warnings: Vec::new(),
        };
        let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
        let decisions = decide(&draft, &options(&case.section("options")), None).expect("decisions");
        let rewrite = rewrite(&draft, &decisions).expect("a rewrite");
        let replay = stage.replay(&draft, &[migration(before)], &rewrite);
        println!("{}: {replay:?}", case.name);
        if replay.values != Verdict::Equal {
            without_values.push(case.name);
        }
    }
    println!("{without_values:?}");
}
