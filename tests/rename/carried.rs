//! What a rename takes along without another question, through real Prisma: enums and their labels, other people's join tables,
//! children's keys.

use super::asked::{CREATE, committed};

const DEV: [&str; 5] = ["migrate", "dev", "--non-interactive", "--name", "x"];

/// The enum is the same one in Prisma: its columns follow, lists and defaults too, and nothing is asked.
#[test]
fn an_enum_under_another_map_is_certain() {
    let before = "enum Role {\n  USER\n  ADMIN\n}\nmodel U {\n  id Int @id\n  role Role\n  roles Role[]\n  own Role @default(USER)\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"U\" (id, role, roles) VALUES (1, 'USER', '{ADMIN,USER}')");
    project.set_schema(&before.replace("  ADMIN\n", "  ADMIN\n  @@map(\"role_type\")\n"));
    project.run(DEV).succeeds();
    assert_eq!(project.database().rows("SELECT role, roles, own FROM \"U\""), ["USER|{ADMIN,USER}|USER"]);
    assert!(!project.newest_migration().contains("DROP"), "{}", project.newest_migration());
}

#[test]
fn an_enum_renamed_by_option_takes_its_array_columns_along() {
    let before = "enum Shade {\n  PALE\n  DEEP\n}\nmodel Lampshade {\n  id Int @id\n  now Shade\n  worn Shade[]\n  most Shade[] @default([PALE])\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"Lampshade\" (id, now, worn) VALUES (1, 'PALE', '{DEEP,PALE}')");
    project.set_schema(&before.replace("Shade ", "Tint ").replace("Shade[", "Tint[").replace("Shade\n", "Tint\n"));
    project.run(CREATE).exits(4).says("--rename enum:Shade:Tint").says_nothing_of("Lampshade.worn");
    project.run(DEV.into_iter().chain(["--rename", "enum:Shade:Tint"])).succeeds();
    let migration = project.newest_migration();
    assert_eq!(
        migration.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join(""),
        "ALTER TYPE \"Shade\" RENAME TO \"Tint\";"
    );
    assert_eq!(project.database().rows("SELECT now, worn, most FROM \"Lampshade\""), ["PALE|{DEEP,PALE}|{PALE}"]);
}

/// PostgreSQL cuts the join table's name at 63 bytes: the part that stays is the same for both names.
#[test]
fn a_join_table_with_a_cut_name_follows_its_model() {
    let (one, old, new) = (
        "CustomerRelationshipAccountManagerX",
        "TransactionalNotificationTemplateY",
        "TransactionalNotificationBlueprintZ",
    );
    let other = "CustomerRelationshipAccountDirectorX";
    let before =
        format!("model {one} {{\n  id Int @id\n  xs {old}[]\n}}\nmodel {old} {{\n  id Int @id\n  ys {one}[]\n}}\n");
    let project = committed(&before, |sql| sql);
    let fill = format!(
        "INSERT INTO \"{one}\" VALUES (1); INSERT INTO \"{old}\" VALUES (2); INSERT INTO \"_{one}ToTransactionalNotification\" VALUES (1, 2)"
    );
    project.database().execute(&fill);
    // the name's end is cut off: the table keeps its name
    project.set_schema(&before.replace(old, new));
    project.run(DEV.into_iter().chain(["--rename", &format!("{old}:{new}")])).succeeds();
    // its beginning changes with the other model
    project.set_schema(&before.replace(old, new).replace(one, other));
    project.run(DEV.into_iter().chain(["--rename", &format!("{one}:{other}")])).succeeds();
    let links = format!("SELECT * FROM \"_{other}ToTransactionalNotificatio\"");
    assert_eq!(project.database().rows(&links), ["1|2"]);
}

/// A join table that another tool made: its rows become Prisma's own links, in one question for the table and both columns.
#[test]
fn another_tools_join_table_becomes_prismas() {
    let before = "model orders {\n  id Int @id\n  items orders_products_products[]\n}\n\
        model products {\n  id Int @id\n  items orders_products_products[]\n}\n\
        model orders_products_products {\n  ordersId Int\n  productsId Int\n  \
        orders orders @relation(fields: [ordersId], references: [id], onDelete: Cascade)\n  \
        products products @relation(fields: [productsId], references: [id], onDelete: Cascade)\n  \
        @@id([ordersId, productsId])\n  @@index([ordersId])\n  @@index([productsId])\n}\n";
    let after = "model Order {\n  id Int @id\n  products Product[]\n  @@map(\"orders\")\n}\n\
        model Product {\n  id Int @id\n  orders Order[]\n  @@map(\"products\")\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO orders VALUES (1), (2); INSERT INTO products VALUES (10), (20); INSERT INTO orders_products_products VALUES (1, 10), (2, 10), (2, 20)");
    project.set_schema(after);
    let options = [
        "--rename",
        "orders_products_products:_OrderToProduct",
        "--rename",
        "orders_products_products.ordersId:A",
        "--rename",
        "orders_products_products.productsId:B",
    ];
    // no @map reaches a table that Prisma names itself
    project.run(CREATE).exits(4).says(&options.join(" ")).says_nothing_of("1 of 2").says_nothing_of("--map");
    project.run(DEV.into_iter().chain(options)).succeeds();
    let links = project.database().rows("SELECT \"A\", \"B\" FROM \"_OrderToProduct\" ORDER BY 1, 2");
    assert_eq!(links, ["1|10", "2|10", "2|20"]);
    crate::journey::prisma_is_content(crate::support::Prisma::V7, &project);
}

/// The same values in Prisma under other labels: they are mapped, and the review takes that as kept.
#[test]
fn a_column_goes_to_another_enum_with_mapped_labels() {
    let before = "enum Old {\n  A @map(\"a\")\n  B @map(\"b\")\n  C\n}\nenum Other {\n  A @map(\"alpha\")\n  B @map(\"it is b\")\n  C\n  D\n}\n\
        model M {\n  id Int @id\n  kind Old @default(A)\n  old Old?\n  other Other?\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"M\" VALUES (1, 'a'), (2, 'b'), (3, 'C')");
    project.set_schema(&before.replace("kind Old", "kind Other"));
    let output = project.run(DEV.into_iter().chain(["--rename", "M.kind:kind"])).succeeds();
    output.says_nothing_of("error[").says("generated rows kept their values");
    assert_eq!(project.database().rows("SELECT kind FROM \"M\" ORDER BY id"), ["alpha", "it is b", "C"]);
    project.database().execute("INSERT INTO \"M\" (id) VALUES (4)");
    assert_eq!(project.database().value("SELECT kind FROM \"M\" WHERE id = 4"), "alpha");
}

/// Within a list no cast maps them, and one that keeps the labels would make other values of them.
#[test]
fn labels_within_a_list_are_not_mapped_by_a_cast() {
    let before = "enum Old {\n  A @map(\"a\")\n  B @map(\"b\")\n}\nenum Other {\n  A @map(\"b\")\n  B @map(\"a\")\n}\n\
        model M {\n  id Int @id\n  kinds Old[]\n  kind Old?\n  other Other?\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"M\" VALUES (1, '{a,b}', 'a')");
    project.set_schema(&before.replace("kinds Old[]", "kinds Other[]").replace("kind Old?", "kind Other?"));
    let files = project.files("prisma");
    let options = ["--rename", "M.kinds:kinds", "--rename", "M.kind:kind"];
    project.run(DEV.into_iter().chain(options)).exits(3).says("within a list");
    assert_eq!(project.files("prisma"), files);
    project.run(DEV.into_iter().chain(["--delete", "M.kinds", "--rename", "M.kind:kind"])).succeeds();
    assert_eq!(project.database().value("SELECT kind FROM \"M\""), "b");
}

/// An enum renamed with values under another `@map`: the enum is asked about, its values are known.
#[test]
fn a_renamed_enum_takes_mapped_labels_along() {
    let before =
        "enum Old {\n  A @map(\"a\")\n  B @map(\"b\")\n}\nmodel M {\n  id Int @id\n  kind Old @default(A)\n}\n";
    let after =
        "enum New {\n  A @map(\"alpha\")\n  B @map(\"beta\")\n}\nmodel M {\n  id Int @id\n  kind New @default(A)\n}\n";
    let project = committed(before, |sql| sql);
    project.database().execute("INSERT INTO \"M\" VALUES (1, 'a'), (2, 'b')");
    project.set_schema(after);
    project.run(CREATE).exits(4).says("--rename enum:Old:New").says_nothing_of("1 of 2");
    project.run(DEV.into_iter().chain(["--rename", "enum:Old:New"])).succeeds();
    assert_eq!(project.database().rows("SELECT kind FROM \"M\" ORDER BY id"), ["alpha", "beta"]);
}

/// A table moves to another schema: the keys of its children come along, though Prisma drafts neither.
#[test]
fn a_moved_table_keeps_its_childrens_keys() {
    let before = "model Parent {\n  id Int @id\n  kids Child[]\n  @@schema(\"public\")\n}\n\
        model Child {\n  id Int @id\n  parentId Int\n  parent Parent @relation(fields: [parentId], references: [id])\n  @@schema(\"public\")\n}\n";
    let project = committed("", |sql| sql + "CREATE SCHEMA \"app\";\n");
    let with_schemas = |models: &str| {
        let source = "datasource db {\n  provider = \"postgresql\"\n  schemas  = [\"app\", \"public\"]\n}\n";
        project.write("prisma/schema.prisma", &format!("{source}{models}"));
    };
    with_schemas(before);
    project.run(DEV).succeeds();
    super::asked::commit(&project);
    project.database().execute("INSERT INTO \"Parent\" VALUES (1); INSERT INTO \"Child\" VALUES (5, 1)");
    with_schemas(&before.replacen("@@schema(\"public\")", "@@schema(\"app\")", 1));
    project.run(DEV).succeeds();
    let key = "SELECT conrelid::regclass, confrelid::regclass FROM pg_constraint WHERE conname = 'Child_parentId_fkey'";
    assert_eq!(project.database().rows(key), ["\"Child\"|app.\"Parent\""]);
    assert_eq!(project.database().value("SELECT count(*) FROM app.\"Parent\""), "1");
}
