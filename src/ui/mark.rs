//! ✓ ! ✗ ? before a line, in ASCII where the terminal's locale has no other letters.

use console::Style;

/// What a line says at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// To be looked at.
    Look,
    /// Wrong.
    Bad,
    /// Not known.
    Unknown,
}

impl Mark {
    pub(super) fn symbol(self, unicode: bool) -> &'static str {
        match (self, unicode) {
            (Self::Good, true) => "✓",
            (Self::Good, false) => "+",
            (Self::Look, _) => "!",
            (Self::Bad, true) => "✗",
            (Self::Bad, false) => "x",
            (Self::Unknown, _) => "?",
        }
    }

    pub(super) fn style(self) -> Style {
        match self {
            Self::Good => Style::new().green(),
            Self::Look => Style::new().yellow().bold(),
            Self::Bad => Style::new().red().bold(),
            Self::Unknown => Style::new().dim(),
        }
    }
}

/// By the variables of POSIX, the first that is set: one that names no UTF-8 says what the terminal reads. Where none is set, as in
/// many containers, terminals read UTF-8.
pub(super) fn reads_unicode(env: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env(name).filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
