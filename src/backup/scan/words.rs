//! Whether a semicolon stands inside the body of an SQL function: `CREATE FUNCTION … BEGIN ATOMIC …; … END`.

/// The words of a statement so far, outside parentheses.
#[derive(Debug, Default)]
pub(super) struct Words {
    count: usize,
    /// The first words, each by a letter; enough to recognise a routine.
    first: [u8; 4],
    after_begin: bool,
    depth: u32,
}

impl Words {
    /// Takes the next word, in any case.
    pub(super) fn push(&mut self, word: &[u8]) {
        let word = word.to_ascii_lowercase();
        if let Some(letter) = self.first.get_mut(self.count) {
            *letter = match word.as_slice() {
                b"create" => b'c',
                b"or" => b'o',
                b"replace" => b'r',
                b"function" | b"procedure" => b'f',
                _ => 0,
            };
        }
        self.count += 1;
        if !matches!(self.first, [b'c', b'f', ..] | [b'c', b'o', b'r', b'f']) {
            return;
        }
        match word.as_slice() {
            // a function may be named `begin`; only `BEGIN ATOMIC` opens a body
            b"atomic" if self.after_begin && self.depth == 0 => self.depth = 1,
            b"case" if self.depth > 0 => self.depth += 1,
            b"end" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.after_begin = word == b"begin";
    }

    /// Whether a semicolon here does not end the statement.
    pub(super) fn in_body(&self) -> bool {
        self.depth > 0
    }
}
