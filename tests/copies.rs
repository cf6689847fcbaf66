//! Copies of backups at other places: a directory, and a real S3 server.

use std::fs;

use crate::restore::{backed_up, backup};
use crate::support::s3::{CREDENTIALS, S3};
use crate::support::{Output, Project};

fn settings(project: &Project, copies: &[&str], more: &str) {
    let copies = copies.iter().map(|copy| format!("\"{copy}\"")).collect::<Vec<_>>().join(", ");
    project.write("prisma-safe.toml", &format!("[backup]\nproof = \"read\"\ncopies = [{copies}]\n{more}\n"));
}

fn with_credentials(project: Project) -> Project {
    CREDENTIALS.iter().fold(project, |project, (name, value)| project.env(name, value))
}

fn run(project: &Project, words: &[&str]) -> Output {
    let output = project.run(words);
    assert!(!output.everything().contains(CREDENTIALS[1].1), "a secret was printed\n{output}");
    output
}

#[test]
fn a_backup_goes_to_every_place_and_comes_back_from_one() {
    let s3 = S3::start();
    let (project, _) = backed_up(2000);
    let project = with_credentials(project);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let file = format!("file://{}", elsewhere.path().display());
    settings(&project, &[&file, &s3.place("music")], "required-copies = 2");
    fs::remove_dir_all(project.path("backups")).expect("the first backup");
    let before = project.database().contents();
    let name = backup(&project);
    assert_eq!(s3.objects(), [format!("music/{name}"), format!("music/{name}.json")]);
    assert_eq!(s3.get(&format!("music/{name}.json")), project.read(&format!("backups/{name}.json")));
    assert_eq!(
        fs::read(elsewhere.path().join(&name)).expect("a copy"),
        fs::read(project.path(&format!("backups/{name}"))).expect("a backup")
    );
    // a second time changes nothing
    run(&project, &["backup", "copy"]).succeeds();
    let list = run(&project, &["backup", "list", "--format", "json"]).succeeds().json();
    crate::support::schema::assert_valid("backup", &list);
    let copies = list["backups"][0]["copies"].as_array().expect("copies").clone();
    assert_eq!(copies, [format!("{file}/{name}"), format!("s3://backups/music/{name}")]);

    // the machine is lost
    fs::remove_dir_all(project.path("backups")).expect("the backups");
    project.database().execute("DROP TABLE \"Song\"");
    let list = run(&project, &["backup", "list"]).succeeds();
    assert_eq!(list.stdout.matches(&name).count(), 1, "{list}");
    let copy = format!("s3://backups/music/{name}");
    run(&project, &["backup", "verify", &copy]).succeeds().says("Fetching").says("Verified");
    run(&project, &["restore", &copy, "--skip-backup", "--reason", "it is gone"]).succeeds();
    assert_eq!(project.database().contents(), before);
    crate::restore::drop_beside(project.database());
}

#[test]
fn a_large_one_goes_in_parts_and_nothing_is_left_of_one_that_was_cut() {
    let s3 = S3::start();
    let (project, _) = backed_up(1);
    let project = with_credentials(project);
    project.database().execute(
        "CREATE TABLE big AS SELECT i, (SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 32) j) AS text \
         FROM generate_series(1, 11000) i",
    );
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\n");
    let name = backup(&project);
    let (cut, cuts) = s3.cut("big", 1_000_000);
    settings(&project, &[&cut], "required-copies = 1");
    run(&project, &["backup", "copy", &name]).exits(1).says("could not write");
    assert!(cuts.load(std::sync::atomic::Ordering::SeqCst) > 0, "the line was never cut");
    assert!(!s3.objects().iter().any(|object| object.ends_with(".json") || *object == format!("big/{name}")));

    settings(&project, &[&s3.place("big")], "required-copies = 1");
    run(&project, &["backup", "copy", &name]).succeeds().says("and read back");
    assert_eq!(s3.objects(), [format!("big/{name}"), format!("big/{name}.json")]);
    assert_eq!(s3.uploads(), 0);
}

#[test]
fn what_is_there_already_is_never_replaced() {
    let s3 = S3::start();
    let (project, name) = backed_up(10);
    let project = with_credentials(project);
    s3.put(&format!("music/{name}"), "somebody else's");
    let elsewhere = tempfile::tempdir().expect("a directory");
    fs::write(elsewhere.path().join(&name), "somebody else's").expect("a file");
    for place in [s3.place("music"), format!("file://{}", elsewhere.path().display())] {
        settings(&project, &[&place], "required-copies = 1");
        run(&project, &["backup", "copy", &name]).exits(1).says("holds another object called");
    }
    assert_eq!(s3.get(&format!("music/{name}")), "somebody else's");
    assert_eq!(s3.objects(), [format!("music/{name}")]);
    assert_eq!(fs::read_dir(elsewhere.path()).expect("files").count(), 1);
}

#[test]
fn a_deploy_waits_for_the_copies_that_it_needs() {
    let (project, _) = backed_up(10);
    project.add_migration("20250202000000_more", "ALTER TABLE \"Song\" ADD COLUMN \"more\" TEXT;\n");
    let file = project.path("not-a-directory");
    fs::write(&file, "").expect("a file");
    let place = format!("file://{}", file.display());
    settings(&project, &[&place], "required-copies = 1");
    project.run(["migrate", "deploy"]).exits(1).says("0 of 1 required copies of the backup are there");
    assert_eq!(
        project.database().value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'more'"),
        "0"
    );
    settings(&project, &[&place], "");
    project.run(["migrate", "deploy"]).succeeds().says("no copy at ");
    settings(&project, &[], "required-copies = 1");
    project.run(["backup"]).exits(2).says("backup.copies names 0");
}

#[test]
fn a_place_that_needs_credentials_says_so_and_a_copy_that_was_changed_is_not_fetched() {
    let (project, name) = backed_up(10);
    let elsewhere = tempfile::tempdir().expect("a directory");
    let place = format!("file://{}", elsewhere.path().display());
    settings(&project, &[&place], "");
    run(&project, &["backup", "copy", &name]).succeeds();
    let copy = elsewhere.path().join(&name);
    let mut bytes = fs::read(&copy).expect("a copy");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, bytes).expect("a write");
    fs::remove_dir_all(project.path("backups")).expect("the backups");
    run(&project, &["backup", "verify", &format!("{place}/{name}")]).exits(1).says("is not the backup that was taken");
    assert_eq!(project.files("backups").iter().filter(|file| file.contains(".sql")).count(), 0);
    settings(&project, &["s3://key:secret@bucket/x"], "");
    project.run(["backup", "list"]).exits(2).says("it holds a user or a password").says_nothing_of("key:secret");
}
