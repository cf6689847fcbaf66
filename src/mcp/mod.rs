//! `mcp`: a server of the Model Context Protocol on stdin and stdout, for coding agents. Its tools read: none deploys, consents or
//! writes a file.
//!
//! Each call runs prisma-safe as a program of its own and hands on what that prints: the documents are those of `--format json`,
//! nothing but the protocol reaches stdout, and a call that hangs is ended without the server.

mod server;
mod tool;

pub use self::server::serve;
