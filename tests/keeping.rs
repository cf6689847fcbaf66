//! Backups that are thinned out: real ones, whose manifests say that they were taken long ago.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use prisma_safe::backup::Manifest;

use crate::restore::backed_up;
use crate::support::Project;
use crate::support::schema::assert_valid;

/// Takes the backup once more, so many days ago; its name.
fn aged(project: &Project, backup: &str, days: i64) -> String {
    let path = project.path(&format!("backups/{backup}"));
    let mut manifest = Manifest::read(&path).expect("a manifest").expect("one");
    let time = manifest.started_at - SignedDuration::from_hours(24 * days);
    let name =
        format!("prod_backup_{}{}", time.strftime("%Y%m%d_%H%M%S"), &backup["prod_backup_20250121_103000".len()..]);
    manifest.started_at = time;
    manifest.file.clone_from(&name);
    manifest.id = format!("{days:08}{}", &manifest.id[8..]);
    fs::copy(&path, project.path(&format!("backups/{name}"))).expect("a copy");
    project.write(&format!("backups/{name}.json"), &manifest.to_json().expect("JSON"));
    name
}

fn there(project: &Project) -> Vec<String> {
    let files = project.files("backups").into_iter();
    files.filter(|file| file.ends_with(".json")).map(|file| file["backups/".len()..file.len() - 5].to_owned()).collect()
}

#[test]
fn old_ones_go_the_newest_of_each_month_is_archived_and_pinned_ones_stay() {
    let (project, newest) = backed_up(100);
    project.write("prisma-safe.toml", "[backup.retention]\ndays = 7\nlast = 1\nmonths = 12\n");
    let young = aged(&project, &newest, 6);
    // far enough from each other that two of them share no month
    let [first, second] = [100, 140].map(|days| aged(&project, &newest, days));
    let [ancient, pinned] = [500, 501].map(|days| aged(&project, &newest, days));
    let before_first =
        Manifest::read(&project.path(&format!("backups/{first}"))).expect("a manifest").expect("one").started_at;
    let same_month = aged(&project, &first, i64::from(before_first.to_zoned(jiff::tz::TimeZone::UTC).day() > 1));
    project.run(["backup", "pin", &pinned]).succeeds();
    let unproved = "prod_backup_20200101_000000.sql";
    project.write(&format!("backups/{unproved}"), "a dump of another program");

    let known = project.files("backups");
    let preview = project.run(["backup", "prune", "--dry-run", "--format", "json"]).succeeds().json();
    assert_valid("backup", &preview);
    assert_eq!(project.files("backups"), known);
    let deleted: Vec<&str> = preview["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["fate"] == "delete")
        .map(|step| step["file"].as_str().expect("a name"))
        .collect();
    let mut gone = vec![ancient.as_str()];
    if same_month != first {
        gone.insert(0, same_month.as_str());
    }
    assert_eq!(deleted, gone);

    let done = project.run(["backup", "prune", "--format", "json"]).succeeds().json();
    assert_valid("backup", &done);
    let month = |name: &str| format!("archive/{}-{}", &name[12..16], &name[16..18]);
    let stem = |name: &str| name.trim_end_matches(".zst").to_owned();
    let left: Vec<String> = there(&project).iter().map(|name| stem(name)).collect();
    for name in [&newest, &young, &pinned] {
        assert!(left.contains(&stem(name)), "{name} {left:?}");
    }
    for name in [&first, &second] {
        assert!(left.contains(&stem(&format!("{}/{name}", month(name)))), "{name} {left:?}");
    }
    assert_eq!(left.len(), 5);
    assert!(project.path(&format!("backups/{unproved}")).exists());
    // what was archived can be proved and restored like any other
    let archived = there(&project).into_iter().find(|name| name.starts_with("archive")).expect("one in the archive");
    project.run(["backup", "verify", &archived]).succeeds();
    let again = project.run(["backup", "prune", "--format", "json"]).succeeds().json();
    assert_eq!((&again["deleted"], &again["archived"]), (&0.into(), &0.into()));
}

#[test]
fn what_a_deployment_may_need_and_what_is_in_use_stays() {
    let (project, newest) = backed_up(10);
    project.write("prisma-safe.toml", "[backup.retention]\nlast = 0\nmonths = 0\n");
    let [needed, used, free] = [100, 101, 102].map(|days| aged(&project, &newest, days));
    let journal = format!(
        "{{\"at\":\"2025-01-01T00:00:00Z\",\"event\":\"started\",\"version\":\"1\",\"target\":\"t\",\"pending\":[]}}\n\
         {{\"at\":\"2025-01-01T00:00:01Z\",\"event\":\"backup\",\"file\":\"/x/{needed}\",\"sha256\":\"x\"}}\n"
    );
    project.write(".prisma-safe/deployments/20250101T000000Z-00000000.jsonl", &journal);
    let file = fs::File::open(project.path(&format!("backups/{used}"))).expect("a backup");
    file.lock_shared().expect("a lock");
    project.run(["backup", "prune"]).succeeds().says("is in use and stays");
    let left = there(&project);
    assert!(left.iter().any(|name| needed.starts_with(name.trim_end_matches(".zst"))), "{left:?}");
    assert!(left.contains(&used) && !left.contains(&free), "{left:?}");
}

#[test]
fn two_at_once_do_not_meet_and_a_clock_that_is_behind_deletes_nothing() {
    let (project, newest) = backed_up(10);
    project.write("prisma-safe.toml", "[backup.retention]\nlast = 0\nmonths = 0\n");
    let old = aged(&project, &newest, 100);
    let lock = fs::File::create(project.path("backups/.prune.lock")).expect("a file");
    lock.lock().expect("the lock");
    project.run(["backup", "prune"]).exits(1).says("another run is pruning");
    drop(lock);
    let future = aged(&project, &newest, -3);
    project.run(["backup", "prune"]).succeeds().says("nothing is deleted: a backup is newer than the clock");
    assert!(there(&project).contains(&old));
    for file in [future.clone(), format!("{future}.json")] {
        fs::remove_file(project.path(&format!("backups/{file}"))).expect("a file");
    }
    // the clock was set by a month since the last look
    let clock: PathBuf = project.path("backups/.clock");
    if let Ok(text) = fs::read_to_string(&clock) {
        let mut look: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        look["now"] = (Timestamp::now() - SignedDuration::from_hours(24 * 30)).to_string().into();
        fs::write(&clock, look.to_string()).expect("a write");
        project.run(["backup", "prune"]).succeeds().says("--trust-clock");
        assert!(there(&project).contains(&old));
    }
    project.run(["backup", "prune", "--trust-clock"]).succeeds();
    assert!(!there(&project).contains(&old));
}

#[test]
fn less_than_a_week_is_refused_and_a_backup_can_thin_out_by_itself() {
    let (project, newest) = backed_up(10);
    let old = aged(&project, &newest, 100);
    project.write("prisma-safe.toml", "[backup.retention]\ndays = 6\n");
    project.run(["backup", "prune"]).exits(2).says("backup.retention.days = 6 is less than 7");
    project.write(
        "prisma-safe.toml",
        "[backup]\nproof = \"read\"\n[backup.retention]\nlast = 0\nmonths = 0\nafter-backup = true\n",
    );
    project.run(["backup"]).succeeds().says(&format!("Deleted {old}"));
    assert_eq!(there(&project).len(), 2);
}

#[test]
fn old_ones_are_compressed_in_place_and_a_full_disk_leaves_them_as_they_were() {
    let (project, _) = backed_up(10);
    project.database().execute(
        "CREATE TABLE big AS SELECT i, (SELECT string_agg(md5(i::text || j::text), '') FROM generate_series(1, 8) j) AS text \
         FROM generate_series(1, 4000) i",
    );
    fs::remove_dir_all(project.path("backups")).expect("the first backup");
    project.write("prisma-safe.toml", "[backup]\nproof = \"read\"\nformat = \"sql\"\n");
    let newest = crate::restore::backup(&project);
    let old = aged(&project, &newest, 30);
    let whole = fs::read(project.path(&format!("backups/{old}"))).expect("a backup");

    // files may be no larger than 100 kB: for a program that is a full disk
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" backup prune";
    project.program("/bin/sh", ["-c", script, env!("CARGO_BIN_EXE_prisma-safe")]).exits(1).says("could not write");
    assert_eq!(fs::read(project.path(&format!("backups/{old}"))).expect("a backup"), whole);
    assert!(!project.files("backups").iter().any(|file| file.contains(".zst") || file.ends_with(".partial")));
    project.run(["backup", "verify", &old]).succeeds();

    project.run(["backup", "prune"]).succeeds().says("Compressed");
    let compressed = there(&project).into_iter().find(|name| name.ends_with(".zst")).expect("a compressed one");
    assert!(compressed.contains(old.trim_end_matches(".sql")), "{compressed}");
    assert!(!project.path(&format!("backups/{old}")).exists());
    project.run(["backup", "verify", &compressed]).succeeds();
    let file = fs::File::open(project.path(&format!("backups/{compressed}"))).expect("a backup");
    assert_eq!(zstd::decode_all(file).expect("a dump"), whole);
    project.database().execute("DROP TABLE big");
    project.run(["restore", &compressed]).succeeds();
    assert_eq!(project.database().count("big"), 4000);
    crate::restore::drop_beside(project.database());
}
