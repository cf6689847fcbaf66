//! Whether the database is what it was before the migration.

use std::collections::BTreeSet;

use postgres::Client;

use super::super::names;
use super::{Compared, Request};
use crate::catalog::live::{Live, Without, differences};
use crate::database::Failure;

/// What is known of the database before the migration; what was changed since does not concern the rollback.
pub(super) struct Known<'a> {
    request: &'a Request<'a>,
    pub(super) compared: Compared,
    since: BTreeSet<String>,
}

impl<'a> Known<'a> {
    /// With the definitions just now, and the rights.
    pub(super) fn before(client: &mut Client, request: &'a Request<'a>) -> Result<(Self, Live), Failure> {
        let live = Live::read_with_rights(client, &Without::default())?;
        let (compared, since) = match definitions(request) {
            Some((_, after)) => (Compared::Definitions, words(after, &live)),
            None => (Compared::Names, names::differences(request.replayed.1, &live)),
        };
        Ok((Self { request, compared, since }, live))
    }

    pub(super) fn differences(&self, client: &mut Client) -> Result<Vec<String>, Failure> {
        let live = Live::read_within(client, &Without::default())?;
        let now = match definitions(self.request) {
            Some((before, _)) => words(before, &live),
            None => names::differences(self.request.replayed.0, &live),
        };
        Ok(now.difference(&self.since).cloned().collect())
    }
}

/// The definitions around the migration, where they were read.
pub(super) fn definitions<'a>(request: &Request<'a>) -> Option<&'a (Live, Live)> {
    request.capsule?.definitions.as_ref()
}

fn words(left: &Live, right: &Live) -> BTreeSet<String> {
    differences(left, right).iter().map(ToString::to_string).collect()
}
