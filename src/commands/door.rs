//! In the seat without a journey: plain Prisma has started us as its engine.

use std::ffi::OsString;

use crate::config::Config;
use crate::context::Context;
use crate::database::DatabaseUrl;
use crate::engine::{Fence, ShadowUse, door};
use crate::error::Result;
use crate::exit::Exit;
use crate::shadow::Judge;
use crate::target::Target;
use crate::tools::prisma;

struct Keeper<'a> {
    config: &'a Config,
    context: &'a Context,
}

impl door::Doorkeeper for Keeper<'_> {
    fn fence(&self, url: &DatabaseUrl) -> Fence {
        let target = Target::by_name(url.clone(), None, &self.config.environments, &self.context.env);
        if target.production { Fence::Production } else { Fence::Open }
    }

    fn shadow(&self, used: &ShadowUse) -> Result<()> {
        Judge { environments: &self.config.environments, env: &self.context.env }.check(used, true)
    }
}

/// Is the engine, with the arguments that Prisma gave it.
///
/// # Errors
/// Exit status 1 if the real engine is missing; 2 for an invalid prisma-safe.toml, because its settings are not known then.
pub fn run(args: Vec<OsString>, context: &Context) -> Result<Exit> {
    let project = prisma::find(&context.directory, &context.env)?;
    let config = Config::load(project.root())?;
    door::stand(&project, context, args, &Keeper { config: &config, context })
}
