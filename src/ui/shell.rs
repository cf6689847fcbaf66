//! Lines of talk on stderr in cargo's look, data on stdout; colours only where a person reads them.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Style;

use super::mark::{self, Mark};
use super::screen::Screen;
use crate::error::Error;

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal without `NO_COLOR`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The terminal, as far as prisma-safe writes to it.
#[derive(Debug, Clone)]
pub struct Shell {
    quiet: bool,
    verbose: u8,
    color: bool,
    /// Colours whatever stdout is.
    forced: bool,
    interactive: bool,
    /// Letters beyond ASCII are read.
    unicode: bool,
    /// The last line tells of a step, and gives way to the next line.
    step: Arc<AtomicBool>,
    /// Something stands on stdout.
    printed: Arc<AtomicBool>,
}

impl Shell {
    /// Settles colours and interactivity once. `env` answers for environment variables.
    pub fn new(
        quiet: bool,
        verbose: u8,
        color: ColorChoice,
        non_interactive: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let forced = color == ColorChoice::Always;
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                io::stderr().is_terminal()
                    && env("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env("TERM").as_deref() != Some("dumb")
            }
        };
        let ci = env("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"));
        let interactive = !non_interactive && !ci && io::stdin().is_terminal() && io::stderr().is_terminal();
        let unicode = mark::reads_unicode(env);
        Self { quiet, verbose, color, forced, interactive, unicode, step: Arc::default(), printed: Arc::default() }
    }

    /// Whether a question can be asked: a terminal, not CI, not `--non-interactive`.
    pub fn interactive(&self) -> bool {
        self.interactive
    }

    /// Whether only warnings and errors are wanted.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Whether colours are on.
    pub fn color(&self) -> bool {
        self.color
    }

    /// The same for what goes to stdout, which may be a file while stderr is a terminal.
    #[must_use]
    pub fn on_stdout(&self) -> Self {
        Self { color: self.color && (self.forced || io::stdout().is_terminal()), ..self.clone() }
    }

    /// The terminal's width in columns; 100 where there is none.
    pub fn width(&self) -> usize {
        console::Term::stderr().size_checked().map_or(100, |(_, columns)| usize::from(columns))
    }

    /// How many `-v` were given.
    pub fn verbose(&self) -> u8 {
        self.verbose
    }

    /// A stage: `   Reviewing 2 pending migrations`.
    pub fn status(&self, verb: &str, message: impl Display) {
        if !self.quiet {
            self.talk(&self.paint(&format!("{verb:>12}"), &Style::new().green().bold()), message);
        }
    }

    /// A step that has begun, and whose result will be told: a line of its own with `-v`; else it stands at a terminal until the
    /// next line is written.
    pub fn step(&self, verb: &str, message: impl Display) {
        if self.verbose > 0 {
            return self.status(verb, message);
        }
        if self.quiet || !console::Term::stderr().features().is_attended() {
            return;
        }
        let line = format!("{} {message}", self.paint(&format!("{verb:>12}"), &Style::new().green().bold()));
        let line = line.replace('\n', " ");
        self.write_stderr(&console::truncate_str(&line, self.width().saturating_sub(1), "…"));
        self.step.store(true, Ordering::Relaxed);
    }

    /// Takes a step's line off the terminal, before another program or a question writes there.
    pub fn end_step(&self) {
        self.write_stderr("");
    }

    /// A line that is indented under the last stage.
    pub fn detail(&self, message: impl Display) {
        if !self.quiet {
            self.talk(&" ".repeat(12), message);
        }
    }

    /// The same, only with `-v`.
    pub fn fine_detail(&self, message: impl Display) {
        if self.verbose > 0 {
            self.detail(message);
        }
    }

    /// Something worth knowing.
    pub fn note(&self, message: impl Display) {
        if !self.quiet {
            self.talk(&self.paint("note:", &Style::new().cyan().bold()), message);
        }
    }

    /// Something that may need attention; shown even with `-q`.
    pub fn warn(&self, message: impl Display) {
        self.talk(&self.paint("warning:", &Style::new().yellow().bold()), message);
    }

    /// Only with `-v`.
    pub fn debug(&self, message: impl Display) {
        if self.verbose > 0 {
            self.talk(&self.paint("debug:", &Style::new().dim()), message);
        }
    }

    /// An error with its causes and what to do next.
    pub fn error(&self, error: &Error) {
        self.talk(&self.paint("error:", &Style::new().red().bold()), error);
        for cause in error.causes() {
            self.talk("  caused by:", cause.replace('\n', "\n    "));
        }
        if let Some(help) = error.help_text() {
            self.talk(&self.paint(" help:", &Style::new().cyan().bold()), help.replace('\n', "\n       "));
        }
    }

    /// A block of text on stderr, as it is.
    pub fn block(&self, text: &str) {
        if !self.quiet {
            self.write_stderr(text);
        }
    }

    /// Data on stdout, as it is. A broken pipe is not an error.
    pub fn print(&self, text: &str) {
        self.end_step();
        self.printed.store(true, Ordering::Relaxed);
        let mut stdout = io::stdout().lock();
        // a reader that went away has all it wanted
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// Whether anything was printed to stdout.
    pub fn has_printed(&self) -> bool {
        self.printed.load(Ordering::Relaxed)
    }

    /// What stands before a line that says how something is.
    pub fn mark(&self, mark: Mark) -> String {
        self.paint(mark.symbol(self.unicode), &mark.style())
    }

    /// Data on stdout that takes the place of the text that was shown so before; gives what is shown, which is cut where the terminal
    /// is lower. Where stdout is not a terminal it follows.
    pub fn refresh(&self, draw: impl FnOnce(&Screen) -> String, before: &str) -> String {
        let terminal = console::Term::stdout();
        // it may have another size than before, and wraps what it shows anew
        let screen = Screen::of_stdout();
        if terminal.features().is_attended() && !before.is_empty() {
            self.end_step();
            // a terminal that went away shows nothing
            let _ = terminal.clear_last_lines(screen.reached(before));
        }
        let text = draw(&screen);
        let shown = screen.clip(&text);
        self.print(shown);
        shown.to_owned()
    }

    /// Applies a style if colours are on.
    pub fn paint(&self, text: &str, style: &Style) -> String {
        style.clone().force_styling(self.color).apply_to(text).to_string()
    }

    fn talk(&self, head: &str, message: impl Display) {
        self.write_stderr(&format!("{head} {message}\n"));
    }

    fn write_stderr(&self, text: &str) {
        const START_OF_EMPTY_LINE: &str = "\r\x1b[2K";
        let over = if self.step.swap(false, Ordering::Relaxed) { START_OF_EMPTY_LINE } else { "" };
        // nothing can be said where stderr is gone
        let _ = io::stderr().lock().write_all(format!("{over}{text}").as_bytes());
    }
}
