//! Maintenance windows and `--at`.

use jiff::{Timestamp, ToSpan as _};

use super::pending;
use crate::journey::backups;
use crate::support::Prisma;

/// The time of day so many minutes from now, in UTC.
fn clock(minutes: i64) -> String {
    (Timestamp::now() + minutes.minutes()).strftime("%H:%M").to_string()
}

#[test]
fn nothing_is_begun_outside_of_the_window() {
    let project = pending(Prisma::V7);
    let before = project.database().contents();
    let opens = clock(120);
    let closed = format!("{opens}-{} UTC", clock(180));
    project
        .run(["migrate", "deploy", "--maintenance-window", &closed])
        .exits(3)
        .says("outside of the maintenance window");
    super::quick(&project, &format!("[deploy]\nmaintenance-window = \"{closed}\"\n"));
    project.run(["migrate", "deploy"]).exits(3).says(&opens).says("--at");
    project.run(["migrate", "deploy", "--at", &clock(60)]).exits(2).says("outside");
    for wrong in ["22:00", "10:00-11:00 Nowhere/Town"] {
        project.run(["migrate", "deploy", "--maintenance-window", wrong]).exits(2);
    }
    assert_eq!(project.database().contents(), before);
    assert!(backups(&project).is_empty());
    // an option beats the file
    let open = format!("{}-{} UTC", clock(-60), clock(60));
    project.run(["migrate", "deploy", "--maintenance-window", &open]).succeeds();
}

/// The deploy waits for its time with its place held, and goes on only on the database that it has reviewed.
#[test]
fn at_waits_and_what_changes_meanwhile_stops_it() {
    let project = pending(Prisma::V7);
    let moment = Timestamp::now() + 20.seconds();
    let mut command = super::deploy(&project);
    command.args(["--at", &moment.to_string()]);
    let mut child = super::start(command);
    super::until_it_says(&mut child, "Waiting");
    let holds = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND datname = current_database() \
                 WHERE locktype = 'advisory'";
    assert_eq!(project.database().value(holds), "1");
    project.database().execute("CREATE TABLE meanwhile (x INT)");
    super::end(child).exits(3).says("changed the schema");
    assert!(Timestamp::now() >= moment);
    assert!(backups(&project).is_empty());

    // a moment that is over is no reason to wait
    project.run(["migrate", "deploy", "--at", &moment.to_string()]).succeeds();
}
