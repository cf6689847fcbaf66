//! What speaks for a rewrite: three proofs and the rows, each told on its own.

use crate::error::{Error, Result};
use crate::rename::{self, Draft, Proof, Replay, Rewrite, Verdict};

use super::AskPrisma;

/// A thread of the proof is gone.
pub(super) fn ended_unexpectedly() -> Replay {
    Replay::not_done("its thread ended unexpectedly")
}

/// Proofs of a rewrite, as `--format json` reports them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proofs {
    /// The replayed catalogs' differences; empty is proved.
    pub catalog: Proof,
    /// Draft and rewrite, run on a scratch server.
    pub replay: Replay,
    /// What Prisma would still draft; empty is proved, none is not asked.
    pub prisma: Option<String>,
}

impl Proofs {
    /// Gathers them; a server works, and the catalogs are replayed, while Prisma is asked. `on_server` is that proof; none where it is off.
    pub(super) fn gather(
        draft: &Draft<'_>,
        rewrite: &Rewrite,
        ask: &mut AskPrisma<'_>,
        on_server: Option<impl FnOnce() -> Replay + Send>,
    ) -> Result<Self> {
        std::thread::scope(|scope| {
            let replay = on_server.map(|prove| scope.spawn(prove));
            let catalog = scope.spawn(|| rename::prove(draft, rewrite));
            let prisma = ask(&rewrite.text);
            let catalog =
                catalog.join().unwrap_or_else(|_| Err(Error::failed("the catalogs' proof ended unexpectedly")));
            let replay = replay.map(|replay| replay.join().unwrap_or_else(|_| ended_unexpectedly()));
            let off = || Replay::not_done("rename.scratch-proof is off in prisma-safe.toml");
            Ok(Self { catalog: catalog?, replay: replay.unwrap_or_else(off), prisma: prisma? })
        })
    }

    /// Whether nothing speaks against the rewrite.
    pub fn hold(&self) -> bool {
        self.catalog.holds() && self.replay.holds() && self.prisma.as_deref().is_none_or(str::is_empty)
    }

    /// What speaks against it.
    pub(super) fn against(&self) -> String {
        let mut lines = self.catalog.differences.clone();
        for (of, verdict) in [("catalogs", &self.replay.catalog), ("rows", &self.replay.values)] {
            let told = verdict.differences().iter();
            lines.extend(told.map(|line| format!("{of} on PostgreSQL {}: {line}", self.replay.server)));
        }
        if let Some(left) = self.prisma.as_deref().filter(|left| !left.is_empty()) {
            lines.push(format!("Prisma would still want:\n{}", left.trim()));
        }
        lines.join("\n")
    }

    /// What is proved, in one sentence.
    pub fn sentence(&self) -> String {
        let Replay { catalog, values, rows, server, took, .. } = &self.replay;
        let mut parts = vec!["the replayed catalogs are equal".to_owned()];
        if *catalog == Verdict::Equal {
            parts.push(format!("so are those on PostgreSQL {server}"));
        }
        if *values == Verdict::Equal {
            parts.push(format!("{rows} generated rows kept their values"));
        }
        if self.prisma.is_some() {
            parts.push("Prisma finds nothing left to change".to_owned());
        }
        let seconds = if took.is_zero() { String::new() } else { format!(" ({:.1} s)", took.as_secs_f64()) };
        let last = parts.pop().unwrap_or_default();
        if parts.is_empty() { format!("{last}{seconds}") } else { format!("{}, and {last}{seconds}", parts.join(", ")) }
    }

    /// What was not done and why, and what is worth knowing.
    pub fn notes(&self) -> Vec<String> {
        let Replay { catalog, values, notes, .. } = &self.replay;
        let mut told = Vec::new();
        match (catalog, values) {
            (Verdict::NotDone(why), Verdict::NotDone(also)) if why == also => {
                told.push(format!("not proved on a server: {why}"));
            }
            _ => {
                for (verdict, what) in
                    [(catalog, "catalogs were not compared on a server"), (values, "no rows were compared")]
                {
                    if let Verdict::NotDone(why) = verdict {
                        told.push(format!("{what}: {why}"));
                    }
                }
            }
        }
        told.extend(notes.iter().cloned());
        told
    }
}
