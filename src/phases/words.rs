//! A plan in words.

use super::plan::{Kind, Plan, Side};
use crate::ui;

impl Kind {
    /// As commands and files write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rename => "rename",
            Self::Retype => "retype",
            Self::Split => "split",
            Self::Merge => "merge",
            Self::Require => "require",
            Self::Drop => "drop",
            Self::Table => "table",
        }
    }
}

impl Plan {
    /// What is done, as a heading: `Song.artist becomes artist_name`.
    pub fn title(&self) -> String {
        let old = self.old_columns();
        let new = self.new_columns();
        match self.kind {
            Kind::Rename | Kind::Split => format!("{old} becomes {new}"),
            Kind::Merge => format!("{old} become {new}"),
            Kind::Retype => {
                let of = self.new.first().map_or("", |new| new.data_type.as_str());
                format!("{old} becomes {of} in {new}")
            }
            Kind::Require => format!("{old} becomes required"),
            Kind::Drop => format!("{old} is dropped"),
            Kind::Table => {
                let new = self.renamed.as_ref().map_or("", |renamed| renamed.table.as_str());
                format!("the table {} becomes {new}", self.table)
            }
        }
    }

    /// `Song.artist`, `Song.first and last`.
    pub fn old_columns(&self) -> String {
        format!("{}.{}", self.model, listed(&self.old))
    }

    /// `artist_name`, `first and last`.
    pub fn new_columns(&self) -> String {
        listed(&self.new)
    }
}

fn listed(sides: &[Side]) -> String {
    ui::listed(&sides.iter().map(|side| side.column.as_str()).collect::<Vec<_>>())
}
