//! Opening the guard for a while, in an emergency. Who, when and why stands in the database.

use std::time::Duration;

use jiff::SignedDuration;
use postgres::Client;
use postgres::types::Type;

use super::LOCK_TIMEOUT;
use crate::database::Failure;
use crate::error::{Explain as _, Result};

/// An emergency does not last longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// `10m`, `1h 30m`: for how long.
///
/// # Errors
/// A sentence for a time that is not between a second and a day.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is not a time such as 10m or 2h, up to a day");
    let parsed: SignedDuration = text.parse().map_err(|_| wrong())?;
    let parsed = Duration::try_from(parsed).map_err(|_| wrong())?;
    if parsed.as_secs() == 0 || parsed > LONGEST { Err(wrong()) } else { Ok(parsed) }
}

/// Opens it; gives when it closes, as the server says it.
///
/// # Errors
/// The server's own.
pub fn open(client: &mut Client, time: Duration, reason: &str) -> Result<String> {
    const OPEN: &str =
        "SELECT to_char(_prisma_safe.guard_open($1, $2) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')";
    let seconds = i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
    // a statement of its own would be carried out by the server though we were killed while it waited
    let mut open = || -> Result<String, Failure> {
        let mut transaction = client.transaction()?;
        transaction.batch_execute(&format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))?;
        let row = transaction.query_typed_one(OPEN, &[(&seconds, Type::INT4), (&reason, Type::TEXT)])?;
        let until = row.try_get(0)?;
        transaction.commit()?;
        Ok(until)
    };
    open().explain(|| "could not open the guard".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_for_a_while_only() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for wrong in ["", "10", "0s", "-5m", "25h", "for ever"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
