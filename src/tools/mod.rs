//! Outside programs: only this folder starts any.

pub mod scratch;
