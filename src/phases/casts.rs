//! The default casts of a retype.

use super::plan::{Kind, Plan, Side};
use crate::error::{Error, Result};

impl Plan {
    /// Settles how the default casts of a retype go, now that Prisma has named the type: what becomes text, or a larger number,
    /// cannot fail; a time zone is UTC, as Prisma writes it.
    ///
    /// # Errors
    /// Exit status 2 for a cast between time and text: it would follow each session's settings.
    pub fn settle_casts(&mut self) -> Result<()> {
        let ([old], [new], Kind::Retype) = (&mut self.old[..], &mut self.new[..], self.kind) else { return Ok(()) };
        let plain = new.value.as_deref() == Some(old.quoted().as_str());
        let rank =
            |data_type: &str| ["SMALLINT", "INTEGER", "BIGINT", "DECIMAL"].iter().position(|known| *known == data_type);
        let wider = matches!((rank(&old.data_type), rank(&new.data_type)), (Some(old), Some(new)) if old <= new);
        let text = new.data_type == "TEXT";
        self.may_fail = !(plain && (wider || text));
        let timed = |side: &Side| ["TIME", "DATE"].iter().any(|word| side.data_type.starts_with(word));
        let zoned = |side: &Side| side.data_type.contains("TZ");
        if plain && timed(old) != timed(new) {
            return Err(Error::usage(format!(
                "a cast from {} to {} follows the settings of each session",
                old.data_type, new.data_type
            ))
            .help("say how with --using and --back: to_char, to_timestamp, …"));
        }
        if plain && timed(new) && zoned(old) != zoned(new) {
            let in_utc = |side: &Side| format!("{} AT TIME ZONE 'UTC'", side.quoted());
            (new.value, old.value) = (Some(in_utc(old)), Some(in_utc(new)));
        }
        Ok(())
    }
}
