//! What is offered in phases beside a rename and a drop: the exact command, and nothing where it does not fit.

use super::*;

const SQL: &str = "CREATE TABLE \"people\" (\"id\" INTEGER NOT NULL, \"full_name\" TEXT NOT NULL, \"mail\" TEXT NOT NULL, \"length\" INTEGER, \
    CONSTRAINT \"people_pkey\" PRIMARY KEY (\"id\"));
CREATE UNIQUE INDEX \"people_mail_key\" ON \"people\"(\"mail\");
";

const SCHEMA: &str = "model Person {
  id       Int    @id
  fullName String @map(\"full_name\")
  mail     String @unique
  length   Int?

  @@map(\"people\")
}
";

/// The open decisions of a draft that leads from `SCHEMA` to it with `from` as `to`.
fn open(sql: &str, fields: (&str, &str), draft: &str) -> Vec<Open> {
    decisions(sql, fields, draft).open
}

fn decisions(sql: &str, (from, to): (&str, &str), draft: &str) -> Decisions {
    let catalog = Catalog::replay("public", [("before", &Script::parse(sql))]);
    let script = Script::parse(draft);
    let after = SCHEMA.replace(from, to);
    let hints = Hints { schema_before: vec![SCHEMA.to_owned()], schema_after: vec![after], ..Hints::default() };
    let draft = Draft { migration: "m", script: &script, before: &catalog, hints: &hints };
    settle(&draft, &Options::default(), None).unwrap()
}

fn commands(open: &[Open]) -> Vec<&str> {
    let commands = open.iter().filter_map(|open| open.regroup.as_ref());
    commands.map(|regroup| regroup.command.as_str()).collect()
}

#[test]
fn a_column_that_becomes_several_can_be_split() {
    let fields =
        ("fullName String @map(\"full_name\")", "first String @map(\"given\")\n  lastName String? @db.VarChar(9)");
    let draft = "ALTER TABLE \"people\" DROP COLUMN \"full_name\", ADD COLUMN \"given\" TEXT NOT NULL, ADD COLUMN \"lastName\" VARCHAR(9);";
    let open = open(SQL, fields, draft);
    assert_eq!(
        commands(&open),
        ["prisma-safe phases split Person.fullName --into 'first @map(\"given\"): EXPR' \
             --into 'lastName String? @db.VarChar(9): EXPR' --back EXPR"]
    );
    assert!(undecided(&open).to_string().contains("or split into first and lastName, while the old release runs on: "));
    let phases = open[0].phases.as_deref().unwrap();
    assert!(phases.starts_with("prisma-safe phases rename Person.full_name:"), "{phases}");
}

#[test]
fn columns_that_become_one_can_be_merged() {
    let sql = SQL.replace("\"full_name\" TEXT NOT NULL", "\"first_name\" TEXT NOT NULL, \"last_name\" TEXT");
    let fields = ("fullName String @map(\"full_name\")", "name String?");
    let draft =
        "ALTER TABLE \"people\" DROP COLUMN \"first_name\", DROP COLUMN \"last_name\", ADD COLUMN \"name\" TEXT;";
    let open = open(&sql, fields, draft);
    let merge = "prisma-safe phases merge Person.first_name Person.last_name --into 'name: EXPR' \
                 --back 'first_name: EXPR' --back 'last_name: EXPR'";
    assert_eq!(commands(&open).first(), Some(&merge));
    // both columns are asked about, and it is said once
    assert_eq!(undecided(&open).to_string().matches(merge).count(), 1);
}

#[test]
fn what_does_not_fit_is_not_offered() {
    let field = "fullName String @map(\"full_name\")";
    for (to, draft) in [
        ("name String", "DROP COLUMN \"full_name\", ADD COLUMN \"name\" TEXT NOT NULL"),
        // a likely rename, and something new beside it
        (
            "full_title String\n  site String?",
            "DROP COLUMN \"full_name\", ADD COLUMN \"full_title\" TEXT NOT NULL, ADD COLUMN \"site\" TEXT",
        ),
        // of another kind
        (
            "a String\n  b DateTime?",
            "DROP COLUMN \"full_name\", ADD COLUMN \"a\" TEXT NOT NULL, ADD COLUMN \"b\" TIMESTAMP(3)",
        ),
        // two go and two come
        (
            "a String\n  b String",
            "DROP COLUMN \"full_name\", DROP COLUMN \"length\", ADD COLUMN \"a\" TEXT NOT NULL, ADD COLUMN \"b\" TEXT NOT NULL",
        ),
    ] {
        let open = open(SQL, (field, to), &format!("ALTER TABLE \"people\" {draft};"));
        assert_eq!((open.is_empty(), commands(&open)), (false, Vec::new()), "{draft}");
    }
    // phases refuse a unique column
    let unique = "DROP COLUMN \"mail\", ADD COLUMN \"mail_name\" TEXT NOT NULL, ADD COLUMN \"mail_host\" TEXT NOT NULL";
    let fields = ("mail     String @unique", "mail_name String\n  mail_host String");
    let open = open(SQL, fields, &format!("ALTER TABLE \"people\" {unique};"));
    assert_eq!((open.is_empty(), commands(&open)), (false, Vec::new()));
}

/// A word in common makes a rename likely; where several share it, they may be its parts.
#[test]
fn parts_are_known_by_the_word_that_they_share() {
    let field = "fullName String @map(\"full_name\")";
    let draft = |columns: &str| format!("ALTER TABLE \"people\" DROP COLUMN \"full_name\", {columns};");
    let names = "ADD COLUMN \"firstName\" TEXT, ADD COLUMN \"lastName\" TEXT";
    let split = open(SQL, (field, "firstName String?\n  lastName String?"), &draft(names));
    assert_eq!(
        commands(&split),
        ["prisma-safe phases split Person.fullName --into 'firstName?: EXPR' --into 'lastName?: EXPR' --back EXPR"]
    );
    let beside = format!("{names}, DROP COLUMN \"length\", ADD COLUMN \"size\" INTEGER");
    let open = open(SQL, (field, "firstName String?\n  lastName String?\n  size Int?"), &draft(&beside));
    assert!(commands(&open).len() == 1, "{open:?}");
}

/// Where nothing is asked, what a draft drops can still be split or dropped in phases.
#[test]
fn what_nothing_is_asked_about_is_offered_too() {
    let field = "fullName String @map(\"full_name\")";
    let found = |to: &str, columns: &str| {
        let draft = format!("ALTER TABLE \"people\" DROP COLUMN \"full_name\"{columns};");
        let decisions = decisions(SQL, (field, to), &draft);
        assert_eq!(decisions.open, [], "{columns}");
        let [dropped] = &decisions.dropped[..] else { panic!("{decisions:?}") };
        (dropped.drop.clone(), dropped.regroup.clone().map(|regroup| regroup.command))
    };
    let drop = "prisma-safe phases drop Person.fullName --value VALUE".to_owned();
    assert_eq!(found("", ""), (drop.clone(), None));
    let (_, split) =
        found("width Int\n  height Int?", ", ADD COLUMN \"width\" INTEGER NOT NULL, ADD COLUMN \"height\" INTEGER");
    let command =
        "prisma-safe phases split Person.fullName --into 'height Int?: EXPR' --into 'width Int: EXPR' --back EXPR";
    assert_eq!(split.as_deref(), Some(command));
    for (to, columns) in [
        ("width Int?", ", ADD COLUMN \"width\" INTEGER"),
        // values of their own: a default, a relation's key, times, truths
        ("a Int @default(0)\n  b Int?", ", ADD COLUMN \"a\" INTEGER NOT NULL DEFAULT 0, ADD COLUMN \"b\" INTEGER"),
        ("a Int?\n  b DateTime?", ", ADD COLUMN \"a\" INTEGER, ADD COLUMN \"b\" TIMESTAMP(3)"),
        ("a Boolean?\n  b Boolean?", ", ADD COLUMN \"a\" BOOLEAN, ADD COLUMN \"b\" BOOLEAN"),
        (
            "a Int?\n  b Int?",
            ", ADD COLUMN \"a\" INTEGER, ADD COLUMN \"b\" INTEGER, ADD CONSTRAINT \"k\" FOREIGN KEY (\"a\") REFERENCES \"people\"(\"id\")",
        ),
    ] {
        assert_eq!(found(to, columns), (drop.clone(), None), "{columns}");
    }
    // phases refuse a key
    let key = decisions(
        SQL,
        ("id       Int    @id", ""),
        "ALTER TABLE \"people\" DROP CONSTRAINT \"people_pkey\", DROP COLUMN \"id\";",
    );
    assert_eq!(key.dropped, []);
}

#[test]
fn a_table_keeps_both_names() {
    let drop = "DROP TABLE \"people\";\nCREATE TABLE \"members\" (\"id\" INTEGER NOT NULL, \"full_name\" TEXT NOT NULL, \
                \"mail\" TEXT NOT NULL, \"seen\" TEXT, CONSTRAINT \"members_pkey\" PRIMARY KEY (\"id\"));";
    let after = |model: &str| {
        let own = SCHEMA.replace("Person", model).replace("  length   Int?", "  seen     String?");
        own.replace("people", "members")
    };
    for (model, words) in [("Member", "people:members --model Member"), ("members", "people:members --model members")] {
        let open = open(SQL, (SCHEMA, &after(model)), drop);
        assert_eq!(open[0].phases.as_deref(), Some(format!("prisma-safe phases table {words}").as_str()));
    }
    // a model that is called like its table gets the new name by itself
    let named = |name: &str| ObjectName { schema: "public".to_owned(), name: name.to_owned() };
    let (old, new) = (named("Person"), named("Member"));
    let schema = |model: &str| schema::Schema::read(&[format!("model {model} {{\n  id Int @id\n}}\n")]);
    let words = |catalog: &Catalog| table_in_phases(catalog, (&old, &new), &schema("Person"), &schema("Member"));
    let catalog = Catalog::replay("public", [("before", &Script::parse(SQL))]);
    assert_eq!(words(&catalog).unwrap(), ["table", "Person:Member"]);
    let elsewhere = Catalog::replay("shop", [("before", &Script::parse(SQL))]);
    assert_eq!(words(&elsewhere).unwrap(), ["table", "public.Person:Member"]);
}
