//! The definitions that a deployment or a rollback has left, and the rows of the tables that it touched, kept in `.prisma-safe/` for each
//! target: `verify` tells later what has changed since, by hand or by another tool.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::journal;
use super::verify::Table;
use crate::atomic;
use crate::catalog::live::Live;
use crate::database::usage::Usage;
use crate::database::{DatabaseUrl, Identity};
use crate::digest::hash_of;
use crate::error::{Explain as _, Result};
use crate::ui::moment;

#[derive(Serialize, Deserialize)]
struct Kept {
    target: String,
    #[serde(default)]
    server: Option<Identity>,
    at: Timestamp,
    #[serde(default)]
    what: What,
    left: Leaves,
}

/// What has brought the database to this state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    #[default]
    Deployment,
    Rollback,
}

/// What a deployment or a rollback leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaves {
    pub definitions: Live,
    /// Of the tables that it touched.
    #[serde(default)]
    pub rows: Vec<Table>,
    /// What would lead from the database to schema.prisma, and was told.
    #[serde(default)]
    pub drift: Vec<String>,
    /// How the database was used until then.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// What the last of them has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub leaves: Leaves,
    /// `the deployment of 2025-01-21 12:00:00 UTC`
    pub whose: String,
}

fn path(root: &Path, target: &str) -> PathBuf {
    journal::place(root).join(format!("definitions-{}.json", hash_of([target.as_bytes()])))
}

/// Keeps them; those of an earlier one are overwritten.
///
/// # Errors
/// Exit status 1 if the file cannot be written.
pub fn keep(root: &Path, url: &DatabaseUrl, server: Option<Identity>, what: What, leaves: Leaves) -> Result<()> {
    let path = path(root, &Identity::name(url, server.as_ref()));
    let kept = Kept { target: url.identity(), server, at: Timestamp::now(), what, left: leaves };
    let explain = || format!("could not write {}", path.display());
    let text = serde_json::to_string(&kept).explain(explain)?;
    atomic::write(&path, &text).explain(explain)
}

/// Reads them; none if there are none, if another version has written them, or if they are of another server's database under
/// the same name.
///
/// # Errors
/// Exit status 1 if the file cannot be read.
pub fn read(root: &Path, url: &DatabaseUrl, server: Option<&Identity>) -> Result<Option<Left>> {
    let place = url.identity();
    let path = path(root, &Identity::name(url, server));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).explain(|| format!("could not read {}", path.display())),
    };
    let kept: Option<Kept> = serde_json::from_str(&text).ok();
    let ours = |kept: &Kept| Identity::counts((&place, server), (&kept.target, kept.server.as_ref()));
    Ok(kept.filter(ours).map(|kept| {
        let what = match kept.what {
            What::Deployment => "deployment",
            What::Rollback => "rollback",
        };
        let whose = format!("the {what} of {}", moment(kept.at));
        Left { leaves: kept.left, whose }
    }))
}
