//! `[undo]` as meant.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo, Unit};
use serde::Deserialize;

use crate::error::{Error, Result};

/// `[undo]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Undo {
    /// Whether deploys keep what migrations destroy.
    pub enabled: bool,
    /// For how long: `7d`, `36h`.
    pub keep: String,
    /// No more than this is copied for one migration: `2GB`, `500MB`.
    pub max_size: String,
    /// What a deploy does where it cannot be kept.
    pub otherwise: Otherwise,
}

/// What a deploy does where it cannot keep what a migration destroys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// It goes on if it took a backup just before.
    Backup,
    /// It does not deploy.
    Refuse,
    /// It goes on.
    Continue,
}

/// How what migrations destroy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub enabled: bool,
    pub keep: Duration,
    /// Bytes copied for one migration, at most.
    pub max_size: u64,
    pub otherwise: Otherwise,
}

impl Settings {
    /// Reads `[undo]`.
    ///
    /// # Errors
    /// Exit status 2 for a time or a size that is none.
    pub fn read(config: &Undo) -> Result<Self> {
        let keep = time(&config.keep).ok_or_else(|| {
            Error::usage(format!("undo.keep = \"{}\" is no time", config.keep))
                .help("give days or hours: \"7d\", \"36h\"")
        })?;
        let max_size = size(&config.max_size).ok_or_else(|| {
            Error::usage(format!("undo.max-size = \"{}\" is no size", config.max_size))
                .help("give a number with kB, MB, GB or TB: \"2GB\"")
        })?;
        Ok(Self { enabled: config.enabled, keep, max_size, otherwise: config.otherwise })
    }
}

/// `7d`, `36h`, `1w`; a day has 24 hours.
fn time(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// `500MB`, in steps of 1000.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read() {
        assert_eq!(time("7d"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(time("36h"), Some(Duration::from_secs(36 * 3_600)));
        assert_eq!(time("0s"), Some(Duration::ZERO));
        assert_eq!((time("soon"), time("-1d"), time("")), (None, None, None));
        assert_eq!((size("2GB"), size("500 kb"), size("7")), (Some(2_000_000_000), Some(500_000), Some(7)));
        assert_eq!((size("many"), size("1.5GB"), size("99999999999999TB")), (None, None, None));
    }
}
