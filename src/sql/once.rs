//! A text that is parsed at most once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::Script;

/// The text of a migration, with its statements once they were asked for. Clones share both: however many stages look
/// at a migration, it is parsed once.
#[derive(Clone, Default)]
pub struct Sql {
    text: Arc<str>,
    script: Arc<OnceLock<Script>>,
}

impl Sql {
    /// The text, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its statements.
    pub fn script(&self) -> &Script {
        self.script.get_or_init(|| Script::parse(Arc::clone(&self.text)))
    }

    /// Its statements, if they were asked for.
    pub fn parsed(&self) -> Option<&Script> {
        self.script.get()
    }

    /// Looks at its statements without keeping them, for what is one of thousands: statements take many times their text's memory.
    pub fn look<T>(&self, look: impl FnOnce(&Script) -> T) -> T {
        match self.script.get() {
            Some(script) => look(script),
            None => look(&Script::parse(Arc::clone(&self.text))),
        }
    }
}

impl Deref for Sql {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl AsRef<[u8]> for Sql {
    fn as_ref(&self) -> &[u8] {
        self.text.as_bytes()
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Self {
        Self { text: text.into(), script: Arc::default() }
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Sql {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Sql {}

impl PartialEq<String> for Sql {
    fn eq(&self, other: &String) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<Sql> for String {
    fn eq(&self, other: &Sql) -> bool {
        other == self
    }
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_statements() {
        let sql = Sql::from("SELECT 1;");
        let clone = sql.clone();
        assert!(std::ptr::eq(sql.script(), clone.script()));
        assert_eq!(clone.script().statements().len(), 1);
    }

    #[test]
    fn a_look_keeps_nothing() {
        let sql = Sql::from("SELECT 1;");
        assert_eq!(sql.look(|script| script.statements().len()), 1);
        assert!(sql.script.get().is_none());
        let kept = std::ptr::from_ref(sql.script());
        assert!(sql.look(|script| std::ptr::eq(script, kept)));
    }
}
