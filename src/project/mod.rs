//! Where Prisma lives: the project's root, its package manager, Prisma's version and entry point, the migrations folder.

pub mod migrations;

pub use migrations::Migration;
