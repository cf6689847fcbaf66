//! What a statement does to data.

pub mod retype;
