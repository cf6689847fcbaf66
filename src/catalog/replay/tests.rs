//! Prisma's drafts against the rewrites that keep the data: both must end in the same catalog.

use crate::catalog::{Catalog, ObjectName};
use crate::sql::Script;

fn replay(scripts: &[&str]) -> Catalog {
    let scripts: Vec<Script> = scripts.iter().map(|text| Script::parse(*text)).collect();
    for script in &scripts {
        assert_eq!(script.errors(), [], "{}", script.text());
    }
    Catalog::replay("public", scripts.iter().map(|script| ("m", script)))
}

#[track_caller]
fn same(before: &str, draft: &str, rewrite: &str) {
    let left = replay(&[before, draft]);
    let right = replay(&[before, rewrite]);
    assert_eq!(left.differences(&right), Vec::<String>::new());
    assert!(left.opaque.is_empty(), "{:?}", left.opaque);
    assert_ne!(replay(&[before]).differences(&left), Vec::<String>::new(), "the draft does nothing");
}

#[test]
fn a_field() {
    same(
        r#"CREATE TABLE "Track" ("id" SERIAL NOT NULL, "artist" TEXT, CONSTRAINT "Track_pkey" PRIMARY KEY ("id"));"#,
        r#"-- AlterTable
ALTER TABLE "Track" DROP COLUMN "artist",
ADD COLUMN     "artistName" TEXT;"#,
        r#"ALTER TABLE "Track" RENAME COLUMN "artist" TO "artistName";"#,
    );
}

#[test]
fn a_field_with_a_unique_index() {
    same(
        r#"CREATE TABLE "Track" ("id" SERIAL NOT NULL, "artist" TEXT NOT NULL, "title" TEXT NOT NULL, CONSTRAINT "Track_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "Track_artist_title_key" ON "Track"("artist", "title");"#,
        r#"-- DropIndex
DROP INDEX "Track_artist_title_key";
-- AlterTable
ALTER TABLE "Track" DROP COLUMN "artist",
ADD COLUMN     "artistName" TEXT NOT NULL;
-- CreateIndex
CREATE UNIQUE INDEX "Track_artistName_title_key" ON "Track"("artistName", "title");"#,
        r#"ALTER TABLE "Track" RENAME COLUMN "artist" TO "artistName";
ALTER INDEX "Track_artist_title_key" RENAME TO "Track_artistName_title_key";"#,
    );
}

#[test]
fn two_fields_with_another_change() {
    same(
        r#"CREATE TABLE "T" ("id" SERIAL NOT NULL, "a" TEXT NOT NULL, "b" INTEGER, "c" INTEGER NOT NULL, CONSTRAINT "T_pkey" PRIMARY KEY ("id"));
CREATE INDEX "T_c_idx" ON "T"("c");"#,
        r#"ALTER TABLE "T" DROP COLUMN "a",
DROP COLUMN "b",
ADD COLUMN     "x" TEXT NOT NULL,
ADD COLUMN     "y" INTEGER,
ALTER COLUMN "c" SET DATA TYPE BIGINT;
ALTER INDEX "T_c_idx" RENAME TO "c_idx";"#,
        r#"ALTER TABLE "T" RENAME COLUMN "a" TO "x";
ALTER TABLE "T" RENAME COLUMN "b" TO "y";
ALTER TABLE "T" ALTER COLUMN "c" SET DATA TYPE int8;
ALTER INDEX "T_c_idx" RENAME TO "c_idx";"#,
    );
}

const USERS_AND_POSTS: &str = r#"
CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Post" ("id" SERIAL NOT NULL, "authorId" INTEGER NOT NULL, CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE INDEX "Post_authorId_idx" ON "Post"("authorId");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
"#;

#[test]
fn a_model() {
    same(
        USERS_AND_POSTS,
        r#"ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey";
DROP TABLE "User";
CREATE TABLE "Account" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, CONSTRAINT "Account_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "Account_email_key" ON "Account"("email");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "Account"("id") ON DELETE RESTRICT ON UPDATE CASCADE;"#,
        r#"ALTER TABLE "User" RENAME TO "Account";
ALTER TABLE "Account" RENAME CONSTRAINT "User_pkey" TO "Account_pkey";
ALTER INDEX "User_email_key" RENAME TO "Account_email_key";
ALTER SEQUENCE "User_id_seq" RENAME TO "Account_id_seq";"#,
    );
}

#[test]
fn a_foreign_key_field() {
    same(
        USERS_AND_POSTS,
        r#"ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey";
DROP INDEX "Post_authorId_idx";
ALTER TABLE "Post" DROP COLUMN "authorId",
ADD COLUMN     "writerId" INTEGER NOT NULL;
CREATE INDEX "Post_writerId_idx" ON "Post"("writerId");
ALTER TABLE "Post" ADD CONSTRAINT "Post_writerId_fkey" FOREIGN KEY ("writerId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE;"#,
        r#"ALTER TABLE "Post" RENAME COLUMN "authorId" TO "writerId";
ALTER INDEX "Post_authorId_idx" RENAME TO "Post_writerId_idx";
ALTER TABLE "Post" RENAME CONSTRAINT "Post_authorId_fkey" TO "Post_writerId_fkey";"#,
    );
}

#[test]
fn a_primary_key_with_children() {
    same(
        USERS_AND_POSTS,
        r#"ALTER TABLE "Post" DROP CONSTRAINT "Post_authorId_fkey";
ALTER TABLE "User" DROP CONSTRAINT "User_pkey",
DROP COLUMN "id",
ADD COLUMN     "uid" SERIAL NOT NULL,
ADD CONSTRAINT "User_pkey" PRIMARY KEY ("uid");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("uid") ON DELETE RESTRICT ON UPDATE CASCADE;"#,
        r#"ALTER TABLE "User" RENAME COLUMN "id" TO "uid";
ALTER SEQUENCE "User_id_seq" RENAME TO "User_uid_seq";"#,
    );
}

#[test]
fn an_enum() {
    same(
        r#"CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
CREATE TABLE "U" ("id" INTEGER NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER', "all" "Role"[] DEFAULT ARRAY['USER']::"Role"[]);"#,
        r#"CREATE TYPE "UserRole" AS ENUM ('USER', 'ADMIN');
ALTER TABLE "U" DROP COLUMN "role",
ADD COLUMN     "role" "UserRole" NOT NULL DEFAULT 'USER',
DROP COLUMN "all",
ADD COLUMN     "all" "UserRole"[] DEFAULT ARRAY['USER']::"UserRole"[];
DROP TYPE "Role";"#,
        r#"ALTER TYPE "Role" RENAME TO "UserRole";"#,
    );
}

#[test]
fn an_enum_value() {
    same(
        r#"CREATE TYPE "Role" AS ENUM ('USER', 'ADMIN');
CREATE TABLE "U" ("id" INTEGER NOT NULL, "role" "Role" NOT NULL DEFAULT 'USER');"#,
        r#"BEGIN;
CREATE TYPE "Role_new" AS ENUM ('MEMBER', 'ADMIN');
ALTER TABLE "U" ALTER COLUMN "role" DROP DEFAULT;
ALTER TABLE "U" ALTER COLUMN "role" TYPE "Role_new" USING ("role"::text::"Role_new");
ALTER TYPE "Role" RENAME TO "Role_old";
ALTER TYPE "Role_new" RENAME TO "Role";
DROP TYPE "Role_old";
ALTER TABLE "U" ALTER COLUMN "role" SET DEFAULT 'MEMBER';
COMMIT;
ALTER TABLE "U" ALTER COLUMN "role" SET DEFAULT 'MEMBER';"#,
        r#"ALTER TYPE "Role" RENAME VALUE 'USER' TO 'MEMBER';"#,
    );
}

#[test]
fn an_implicit_many_to_many_table_whose_sides_swap() {
    same(
        r#"CREATE TABLE "Post" ("id" INTEGER NOT NULL, CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Tag" ("id" INTEGER NOT NULL, CONSTRAINT "Tag_pkey" PRIMARY KEY ("id"));
CREATE TABLE "_PostToTag" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL, CONSTRAINT "_PostToTag_AB_pkey" PRIMARY KEY ("A","B"));
CREATE INDEX "_PostToTag_B_index" ON "_PostToTag"("B");
ALTER TABLE "_PostToTag" ADD CONSTRAINT "_PostToTag_A_fkey" FOREIGN KEY ("A") REFERENCES "Post"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "_PostToTag" ADD CONSTRAINT "_PostToTag_B_fkey" FOREIGN KEY ("B") REFERENCES "Tag"("id") ON DELETE CASCADE ON UPDATE CASCADE;"#,
        r#"ALTER TABLE "_PostToTag" DROP CONSTRAINT "_PostToTag_A_fkey";
ALTER TABLE "_PostToTag" DROP CONSTRAINT "_PostToTag_B_fkey";
DROP TABLE "Tag";
DROP TABLE "_PostToTag";
CREATE TABLE "Label" ("id" INTEGER NOT NULL, CONSTRAINT "Label_pkey" PRIMARY KEY ("id"));
CREATE TABLE "_LabelToPost" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL, CONSTRAINT "_LabelToPost_AB_pkey" PRIMARY KEY ("A","B"));
CREATE INDEX "_LabelToPost_B_index" ON "_LabelToPost"("B");
ALTER TABLE "_LabelToPost" ADD CONSTRAINT "_LabelToPost_A_fkey" FOREIGN KEY ("A") REFERENCES "Label"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "_LabelToPost" ADD CONSTRAINT "_LabelToPost_B_fkey" FOREIGN KEY ("B") REFERENCES "Post"("id") ON DELETE CASCADE ON UPDATE CASCADE;"#,
        r#"ALTER TABLE "Tag" RENAME TO "Label";
ALTER TABLE "Label" RENAME CONSTRAINT "Tag_pkey" TO "Label_pkey";
ALTER TABLE "_PostToTag" RENAME TO "_LabelToPost";
ALTER TABLE "_LabelToPost" RENAME COLUMN "A" TO "_tmp";
ALTER TABLE "_LabelToPost" RENAME COLUMN "B" TO "A";
ALTER TABLE "_LabelToPost" RENAME COLUMN "_tmp" TO "B";
ALTER TABLE "_LabelToPost" RENAME CONSTRAINT "_PostToTag_A_fkey" TO "_tmp_fkey";
ALTER TABLE "_LabelToPost" RENAME CONSTRAINT "_PostToTag_B_fkey" TO "_LabelToPost_A_fkey";
ALTER TABLE "_LabelToPost" RENAME CONSTRAINT "_tmp_fkey" TO "_LabelToPost_B_fkey";
DROP INDEX "_PostToTag_B_index";
ALTER TABLE "_LabelToPost" DROP CONSTRAINT "_PostToTag_AB_pkey", ADD CONSTRAINT "_LabelToPost_AB_pkey" PRIMARY KEY ("A","B");
CREATE INDEX "_LabelToPost_B_index" ON "_LabelToPost"("B");"#,
    );
}

#[test]
fn a_mapped_model_and_field() {
    same(
        r#"CREATE TABLE "U" ("id" INTEGER NOT NULL, "fullName" TEXT NOT NULL, CONSTRAINT "U_pkey" PRIMARY KEY ("id"));"#,
        r#"DROP TABLE "U";
CREATE TABLE "users" ("id" INTEGER NOT NULL, "full_name" TEXT NOT NULL, CONSTRAINT "users_pkey" PRIMARY KEY ("id"));"#,
        r#"ALTER TABLE "U" RENAME TO "users";
ALTER TABLE "users" RENAME COLUMN "fullName" TO full_name;
ALTER INDEX "U_pkey" RENAME TO users_pkey;"#,
    );
}

#[test]
fn a_type_without_a_cast() {
    same(
        r#"CREATE TABLE "U" ("id" INTEGER NOT NULL, "a" TEXT NOT NULL, "c" TEXT, "l" TEXT);"#,
        r#"ALTER TABLE "U" ADD COLUMN     "d" TEXT NOT NULL,
DROP COLUMN "a",
ADD COLUMN     "a" INTEGER NOT NULL,
DROP COLUMN "l",
ADD COLUMN     "l" TEXT[],
ALTER COLUMN "c" SET NOT NULL;"#,
        r#"ALTER TABLE "U" ALTER COLUMN "a" TYPE INTEGER USING "a"::integer;
ALTER TABLE "U" ALTER COLUMN "l" TYPE TEXT[] USING ARRAY["l"];
ALTER TABLE "U" ADD COLUMN "d" TEXT NOT NULL, ALTER "c" SET NOT NULL;"#,
    );
}

#[test]
fn a_model_that_moves_to_another_schema() {
    same(
        r#"CREATE SCHEMA "a";
CREATE TYPE "a"."K" AS ENUM ('X');
CREATE TABLE "a"."U" ("id" SERIAL NOT NULL, "k" "a"."K" NOT NULL DEFAULT 'X'::"a"."K", CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
CREATE INDEX "U_k_idx" ON "a"."U"("k");
CREATE TABLE "a"."V" ("u" INTEGER NOT NULL);
ALTER TABLE "a"."V" ADD CONSTRAINT "V_u_fkey" FOREIGN KEY ("u") REFERENCES "a"."U"("id") ON DELETE SET NULL;"#,
        r#"CREATE SCHEMA IF NOT EXISTS "b";
CREATE TYPE "b"."K" AS ENUM ('X');
ALTER TABLE "a"."V" DROP CONSTRAINT "V_u_fkey";
DROP TABLE "a"."U";
DROP TYPE "a"."K";
CREATE TABLE "b"."U" ("id" SERIAL NOT NULL, "k" "b"."K" NOT NULL DEFAULT 'X'::"b"."K", CONSTRAINT "U_pkey" PRIMARY KEY ("id"));
CREATE INDEX "U_k_idx" ON "b"."U"("k");
ALTER TABLE "a"."V" ADD CONSTRAINT "V_u_fkey" FOREIGN KEY ("u") REFERENCES "b"."U"("id") ON DELETE SET NULL ON UPDATE NO ACTION;"#,
        r#"CREATE SCHEMA IF NOT EXISTS b; ALTER TABLE "a"."U" SET SCHEMA "b"; ALTER TYPE "a"."K" SET SCHEMA "b";"#,
    );
}

#[test]
fn a_sequence_given_to_a_column_is_what_serial_means() {
    same(
        r#"CREATE TABLE u (id INTEGER NOT NULL, name TEXT NOT NULL DEFAULT 'x', n INTEGER DEFAULT 1, CONSTRAINT "u_pkey" PRIMARY KEY ("id"));"#,
        r#"-- AlterTable
CREATE SEQUENCE u_id_seq;
ALTER TABLE "u" DROP CONSTRAINT "u_pkey",
ALTER COLUMN "id" SET DEFAULT nextval('u_id_seq'),
ALTER COLUMN "name" SET DEFAULT 'y',
ALTER COLUMN "n" DROP DEFAULT,
ADD CONSTRAINT "u_pkey" PRIMARY KEY ("id", "name");
ALTER SEQUENCE u_id_seq OWNED BY "u"."id";"#,
        r#"DROP TABLE u;
CREATE TABLE u (id SERIAL, name varchar, n INT4, PRIMARY KEY (id, name));
ALTER TABLE u ALTER name TYPE text, ALTER name SET DEFAULT ('y'::text);"#,
    );
}

#[test]
fn a_required_field_in_small_steps() {
    let steps = r#"ALTER TABLE "U" ADD COLUMN "c" TEXT; ALTER TABLE "U" ADD CONSTRAINT "U_c_nn" CHECK ("c" IS NOT NULL) NOT VALID;"#;
    let catalog = replay(&[r#"CREATE TABLE "U" ();"#, steps]);
    let table = &catalog.tables.values().next().map(|table| table.constraints["U_c_nn"].valid);
    assert_eq!(table, &Some(false));
    same(
        r#"CREATE TABLE "U" ();"#,
        r#"ALTER TABLE "U" ADD COLUMN "c" TEXT NOT NULL;"#,
        &format!(
            r#"{steps} ALTER TABLE "U" VALIDATE CONSTRAINT "U_c_nn"; ALTER TABLE "U" ALTER "c" SET NOT NULL, DROP CONSTRAINT "U_c_nn";"#
        ),
    );
}

#[test]
fn what_no_file_makes_is_unknown_and_what_is_dropped_is_absent() {
    let catalog = replay(&[
        "CREATE TABLE a (id INT); CREATE TABLE IF NOT EXISTS b (id INT); CREATE TABLE c (LIKE a); CREATE TABLE d (id INT);",
        "DROP TABLE d; CREATE TABLE IF NOT EXISTS d (n INT); ALTER TABLE a RENAME TO e;",
    ]);
    let name = |name: &str| ObjectName { schema: "public".into(), name: name.into() };
    assert!(catalog.table(&name("e")).there().is_some());
    assert!(catalog.table(&name("a")).is_absent());
    assert!(catalog.table(&name("x")).is_unknown());
    // the table may have been there, with another definition
    assert!(catalog.table(&name("b")).there().is_some());
    assert!(catalog.column(&name("b"), "id").is_unknown());
    assert!(catalog.column(&name("c"), "id").is_unknown());
    assert!(catalog.column(&name("e"), "x").is_absent());
    assert!(catalog.column(&name("d"), "n").there().is_some());
}
