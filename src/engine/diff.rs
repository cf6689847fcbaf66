//! `migrate diff`: only its shadow database is looked after.

use super::protocol::Request;
use super::real::Engine;
use super::role::{Reply, Role};
use super::shadow::ShadowUse;
use super::target::Target;
use crate::database::DatabaseUrl;
use crate::error::Result;

/// The role around two functions.
pub(super) struct Diff<'a> {
    pub(super) seated: &'a mut dyn FnMut(&Target),
    pub(super) shadow: &'a mut dyn FnMut(&ShadowUse) -> Result<Option<DatabaseUrl>>,
}

impl Role for Diff<'_> {
    fn seated(&mut self, target: &Target) -> Result<Option<DatabaseUrl>> {
        (self.seated)(target);
        Ok(None)
    }

    fn request(&mut self, request: Request, engine: &mut Engine<'_>) -> Result<Reply> {
        if let Some(used) = engine.first_shadow_use(&request)?
            && let Some(url) = (self.shadow)(&used)?
        {
            engine.use_shadow(url)?;
        }
        Ok(Reply::Relay(request))
    }
}
