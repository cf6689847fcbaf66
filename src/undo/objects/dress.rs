//! What is set on an object that is there: the statements that set it as it was.

use super::object::{Object, table_of_index};
use super::settings;
use crate::catalog::live::{Definition, Kind};
use crate::sql::quote_literal;

impl Object<'_> {
    /// From the definition `now` of the same object: what is set on it, as it was.
    pub(super) fn dress(&self, now: &Definition) -> Vec<String> {
        let mut dress = self.comments(now);
        dress.extend(self.of_its_columns(now));
        dress.extend(match self.kind {
            Kind::Table => settings::of_table(self.name, self.definition, now),
            Kind::Domain => settings::of_domain(self.name, self.definition, now),
            Kind::Column => self.column(now),
            Kind::Constraint => self.anew(now).into_iter().collect(),
            Kind::Sequence => settings::of_sequence(self.name, self.definition, now).into_iter().collect(),
            Kind::Index => self.index(now),
            Kind::Statistics => self.target(now).into_iter().collect(),
            _ => Vec::new(),
        });
        dress
    }

    fn changed(&self, now: &Definition, part: &str) -> bool {
        self.definition.get(part) != now.get(part)
    }

    /// What is said of it, and of the columns of a view.
    fn comments(&self, now: &Definition) -> Vec<String> {
        let quoted = |comment: Option<&str>| comment.map_or_else(|| "NULL".to_owned(), quote_literal);
        let own = self.on().filter(|_| self.changed(now, "comment"));
        let own = own.map(|on| format!("COMMENT ON {on} IS {}", quoted(self.part("comment"))));
        let columns = settings::each("column comments", self.definition, now).into_iter();
        let columns = columns
            .map(|(column, was)| format!("COMMENT ON COLUMN {}.{column} IS {}", self.name, quoted(was.as_deref())));
        own.into_iter().chain(columns).collect()
    }

    /// Defaults of a view's columns, and what the planner counts of an index's.
    fn of_its_columns(&self, now: &Definition) -> Vec<String> {
        let defaults = settings::each("column defaults", self.definition, now).into_iter().map(|(column, was)| {
            let default = was.map_or_else(|| "DROP DEFAULT".to_owned(), |text| format!("SET DEFAULT {text}"));
            format!("ALTER TABLE {} ALTER COLUMN {column} {default}", self.name)
        });
        let targets = settings::each("statistics targets", self.definition, now).into_iter().map(|(number, was)| {
            let target = was.as_deref().unwrap_or("-1");
            format!("ALTER INDEX {} ALTER COLUMN {number} SET STATISTICS {target}", self.name)
        });
        defaults.chain(targets).collect()
    }

    fn target(&self, now: &Definition) -> Option<String> {
        const PART: &str = "statistics target";
        let target = self.part(PART).unwrap_or("-1");
        self.changed(now, PART).then(|| format!("ALTER STATISTICS {} SET STATISTICS {target}", self.name))
    }

    /// Whether the table is clustered on it, and whether replicas find its rows by it.
    fn index(&self, now: &Definition) -> Vec<String> {
        let table = || table_of_index(now.get("definition")?);
        let clustered = self.changed(now, "cluster").then(|| {
            let without = || Some(format!("ALTER TABLE {} SET WITHOUT CLUSTER", table()?));
            self.clustered().or_else(without)
        });
        let found = self.part("replica identity").filter(|_| self.changed(now, "replica identity"));
        let found = found.and_then(|_| {
            let (table, (_, own)) = table().zip(self.of_table())?;
            Some(format!("ALTER TABLE {table} REPLICA IDENTITY USING INDEX {own}"))
        });
        clustered.flatten().into_iter().chain(found).collect()
    }

    fn column(&self, now: &Definition) -> Vec<String> {
        let Some((table, own)) = self.of_table() else { return Vec::new() };
        let its_own = [self.identity(now), self.expression(now), self.collation(now)].into_iter().flatten();
        its_own.chain(settings::of_column(table, own, self.definition, now)).collect()
    }

    /// A column that counts by itself, before as now, in the way in which it did.
    fn identity(&self, now: &Definition) -> Option<String> {
        let (was, is) = (self.part("identity")?, now.get("identity")?);
        let (table, own) = self.of_table().filter(|_| was != is)?;
        Some(format!("ALTER TABLE {table} ALTER COLUMN {own} SET {was}"))
    }

    /// A column that is computed, before as now, computed as it was: PostgreSQL 17 can change that, and migrations with it.
    fn expression(&self, now: &Definition) -> Option<String> {
        const PART: &str = "generating expression";
        let (was, is) = (self.part(PART)?, now.get(PART)?);
        let (table, own) = self.of_table().filter(|_| was != is)?;
        Some(format!("ALTER TABLE {table} ALTER COLUMN {own} SET EXPRESSION AS ({was})"))
    }

    /// A column of the same type that compares as it did.
    fn collation(&self, now: &Definition) -> Option<String> {
        let same = self.part("collation") == now.get("collation").map(String::as_str);
        let data_type = self.part("type").filter(|own| !same && now.get("type").is_some_and(|now| now == own))?;
        let collation = self.part("collation").unwrap_or("pg_catalog.\"default\"");
        let (table, own) = self.of_table()?;
        Some(format!("ALTER TABLE {table} ALTER COLUMN {own} TYPE {data_type} COLLATE {collation}"))
    }

    /// A constraint in the place of the one of its name: no migration says when it is checked, or which columns it sets to NULL.
    fn anew(&self, now: &Definition) -> Option<String> {
        let (table, own) = self.of_table().filter(|_| self.changed(now, "definition"))?;
        let add = self.statements()?.join(";\n");
        Some(format!("ALTER TABLE {table} DROP CONSTRAINT {own};\n{add}"))
    }
}
