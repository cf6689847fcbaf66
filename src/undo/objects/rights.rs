//! Owners and privileges on their way back.

use std::collections::BTreeSet;

use postgres::Client;

use super::{Objects, attempt};
use crate::catalog::live::{Live, Right, Without};
use crate::database::Failure;

impl Objects<'_> {
    /// Who owns and may use what: gives back what went, takes away what the migration gave and what a new object came with.
    pub(super) fn rights(&self, client: &mut Client) -> Result<Vec<String>, Failure> {
        let (before, after, start) = (&self.before.rights, &self.after.rights, &self.start.rights);
        if before.is_empty() {
            return Ok(match self.made.is_empty() {
                true => Vec::new(),
                // read by an earlier version
                false => vec!["rights on what was made again: they were not read before the migration".to_owned()],
            });
        }
        let target: BTreeSet<&Right> = start
            .iter()
            .filter(|right| before.contains(right) || !after.contains(right))
            .chain(before.difference(after))
            .collect();
        let mut lost = Vec::new();
        let came = |right: &&Right| {
            let known = |rights: &BTreeSet<Right>| rights.iter().any(|other| other.object == right.object);
            after.contains(right) || known(before) && !known(start) || self.is_made(&right.object)
        };
        // first what came: a right on a table takes those on its columns away with it
        for right in rights(client)?.iter().filter(|right| !target.contains(right)).filter(came) {
            if let Some(revoke) = right.revoke()
                && !attempt(client, &revoke)?
            {
                lost.push(revoke);
            }
        }
        let now = rights(client)?;
        let (owners, granted): (Vec<&Right>, Vec<&Right>) =
            target.iter().copied().filter(|right| !now.contains(*right)).partition(|right| right.privilege.is_none());
        // the owner comes later: afterwards we may have no say in it
        for right in granted.into_iter().chain(owners) {
            attempt(client, &right.grant())?;
        }
        // what was given to a role while it was the owner is gone now that it is not
        let now = rights(client)?;
        for right in target.into_iter().filter(|right| before.contains(right) && !now.contains(*right)) {
            if !attempt(client, &right.grant())? {
                lost.push(right.grant());
            }
        }
        Ok(lost)
    }

    /// By what `GRANT` calls it.
    fn is_made(&self, object: &str) -> bool {
        let name = object.split_once(' ').map_or(object, |(_, name)| name);
        self.made.iter().any(|made| made.strip_suffix(name).is_some_and(|kind| kind.ends_with(' ')))
    }
}

fn rights(client: &mut Client) -> Result<BTreeSet<Right>, Failure> {
    Live::rights_within(client, &Without::default())
}
