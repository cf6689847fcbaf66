//! One command a file: its arguments and the order of its stages.

pub mod backup;
