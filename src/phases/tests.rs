//! What is rendered for several columns on one side.

use super::plan::Plan;
use super::render::Scripts;

const MERGE: &str = "kind = \"merge\"\nmodel = \"Person\"\nschema = \"public\"\ntable = \"Person\"\nmay-fail = true\n\
    [[old]]\nfield = \"first\"\ncolumn = \"first\"\ntype = \"TEXT\"\nrequired = true\nvalue = \"split_part(name, ' ', 1)\"\nbefore = \"first String\"\n\
    [[old]]\nfield = \"last\"\ncolumn = \"The last%'\"\ntype = \"TEXT\"\ndefault = \"'x'\"\nrequired = true\nvalue = \"name\"\nbefore = \"last String\"\n\
    [[new]]\nfield = \"name\"\ncolumn = \"name\"\ntype = \"TEXT\"\nrequired = true\nvalue = \"first || \\\"The last%'\\\"\"\n\
    [migrations]\nexpand = \"1_expand\"\n[contract]\nsql = \"SELECT 1\"\n";

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).collect()
}

#[test]
fn both_old_columns_of_a_merge_are_written_at_once_and_dropped_together() {
    let plan = Plan::parse("p", MERGE).unwrap();
    let scripts = Scripts { plan: &plan, default_schema: "public", shown: "p.toml" };
    let expand = scripts.expand().unwrap();
    for line in [
        "ALTER TABLE \"Person\" ADD COLUMN \"name\" TEXT;",
        "ALTER TABLE \"Person\" ADD CONSTRAINT \"phase_p_old\" CHECK (\"first\" IS NOT NULL) NOT VALID;",
        "ALTER TABLE \"Person\" ADD CONSTRAINT \"phase_p_old_2\" CHECK (\"The last%'\" IS NOT NULL) NOT VALID;",
        "ALTER TABLE \"Person\" ALTER COLUMN \"The last%'\" DROP NOT NULL;",
        "_wrote_old := ROW(NEW.\"first\", NEW.\"The last%'\")::record *<> ROW(CAST(NULL AS TEXT), CAST('x' AS TEXT))::record;",
        "SELECT (SELECT CAST(split_part(name, ' ', 1) AS TEXT) FROM (SELECT NEW.*) AS \"Person\"), \
         (SELECT CAST(name AS TEXT) FROM (SELECT NEW.*) AS \"Person\") INTO NEW.\"first\", NEW.\"The last%'\";",
        "RAISE EXCEPTION 'name would not give back what was written to Person.first and The last%%''' USING ERRCODE = 'check_violation';",
    ] {
        assert!(lines(&expand).contains(&line), "{line}\n{expand}");
    }
    // one new column is written whole or not at all
    assert!(!expand.contains("COALESCE"), "{expand}");
    // a column that may be empty is under no check
    let optional = MERGE
        .replace("may-fail = true\n", "")
        .replace("required = true\nvalue = \"first", "required = false\nvalue = \"first");
    let optional = Plan::parse("p", &optional).unwrap();
    let optional = Scripts { plan: &optional, default_schema: "public", shown: "p.toml" }.expand().unwrap();
    assert!(optional.contains("phase_p_old_2") && !optional.contains("phase_p_new"), "{optional}");
    let contract = scripts.contract().unwrap();
    // SET NOT NULL believes a check that was validated beside everyone's work
    let at = |what: &str| contract.find(what).unwrap_or_else(|| panic!("{what}: {contract}"));
    assert!(
        at("VALIDATE CONSTRAINT \"phase_p_new\"") < at("SET NOT NULL") && at("SET NOT NULL") < at("DROP CONSTRAINT")
    );
    for line in [
        "-- prisma-safe:allow drop-column(Person.first): name holds its values, and no release uses it",
        "ALTER TABLE \"Person\" ALTER COLUMN \"name\" SET NOT NULL;",
        "ALTER TABLE \"Person\" DROP COLUMN \"first\";",
        "ALTER TABLE \"Person\" DROP COLUMN \"The last%'\";",
    ] {
        assert!(lines(&contract).contains(&line), "{line}\n{contract}");
    }
    let abort = scripts.abort("").unwrap();
    assert!(
        abort.contains("ALTER COLUMN \"The last%'\" SET NOT NULL") && abort.contains("DROP COLUMN \"name\""),
        "{abort}"
    );
    let at = |what: &str| abort.find(what).unwrap_or_else(|| panic!("{what}: {abort}"));
    assert!(at("VALIDATE CONSTRAINT \"phase_p_old_2\"") < at("\"The last%'\" SET NOT NULL"));
    let backfill = scripts.backfill().unwrap();
    assert!(backfill.contains("CHECK (\"name\" IS NOT NULL) NOT VALID;"), "{backfill}");
}

/// Where nothing may be lost only the way back counts; one way is enough where a person has accepted it.
#[test]
fn a_row_differs_unless_what_goes_comes_back() {
    let plan = Plan::parse("p", MERGE).unwrap();
    let differs = |plan: &Plan| Scripts { plan, default_schema: "public", shown: "" }.differs().unwrap();
    let strict = differs(&plan);
    assert!(!strict.contains(" OR ROW(\"name\")"), "{strict}");
    let lossy = Plan::parse("p", &MERGE.replace("may-fail", "lossy = true\nmay-fail")).unwrap();
    assert!(differs(&lossy).contains(" OR ROW(\"name\")"), "{}", differs(&lossy));
    assert!(
        !Scripts { plan: &lossy, default_schema: "public", shown: "" }
            .expand()
            .unwrap()
            .contains("would not give back")
    );
}

#[test]
fn a_split_says_what_a_partial_write_leaves_out() {
    let text = MERGE.replace("merge", "split").replace("[[old]]\nfield = \"last\"", "[[new]]\nfield = \"last\"");
    let plan = Plan::parse("p", &text.replace("before = \"last String\"\n", "")).unwrap();
    let scripts = Scripts { plan: &plan, default_schema: "public", shown: "" };
    let expand = scripts.expand().unwrap();
    assert!(
        expand.contains("IF TG_OP = 'UPDATE' AND OLD.\"The last%'\" IS NULL AND OLD.\"name\" IS NULL THEN"),
        "{expand}"
    );
    assert!(expand.contains("SELECT COALESCE(NEW.\"The last%'\", "), "{expand}");
    let backfill = scripts.backfill().unwrap();
    assert!(backfill.contains("SET \"The last%'\" = CAST(name AS TEXT), \"name\" = "), "{backfill}");
    assert!(backfill.contains("WHERE \"The last%'\" IS NULL AND \"name\" IS NULL AND (CAST("), "{backfill}");
}
