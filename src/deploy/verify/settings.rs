//! `[verify]` of prisma-safe.toml.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Query;
use crate::error::Error;
use crate::setting::text;
use crate::sql::Script;

/// `[verify]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Verify {
    /// What a difference between schema.prisma and the database means.
    pub drift: Drift,
    /// Critical queries, `[[verify.query]]`.
    pub query: Vec<Query>,
}

/// What a difference between schema.prisma and the database after a deploy means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Nobody looks.
    Off,
    /// It is said.
    #[default]
    Warn,
    /// The verification fails.
    Fail,
}

/// One statement.
pub(super) fn statement<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(deserializer, |sql| {
        let script = Script::parse(sql);
        if script.statements().len() != 1 || !script.errors().is_empty() {
            return Err(Error::usage("a query of [[verify.query]] is not one statement"));
        }
        Ok(sql.to_owned())
    })
}

/// `"3"` and `3` mean the same; true is `t`, as PostgreSQL writes it.
pub(super) fn value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Boolean(true) => "t".into(),
        toml::Value::Boolean(false) => "f".into(),
        toml::Value::Array(_) | toml::Value::Table(_) => {
            return Err(D::Error::custom("a query is expected to give one value: a text, a number, true or false"));
        }
        other => other.to_string(),
    }))
}

/// A number above 0, where it is given.
pub(super) fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    crate::setting::factor(deserializer).map(Some)
}
