//! The environment as it was when the program started.

use std::borrow::Cow;
use std::collections::HashMap;

/// Its variables: everything reads them from here, nothing writes them.
#[derive(Clone, Default)]
pub struct Env {
    vars: HashMap<String, String>,
}

impl Env {
    /// The process's environment; variables that are no UTF-8 are left out.
    pub fn read() -> Self {
        std::env::vars_os()
            .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.vars.get(&*spelled(key)).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// These variables, and those of `below` that are not set here.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        let mut vars = below.vars.clone();
        vars.extend(self.vars.clone());
        Self { vars }
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.vars.keys().map(String::as_str)
    }
}

/// A variable's name as we write it: to Windows `Path` and `PATH` are one.
fn spelled(name: &str) -> Cow<'_, str> {
    if cfg!(windows) { name.to_ascii_uppercase().into() } else { name.into() }
}

impl FromIterator<(String, String)> for Env {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(iter: T) -> Self {
        Self { vars: iter.into_iter().map(|(key, value)| (spelled(&key).into_owned(), value)).collect() }
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Env({} variables)", self.vars.len())
    }
}
