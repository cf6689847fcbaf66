//! In the seat without a journey: plain Prisma has started us as its engine.

use std::cell::RefCell;
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
    /// What the servers said of a URL; each call of Prisma's asks again.
    judged: RefCell<Option<(DatabaseUrl, Fence)>>,
}

impl door::Doorkeeper for Keeper<'_> {
    fn fence(&self, url: &DatabaseUrl) -> Fence {
        if let Some((_, fence)) = self.judged.borrow().as_ref().filter(|(judged, _)| judged == url) {
            return *fence;
        }
        let target = Target::known(url.clone(), None, &self.config.environments, &self.context.env);
        let fence = if target.production { Fence::Production } else { Fence::Open };
        *self.judged.borrow_mut() = Some((url.clone(), fence));
        fence
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
    door::stand(&project, context, args, &Keeper { config: &config, context, judged: RefCell::default() })
}
