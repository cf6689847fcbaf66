//! The disk gets full while a backup is written, or while it is proved. For a program, a limit to the size of its files is a
//! full disk.

use super::files;
use crate::support::{Output, Project};

/// 10 MB that do not compress well.
const MUCH: &str = "CREATE TABLE much AS SELECT i, (SELECT string_agg(md5((i * 31 + j)::text), '') FROM generate_series(1, 16) j) AS pad \
     FROM generate_series(1, 20000) i";

fn project(format: &str) -> Project {
    let project = Project::prisma7();
    project.database().execute(MUCH);
    project.write("prisma-safe.toml", &format!("[backup]\nformat = \"{format}\"\n"));
    project
}

/// A backup whose files may have so many blocks; a block is 512 bytes in some shells, 1,024 in others.
fn limited(project: &Project, blocks: u32) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" backup");
    project.program("/bin/sh", ["-c", &script, env!("CARGO_BIN_EXE_prisma-safe")])
}

fn left(project: &Project) -> Vec<String> {
    files(&project.path("backups")).into_iter().filter(|name| name != ".gitignore").collect()
}

#[test]
fn while_it_is_written_nothing_is_left_and_the_next_one_is_whole() {
    for format in ["sql", "sql.zst"] {
        let project = project(format);
        limited(&project, 4_000).exits(1).says("could not write");
        assert_eq!(left(&project), Vec::<String>::new(), "{format}");
        project.run(["backup", "--proof", "read"]).succeeds();
        assert_eq!(left(&project).len(), 2);
    }
}

#[test]
fn while_it_is_proved_nothing_counts_as_a_backup() {
    let project = project("sql.zst");
    // the file has room, the scratch server's first log has not
    limited(&project, 14_000).exits(1).says("could not be proved").says("File too large");
    assert_eq!(left(&project), Vec::<String>::new());
}
