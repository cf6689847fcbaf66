//! How far a long operation is: a bar at a terminal, a line now and then elsewhere, nothing with `-q`.

use std::time::{Duration, Instant};

use indicatif::{DecimalBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Shell;

/// Lines come no more often than this without a terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// The time left is guessed only after this time.
const BEFORE_GUESS: Duration = Duration::from_secs(2);
const STEPS_PER_SECOND: u8 = 10;
/// Longest name shown.
const NAME_WIDTH: usize = 28;

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position<'a> {
    /// Of the whole, by estimate: 0 to 1.
    pub fraction: f64,
    /// Bytes that are really done.
    pub bytes: u64,
    /// Tables that are done, and all of them.
    pub tables: Option<(usize, usize)>,
    /// What is worked on now: a table's name.
    pub current: &'a str,
}

/// The progress of one operation; gone from the screen when dropped.
#[derive(Debug)]
pub struct Progress {
    form: Form,
    started: Instant,
}

#[derive(Debug)]
enum Form {
    Hidden,
    Bar(ProgressBar),
    Lines { shell: Shell, verb: &'static str, last: Instant },
}

impl Progress {
    /// `verb` stands where a status line has its own: `Dumping`.
    pub fn start(shell: &Shell, verb: &'static str) -> Self {
        let started = Instant::now();
        shell.end_step();
        let form = if shell.quiet() {
            Form::Hidden
        } else if console::Term::stderr().features().is_attended() {
            Form::Bar(bar(shell, verb))
        } else {
            Form::Lines { shell: shell.clone(), verb, last: started }
        };
        Self { form, started }
    }

    /// Shows where it stands, unless it has just been shown.
    pub fn show(&mut self, position: Position<'_>) {
        self.say(position.fraction, &describe(position));
    }

    /// The same in words of the caller's own; the time left is added.
    pub fn say(&mut self, fraction: f64, words: &str) {
        let left =
            time_left(self.started.elapsed(), fraction).map(|left| format!(", about {} left", HumanDuration(left)));
        let words = format!("{words}{}", left.unwrap_or_default());
        match &mut self.form {
            Form::Hidden => {}
            Form::Bar(bar) => {
                bar.set_position(per_mille(fraction));
                bar.set_message(words);
            }
            Form::Lines { shell, verb, last } => {
                if last.elapsed() >= BETWEEN_LINES {
                    *last = Instant::now();
                    shell.status(verb, format_args!("{} %, {words}", per_mille(fraction) / 10));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn bar(shell: &Shell, verb: &'static str) -> ProgressBar {
    let color = if shell.color() { ".green.bold" } else { "" };
    let template = format!("{{prefix:>12{color}}} [{{bar:24}}] {{percent:>3}} % {{wide_msg}}");
    let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(STEPS_PER_SECOND));
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_prefix(verb)
}

fn per_mille(fraction: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
    let steps = (fraction.clamp(0.0, 1.0) * 1000.0) as u64;
    steps
}

/// The words beside the bar.
fn describe(position: Position<'_>) -> String {
    let mut parts = vec![DecimalBytes(position.bytes).to_string()];
    parts.extend(position.tables.map(|(done, all)| format!("{done} of {all} tables")));
    if !position.current.is_empty() {
        parts.push(console::truncate_str(position.current, NAME_WIDTH, "…").into_owned());
    }
    parts.join(", ")
}

/// What is left if it goes on as fast as it went.
fn time_left(elapsed: Duration, fraction: f64) -> Option<Duration> {
    (elapsed >= BEFORE_GUESS && fraction > 0.01 && fraction < 1.0).then(|| elapsed.mul_f64((1.0 - fraction) / fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_the_time_left_from_the_time_it_took() {
        assert_eq!(time_left(Duration::from_secs(10), 0.25), Some(Duration::from_secs(30)));
        assert_eq!(time_left(Duration::from_secs(1), 0.25), None);
        assert_eq!(time_left(Duration::from_secs(10), 0.0), None);
        assert_eq!(time_left(Duration::from_secs(10), 1.0), None);
    }

    #[test]
    fn a_wild_fraction_stays_on_the_bar() {
        assert_eq!([per_mille(-1.0), per_mille(0.5), per_mille(7.0), per_mille(f64::NAN)], [0, 500, 1000, 0]);
    }
}
