//! A database URL in Prisma's form; printed nowhere.

use std::fmt;

use crate::error::{Error, Result};

/// A PostgreSQL URL as Prisma takes it. `Debug` and `Display` redact.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: url::Url,
}

impl DatabaseUrl {
    /// Parses Prisma's form.
    ///
    /// # Errors
    /// Exit status 2 if it is no PostgreSQL URL. The error never holds the URL.
    pub fn parse(text: &str) -> Result<Self> {
        let url =
            url::Url::parse(text).map_err(|error| Error::usage("the database URL is not valid").because(error))?;
        Ok(Self { url })
    }

    /// The whole URL with its password, for the environment of a child process only.
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}
