//! How single values of prisma-safe.toml are read. What is wrong is refused where the file is read, so that every command
//! refuses it, with its line.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo, Unit};
use serde::Deserialize as _;
use serde::de::{Deserializer, Error as _};

use crate::error::{Error, Result};

/// A length of time in seconds.
///
/// # Errors
/// For a negative one, and for one that is not a number.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| D::Error::custom(format!("{seconds} is not a number of seconds from 0 on")))
}

/// A length of time in seconds that may be left out.
///
/// # Errors
/// Those of [`seconds`].
pub fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    seconds(deserializer).map(Some)
}

/// A limit in seconds; 0 is none.
///
/// # Errors
/// Those of [`seconds`].
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Some(seconds(deserializer)?).filter(|limit| !limit.is_zero()))
}

/// How many times as much: a number above 0.
///
/// # Errors
/// For anything else.
pub fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    if factor.is_finite() && factor > 0.0 {
        return Ok(factor);
    }
    Err(D::Error::custom(format!("{factor} is not a number above 0")))
}

/// A length of time in words: `7d`, `36h`.
///
/// # Errors
/// For anything else, and for a negative one.
pub fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    text(deserializer, |words| {
        time(words).ok_or_else(|| {
            Error::usage(format!("{words:?} is not a length of time")).help("give days or hours: \"7d\", \"36h\"")
        })
    })
}

/// `7d`, `36h`, `1w`, `100ms`; a day has 24 hours.
pub fn time(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// A text that `read` understands.
///
/// # Errors
/// What `read` says, with its cause and what to do.
pub fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T>,
) -> Result<T, D::Error> {
    read(&String::deserialize(deserializer)?).map_err(|error| D::Error::custom(whole(&error)))
}

/// All that an error says, for the reader of a file.
pub fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    for cause in error.causes() {
        text = format!("{text}: {cause}");
    }
    match error.help_text() {
        Some(help) => format!("{text}\n{help}"),
        None => text,
    }
}
