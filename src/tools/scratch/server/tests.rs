use super::super::Locale;
use super::*;

/// A directory that the server's user can enter.
fn open_directory() -> tempfile::TempDir {
    let parent = tempfile::Builder::new().prefix("ps-scratch-").tempdir().unwrap();
    fs::set_permissions(parent.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    parent
}

#[test]
fn databases_are_copied_with_their_oids_and_survive_a_restart_with_other_settings() {
    let parent = open_directory();
    let directory = parent.path().join("server");
    let programs = server_programs(&Env::read()).unwrap();
    let settings = "wal_level = minimal\nmax_wal_senders = 0";
    let mut server = ScratchServer::start_with(&directory, std::process::id(), programs, settings).unwrap();
    let locale = Locale { encoding: "UTF8", collate: "xx_XX", ctype: "xx_XX" };
    assert!(!server.create_database("a b", locale).unwrap(), "no machine has this locale");
    let mut open = server.connect("a b").unwrap();
    open.batch_execute("CREATE TABLE t AS SELECT 7 AS x").unwrap();
    server.clone_database("a b", "copy").unwrap();
    let oid = "SELECT 't'::regclass::oid::text || ' ' || x || ' ' || current_setting('wal_level') FROM t";
    let ask = |server: &ScratchServer, database: &str| -> String {
        server.connect(database).unwrap().query_one(oid, &[]).unwrap().get(0)
    };
    let before = ask(&server, "copy");
    assert_eq!(before, ask(&server, "a b"));
    assert!(before.ends_with(" 7 minimal"), "{before}");
    server.restart("wal_level = replica").unwrap();
    assert_eq!(ask(&server, "copy"), before.replace("minimal", "replica"));
    server.drop_database("copy").unwrap();
    assert!(server.connect("copy").is_err());
    assert!(server.extensions().unwrap().contains(&"plpgsql".to_owned()));
    assert!(!directory.join("password").exists());
    assert!(
        fs::read_dir(directory.join("data/pg_dynshmem")).unwrap().next().is_some(),
        "shared memory outlives a kill"
    );
    let wrong = server.restart("wal_level = nonsense").unwrap_err();
    assert!(wrong.causes().join("").contains("nonsense"), "{wrong:?}");
    drop(server);
    assert!(!directory.exists());
}

/// A power loss takes watcher and server; a kill of everything but the server leaves that.
#[test]
fn what_outlives_its_watcher_is_removed_by_the_next_run() {
    let parent = open_directory();
    let directory = parent.path().join("prisma-safe-scratch-0123");
    let programs = server_programs(&Env::read()).unwrap();
    let mut server = ScratchServer::start_with(&directory, std::process::id(), programs, "").unwrap();
    server.watcher.kill().unwrap();
    let url = server.url("postgres").unwrap();
    let env = Env::from_iter([("TMPDIR".to_owned(), parent.path().display().to_string())]);
    let other = place::make(0, &env).unwrap();
    assert!(directory.exists() && !other.exists(), "the living are left alone");
    // as if this process had died: nothing drops it, and its lock is free
    let ScratchServer { ref mut owned, ref lock, .. } = server;
    *owned = false;
    lock.unlock().unwrap();
    place::make(0, &env).unwrap();
    assert!(!directory.exists());
    let start = std::time::Instant::now();
    while Client::connect(url.expose(), postgres::NoTls).is_ok() {
        assert!(start.elapsed() < std::time::Duration::from_secs(60), "the server runs on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_server_is_gone_after_its_owner() {
    let parent = open_directory();
    let directory = parent.path().join("server");
    let mut owner = Command::new("sleep").arg("60").spawn().unwrap();
    let server = ScratchServer::start(&directory, owner.id(), &Env::read()).unwrap();
    let url = server.url("postgres").unwrap();
    let mut client = Client::connect(url.expose(), postgres::NoTls).unwrap();
    assert_eq!(client.query_one("SELECT 1", &[]).unwrap().get::<_, i32>(0), 1);

    owner.kill().unwrap();
    owner.wait().unwrap();
    let mut server = server;
    server.watcher.wait().unwrap();
    assert!(!directory.exists());
    assert!(Client::connect(url.expose(), postgres::NoTls).is_err());
}
