//! Writers go on while a deploy fails, waits, is tried again and goes through: no write is lost, none is doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::YEAR;
use crate::journey::songs;
use crate::support::{Prisma, Project, soon};

/// Sessions that insert into a ledger and count a song up, in one transaction, until they are told to stop. Each knows what
/// it was told is written.
struct Writers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<String>>>,
}

impl Writers {
    fn start(project: &Project) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..3).map(|writer| {
            let (stop, mut client) = (Arc::clone(&stop), project.database().connect());
            thread::spawn(move || {
                let mut written = Vec::new();
                for number in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return written;
                    }
                    let key = format!("{writer}-{number}");
                    let write = format!(
                        "BEGIN; INSERT INTO ledger (key) VALUES ('{key}'); UPDATE \"Song\" SET plays = plays + 1 WHERE isrc = 'isrc {}'; COMMIT",
                        writer + 1
                    );
                    match client.batch_execute(&write) {
                        Ok(()) => written.push(key),
                        Err(error) => {
                            // a column that is locked for a rewrite is waited for; nothing else may go wrong
                            panic!("{key}: {error}");
                        }
                    }
                }
                written
            })
        });
        let threads = threads.collect();
        Self { stop, threads }
    }

    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut written: Vec<String> =
            self.threads.into_iter().flat_map(|thread| thread.join().expect("a writer")).collect();
        written.sort();
        written
    }
}

fn no_write_is_lost_or_doubled(prisma: Prisma) {
    let project = songs(prisma, 100);
    project
        .database()
        .execute("CREATE TABLE ledger (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key TEXT NOT NULL)");
    let patient = "[deploy]\nlock-timeout-seconds = 0.3\nlock-retries = 30\nstatement-timeout-seconds = 20\n";
    super::quick(&project, patient);
    project.database().execute("UPDATE \"Song\" SET plays = 0");
    let writers = Writers::start(&project);
    soon("they write", || project.database().count("ledger") > 20);

    // a deploy that fails after it has changed something
    let alter = "ALTER TABLE ledger ADD COLUMN at TIMESTAMPTZ NOT NULL DEFAULT now();\nALTER TABLE \"Song\" ALTER COLUMN plays TYPE BIGINT;\n";
    project.add_migration(YEAR, &format!("{alter}SELECT 1 / 0;\n"));
    project.run(["migrate", "deploy"]).exits(1).says("division by zero");

    // one that meets a lock and gives up
    super::quick(&project, &patient.replace("30", "1"));
    project.add_migration(YEAR, alter);
    let mut reader = project.database().connect();
    reader.batch_execute("BEGIN; SELECT count(*) FROM ledger").unwrap();
    project.run(["migrate", "deploy"]).exits(1).says("tried 2 times");
    let so_far = project.database().count("ledger");

    // one that goes through, by a later try
    super::quick(&project, patient);
    let child = super::start(super::deploy(&project));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'prisma-safe deploy' AND wait_event_type = 'Lock'";
    soon("it waits for the reader", || project.database().value(waits) == "1");
    thread::sleep(Duration::from_millis(500));
    reader.batch_execute("ROLLBACK").unwrap();
    super::end(child).succeeds();
    soon("they go on", || project.database().count("ledger") > so_far + 20);

    let written = writers.stop();
    assert_eq!(project.database().rows("SELECT key FROM ledger ORDER BY key COLLATE \"C\""), written);
    let plays = "SELECT sum(plays) FROM \"Song\"";
    assert_eq!(project.database().value(plays), written.len().to_string());
    assert_eq!(project.database().value("SELECT count(*) FROM ledger WHERE at IS NULL"), "0");
}

#[test]
fn no_write_is_lost_or_doubled_7() {
    no_write_is_lost_or_doubled(Prisma::V7);
}

#[test]
fn no_write_is_lost_or_doubled_6() {
    no_write_is_lost_or_doubled(Prisma::V6);
}
