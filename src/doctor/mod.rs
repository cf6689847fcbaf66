//! `doctor`: is everything there that a deploy will need? Each thing that is looked at is a check of its own, and one that cannot
//! be looked at is said to be unchecked. Only reads; a scratch server that is started to see whether one can be is gone afterwards.

mod backups;
mod database;
mod project;
mod report;
mod ways;

use std::path::Path;

pub use self::report::{Group, Report};
use crate::config::Config;
use crate::context::Context;
use crate::engine::Discovered;
use crate::error::Error;
use crate::project::Project;
use crate::target::Target;

/// What is known before anything is looked at, or why it is not.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub context: &'a Context,
    /// Where package.json is; else where we were started.
    pub root: &'a Path,
    pub project: Result<&'a Project, &'a Error>,
    /// prisma-safe.toml as it was read.
    pub config: Result<&'a Config, &'a Error>,
    /// The same; the defaults where it is not understood.
    pub settings: &'a Config,
    pub discovered: Result<&'a Discovered, &'a Error>,
    pub target: Result<&'a Target, &'a Error>,
}

/// Looks at everything.
pub fn examine(scene: &Scene<'_>) -> Report {
    let shell = &scene.context.shell;
    let project = project::checks(scene);
    shell.step("Asking", "the database");
    let (database, reached) = database::checks(scene);
    shell.step("Looking", "at what backups and rehearsals need");
    let backups = backups::checks(scene, reached);
    let ways = ways::checks(scene);
    shell.end_step();
    Report {
        groups: vec![
            Group { name: "project", checks: project },
            Group { name: "database", checks: database },
            Group { name: "backups", checks: backups },
            Group { name: "ways", checks: ways },
        ],
    }
}
