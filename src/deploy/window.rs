//! When a deploy may change the database: `--maintenance-window "22:00-04:00 Europe/Berlin"` and `--at 22:00`.
//!
//! A window is only a fence: outside of it nothing is begun, and a migration whose turn comes after its end is not begun
//! either. `--at` is the way to wait for it: everything that needs a person happens at once, the rest not before that time.

use std::fmt;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

use crate::error::{Error, Result};

/// A deploy waits no longer than this for `--at`: a terminal and a connection that are kept longer are forgotten.
const LONGEST_WAIT_HOURS: i64 = 24;

/// A time of day in which changes are allowed, every day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    start: Time,
    /// Not in it any more; before the start where the window goes over midnight.
    end: Time,
    zone: TimeZone,
}

impl Window {
    /// Reads `22:00-04:00 Europe/Berlin`; without a zone the times are this machine's.
    ///
    /// # Errors
    /// Exit status 2.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Error::usage(format!("the maintenance window {text:?} is not understood: {why}"))
                .help("write it as \"22:00-04:00 Europe/Berlin\"")
        };
        let mut words = text.split_whitespace();
        let times = words.next().ok_or_else(|| wrong("it is empty"))?;
        let zone = match words.next() {
            Some(name) => TimeZone::get(name).map_err(|_| wrong(&format!("unknown time zone {name}")))?,
            None => TimeZone::system(),
        };
        if words.next().is_some() {
            return Err(wrong("something follows the time zone"));
        }
        let (start, end) = times.split_once('-').ok_or_else(|| wrong("there is no `-` between two times"))?;
        let (Some(start), Some(end)) = (time(start), time(end)) else {
            return Err(wrong("a time is HH:MM, up to 24:00"));
        };
        if start == end {
            return Err(wrong("it begins when it ends"));
        }
        Ok(Self { start, end, zone })
    }

    /// Whether changes are allowed at this moment.
    pub fn contains(&self, now: Timestamp) -> bool {
        let now = now.to_zoned(self.zone.clone()).time();
        match self.start < self.end {
            true => self.start <= now && now < self.end,
            // over midnight
            false => self.start <= now || now < self.end,
        }
    }

    /// When it next opens.
    fn opens(&self, now: Timestamp) -> Result<Zoned> {
        next(self.start, now, &self.zone)
    }

    /// Lets nothing be begun outside.
    ///
    /// # Errors
    /// Exit status 3, with the time when it opens.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        if self.contains(now) {
            return Ok(());
        }
        let opens = self.opens(now)?;
        Err(Error::refused(format!(
            "it is {}, outside of the maintenance window {self}",
            now.to_zoned(self.zone.clone()).strftime("%H:%M")
        ))
        .help(format!(
            "it opens at {}; to wait for it: --at {}",
            opens.strftime("%Y-%m-%d %H:%M %Z"),
            self.start.strftime("%H:%M")
        )))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.strftime("%H:%M"), self.end.strftime("%H:%M"))?;
        match self.zone.iana_name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

/// `HH:MM`; 24:00 is midnight.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    match (hour.parse().ok()?, minute.parse().ok()?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

/// The next moment that clocks in the zone show this time. One that a change of clocks skips comes as much later.
fn next(time: Time, now: Timestamp, zone: &TimeZone) -> Result<Zoned> {
    let here = now.to_zoned(zone.clone());
    let unknown = |error: jiff::Error| Error::failed("the clock cannot be reckoned with").because(error);
    let today = here.date().to_datetime(time).to_zoned(zone.clone()).map_err(unknown)?;
    if today.timestamp() > now {
        return Ok(today);
    }
    let tomorrow = here.date().checked_add(1.day()).map_err(unknown)?;
    tomorrow.to_datetime(time).to_zoned(zone.clone()).map_err(unknown)
}

/// Reads `--at`: `22:00` (the next one; in the window's zone if there is one, else this machine's), `2025-01-21 22:00`, or a
/// moment with its zone as RFC 3339 writes it. A moment that is over already is no reason to wait.
///
/// # Errors
/// Exit status 2 for an invalid time, one more than a day away, or one outside of the window.
pub fn not_before(text: &str, now: Timestamp, window: Option<&Window>) -> Result<Timestamp> {
    let zone = window.map_or_else(TimeZone::system, |window| window.zone.clone());
    let moment = match time(text) {
        Some(time) => next(time, now, &zone)?.timestamp(),
        None => absolute(text, &zone).ok_or_else(|| {
            Error::usage(format!("--at {text:?} is not a time"))
                .help("write 22:00, \"2025-01-21 22:00\" or 2025-01-21T22:00:00+01:00")
        })?,
    };
    if moment.duration_since(now).as_hours() >= LONGEST_WAIT_HOURS {
        return Err(
            Error::usage(format!("--at {text} is more than a day away")).help("let a scheduler start the deploy then")
        );
    }
    match window {
        Some(window) if !window.contains(moment.max(now)) => {
            Err(Error::usage(format!("--at {text} is outside of the maintenance window {window}")))
        }
        _ => Ok(moment),
    }
}

fn absolute(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Some(zoned.timestamp());
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let local: DateTime = text.parse().ok()?;
    // a date alone says no time
    let says_time = text.contains(':');
    says_time.then(|| local.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_may_go_over_midnight() {
        let window = Window::parse("22:00-04:00 Europe/Berlin").unwrap();
        for (moment, inside) in [
            ("2025-01-21T20:59:59Z", false),
            ("2025-01-21T21:00:00Z", true),
            ("2025-01-22T02:59:59Z", true),
            ("2025-01-22T03:00:00Z", false),
            // in summer the same clock is another hour
            ("2025-07-21T20:00:00Z", true),
            ("2025-07-22T02:00:00Z", false),
        ] {
            assert_eq!(window.contains(at(moment)), inside, "{moment}");
            assert_eq!(window.check(at(moment)).is_ok(), inside);
        }
        let error = window.check(at("2025-01-21T12:00:00Z")).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains("it is 13:00"), "{error}");
        let help = error.help_text().unwrap();
        assert!(help.contains("2025-01-21 22:00 CET") && help.contains("--at 22:00"), "{help}");
        assert_eq!(window.to_string(), "22:00-04:00 Europe/Berlin");
    }

    #[test]
    fn a_window_within_a_day() {
        let window = Window::parse("1:30-24:00 UTC").unwrap();
        assert!(!window.contains(at("2025-01-21T01:29:00Z")) && window.contains(at("2025-01-21T23:59:00Z")));
        assert!(!window.contains(at("2025-01-21T00:00:00Z")));
    }

    #[test]
    fn a_window_that_is_none_is_refused() {
        for text in
            ["", "22:00", "22-04 UTC", "25:00-04:00 UTC", "22:00-22:00", "22:00-04:00 Mars/Olympus", "1:00-2:00 UTC x"]
        {
            assert_eq!(Window::parse(text).unwrap_err().exit(), Exit::Usage, "{text:?}");
        }
    }

    #[test]
    fn at_is_the_next_such_time() {
        let window = Window::parse("22:00-04:00 Europe/Berlin").unwrap();
        let now = at("2025-01-21T22:30:00Z"); // 23:30 in Berlin
        assert_eq!(not_before("02:00", now, Some(&window)).unwrap(), at("2025-01-22T01:00:00Z"));
        assert_eq!(not_before("23:00", now, Some(&window)).unwrap(), at("2025-01-22T22:00:00Z"));
        assert_eq!(not_before("2025-01-21T23:45:00+01:00", now, None).unwrap(), at("2025-01-21T22:45:00Z"));
        assert_eq!(not_before("2025-01-22 01:00", now, Some(&window)).unwrap(), at("2025-01-22T00:00:00Z"));
        assert_eq!(not_before("2020-01-01T00:00:00Z", now, None).unwrap(), at("2020-01-01T00:00:00Z"), "at once");
        for wrong in ["12:00", "tomorrow", "2025-01-25T00:00:00Z", "2025-01-22"] {
            assert_eq!(not_before(wrong, now, Some(&window)).unwrap_err().exit(), Exit::Usage, "{wrong}");
        }
    }

    #[test]
    fn a_time_that_the_clocks_skip_comes_later() {
        // in Berlin 02:30 is not there on this day
        let window = Window::parse("02:30-05:00 Europe/Berlin").unwrap();
        let opens = window.opens(at("2025-03-30T00:00:00Z")).unwrap();
        assert_eq!(opens.timestamp(), at("2025-03-30T01:30:00Z"));
    }
}
