//! `[undo]` of prisma-safe.toml.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::error::Error;
use crate::setting::text;

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

/// How what migrations destroy is kept: `[undo]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Whether deploys keep it.
    pub enabled: bool,
    /// For how long: `7d`, `36h`.
    #[serde(deserialize_with = "crate::setting::span")]
    pub keep: Duration,
    /// Bytes copied for one migration, at most: `2GB`, `500MB`.
    #[serde(deserialize_with = "max_size")]
    pub max_size: u64,
    /// What a deploy does where it cannot be kept.
    pub otherwise: Otherwise,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            keep: Duration::from_secs(7 * 24 * 60 * 60),
            max_size: 2_000_000_000,
            otherwise: Otherwise::Backup,
        }
    }
}

fn max_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    text(deserializer, |max| {
        size(max).ok_or_else(|| {
            Error::usage(format!("{max:?} is not a size")).help("give a whole number with kB, MB, GB or TB: \"2GB\"")
        })
    })
}

/// `7d`, `36h`: as it is written in the settings.
pub fn said(keep: Duration) -> String {
    match keep.as_secs() {
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        seconds => format!("{seconds}s"),
    }
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
    use crate::setting::time;

    #[test]
    fn times_and_sizes_are_read() {
        assert_eq!(time("7d"), Some(Duration::from_secs(7 * 86_400)));
        assert_eq!(time("36h"), Some(Duration::from_secs(36 * 3_600)));
        assert_eq!(time("0s"), Some(Duration::ZERO));
        assert_eq!((time("soon"), time("-1d"), time("")), (None, None, None));
        assert_eq!((size("2GB"), size("500 kb"), size("7")), (Some(2_000_000_000), Some(500_000), Some(7)));
        assert_eq!(["7d", "36h", "1w", "90m"].map(|text| said(time(text).unwrap())), ["7d", "36h", "7d", "5400s"]);
        assert_eq!((size("many"), size("1.5GB"), size("99999999999999TB")), (None, None, None));
    }
}
