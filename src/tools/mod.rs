//! Outside programs: only this folder starts any.

pub mod pg_dump;
pub mod postgres;
pub mod scratch;
