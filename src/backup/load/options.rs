//! How a dump is loaded.

/// What becomes of an owner or a grantee that does not exist at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRole {
    /// It is created, as a superuser: for a server of our own, where the statements matter and the rights do not.
    Create,
    /// The statement is left out, and said so.
    LeaveOut,
}

/// How to load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Sessions that work at the same time.
    pub workers: usize,
    /// Without it everything belongs to the one who loads.
    pub owners: bool,
    /// Grants and default privileges.
    pub privileges: bool,
    /// Whether tables and indexes go into the tablespaces that they were in.
    pub tablespaces: bool,
    pub missing_role: MissingRole,
    /// Without it tables stay empty, but for Prisma's history.
    pub rows: bool,
    /// What the dump holds of the guard, which sleeps in a copy.
    pub guard: bool,
    /// The server is without an extension of the dump: what needs it is left out, and said.
    pub lacking: bool,
}

impl Options {
    /// For a scratch server.
    pub fn scratch() -> Self {
        let missing_role = MissingRole::Create;
        Self {
            workers: workers(),
            owners: true,
            privileges: true,
            tablespaces: false,
            missing_role,
            rows: true,
            guard: true,
            lacking: false,
        }
    }

    /// For a server that people use.
    pub fn live() -> Self {
        Self { tablespaces: true, missing_role: MissingRole::LeaveOut, guard: false, ..Self::scratch() }
    }
}

/// As many as there are processors, two at least: a session waits for us as often as we for it.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8)
}
