//! Points in time as people read them.

use jiff::Timestamp;

/// `2025-01-21 18:23:10 UTC`
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
