//! The room of a terminal for a text that is shown in place of the one before. What is taller leaves its upper part behind, where no
//! cursor gets to it any more.

/// A terminal's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    rows: usize,
    columns: usize,
}

impl Screen {
    /// What stdout goes to. Where that is not a terminal, everything has room.
    pub fn of_stdout() -> Self {
        let terminal = console::Term::stdout();
        let (rows, columns) = terminal.size();
        match terminal.features().is_attended() {
            true => Self::new(rows.into(), columns.into()),
            false => Self::new(usize::MAX, usize::MAX),
        }
    }

    /// At least a line of text, and the one that the cursor is in.
    pub fn new(rows: usize, columns: usize) -> Self {
        Self { rows: rows.max(2), columns: columns.max(1) }
    }

    /// The rows that a text takes: long lines take several.
    pub fn rows_of(&self, text: &str) -> usize {
        text.lines().map(|line| console::measure_text_width(line).div_ceil(self.columns).max(1)).sum()
    }

    /// Whether all of a text can be seen: the cursor stands in the row below it.
    pub fn holds(&self, text: &str) -> bool {
        self.rows_of(text) < self.rows
    }

    /// The last lines of a text, as many as can be seen; the last one in any case.
    pub(super) fn clip<'a>(&self, mut text: &'a str) -> &'a str {
        while !self.holds(text)
            && let Some((_, rest)) = text.split_once('\n')
            && !rest.is_empty()
        {
            text = rest;
        }
        text
    }

    /// The rows of a text that was shown and can still be reached.
    pub(super) fn reached(&self, text: &str) -> usize {
        self.rows_of(text).min(self.rows - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_a_row_free_and_its_last_lines() {
        let screen = Screen::new(4, 10);
        assert!(screen.holds("1\n2\n3\n") && !screen.holds("1\n2\n3\n4\n"));
        assert!(!screen.holds("1\n2 and much more\n3\n"), "a long line takes two rows");
        assert_eq!(screen.clip("1\n2 and much more\n3\n"), "2 and much more\n3\n");
        assert_eq!(screen.reached("1\n2\n3\n4\n"), 3);
        assert_eq!(Screen::new(0, 0).clip("a line\n"), "a line\n");
    }
}
