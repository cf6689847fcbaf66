//! What benchmarks share: how a program's cost is measured, and where the linter to compare with comes from.
#![allow(dead_code, reason = "each benchmark takes what it needs")]

pub(crate) mod cost;
pub(crate) mod squawk;
