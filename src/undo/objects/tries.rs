//! SQL that the server may refuse, tried as long as it helps.

use postgres::Client;
use postgres::types::Type;

use crate::database::Failure;

/// One may lean on another, which comes later: as long as something succeeds, the rest is tried again. Gives what succeeded.
pub(super) fn until_nothing_succeeds(
    client: &mut Client,
    mut open: Vec<(String, String)>,
) -> Result<Vec<String>, Failure> {
    let mut done = Vec::new();
    let mut path = None;
    if !open.is_empty() {
        let own: String = client.query_typed_one("SELECT current_setting('search_path')", &[])?.try_get(0)?;
        client.batch_execute("SELECT set_config('search_path', '', true)")?;
        path = Some(own);
    }
    loop {
        let tried = open.len();
        let mut later = Vec::new();
        for (title, sql) in open {
            match attempt(client, &sql)? {
                true => done.push(title),
                false => later.push((title, sql)),
            }
        }
        if later.is_empty() || later.len() == tried {
            break;
        }
        open = later;
    }
    if let Some(path) = path {
        client.query_typed("SELECT set_config('search_path', $1, true)", &[(&path, Type::TEXT)])?;
    }
    Ok(done)
}

/// Runs SQL of which nothing stays if the server refuses it. A lock that is not free, a lost connection and a timeout are
/// no refusal.
pub(in crate::undo) fn attempt(client: &mut Client, sql: &str) -> Result<bool, Failure> {
    client.batch_execute("SAVEPOINT prisma_safe_object")?;
    let refused = match client.batch_execute(sql).map_err(Failure::from) {
        Ok(()) => false,
        Err(failure) if !failure.is_refusal() => return Err(failure),
        Err(_) => true,
    };
    if refused {
        client.batch_execute("ROLLBACK TO SAVEPOINT prisma_safe_object")?;
    }
    client.batch_execute("RELEASE SAVEPOINT prisma_safe_object")?;
    Ok(!refused)
}
