//! Each phase's SQL, from `templates/phases/`.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::merge_maps;
use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::lists::{agree, sides, trigger_context, value};
use super::names::Names;
use super::plan::{Kind, Plan, Side};
use crate::error::{Explain as _, Result};
use crate::sql::{Name, quote_identifier};

/// So many rows are filled by the migration itself: that is a moment. More are refused, for they would be locked for long.
pub(super) const AT_ONCE: u32 = 10_000;

const TEMPLATES: [(&str, &str); 10] = [
    ("guard", include_str!("../../templates/phases/guard.sql")),
    ("trigger", include_str!("../../templates/phases/trigger.sql")),
    ("expand", include_str!("../../templates/phases/expand.sql")),
    ("backfill", include_str!("../../templates/phases/backfill.sql")),
    ("contract", include_str!("../../templates/phases/contract.sql")),
    ("abort", include_str!("../../templates/phases/abort.sql")),
    ("table_expand", include_str!("../../templates/phases/table_expand.sql")),
    ("table_grants", include_str!("../../templates/phases/table_grants.sql")),
    ("table_contract", include_str!("../../templates/phases/table_contract.sql")),
    ("table_abort", include_str!("../../templates/phases/table_abort.sql")),
];

/// Whether a name is also a word that every trigger function holds.
pub(super) fn is_word_of_trigger(name: &str) -> bool {
    TEMPLATES.iter().filter(|(template, _)| *template == "trigger").any(|(_, text)| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word.eq_ignore_ascii_case(name))
    })
}

/// The scripts of one plan.
#[derive(Debug, Clone, Copy)]
pub struct Scripts<'a> {
    pub plan: &'a Plan,
    /// The schema that goes without saying.
    pub default_schema: &'a str,
    /// The plan's file, as people call it.
    pub shown: &'a str,
}

impl Scripts<'_> {
    /// The first phase.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn expand(&self) -> Result<String> {
        self.render("expand", &[], Value::UNDEFINED)
    }

    /// The second; a dropped column has none.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn backfill(&self) -> Result<String> {
        self.render("backfill", &[self.reads_only()], Value::UNDEFINED)
    }

    /// The last.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn contract(&self) -> Result<String> {
        match self.plan.kind {
            Kind::Table => self.contract_table(),
            _ => self.render("contract", &self.contract_accepts(), Value::UNDEFINED),
        }
    }

    /// Back to before the plan.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn abort(&self, what: &str) -> Result<String> {
        self.render("abort", &self.abort_accepts(), context! { what })
    }

    /// The table as SQL names it.
    pub fn table(&self) -> String {
        self.plan.quoted_table(self.default_schema)
    }

    /// Each filled column, quoted, and what it is to hold, as SQL about a row; empty where nothing is filled.
    pub fn fills(&self) -> Vec<(String, String)> {
        self.plan.targets().iter().filter_map(|side| Some((side.quoted(), value(side)?))).collect()
    }

    /// SQL: the row is still to be filled.
    pub fn unfilled(&self) -> Option<String> {
        let fills = self.fills();
        let empty: Vec<String> = fills.iter().map(|(target, _)| format!("{target} IS NULL")).collect();
        let given: Vec<String> = fills.iter().map(|(_, value)| format!("{value} IS NOT NULL")).collect();
        let empty = empty.join(" AND ");
        Some(match (self.plan.kind, given.as_slice()) {
            (_, []) => return None,
            (Kind::Require, _) => empty,
            (_, [one]) => format!("{empty} AND {one}"),
            (_, several) => format!("{empty} AND ({})", several.join(" OR ")),
        })
    }

    /// SQL: a row must be looked at before the old columns go, or a required value is missing. Compared by image.
    pub fn differs(&self) -> Option<String> {
        if self.plan.kind == Kind::Require {
            return self.unfilled();
        }
        let back = agree(&self.plan.old)?;
        Some(match self.plan.keeps_all() {
            true => format!("NOT ({back})"),
            // one way is enough: '07' is 7, and 7 is '7'
            false => format!("NOT ({back} OR {})", agree(&self.plan.new)?),
        })
    }

    /// SQL: the new values of a row would give its old ones back.
    pub fn returns(&self) -> Option<String> {
        let table = quote_identifier(&self.plan.table);
        let values = self.fills().into_iter().map(|(target, value)| format!("{value} AS {target}")).collect::<Vec<_>>();
        Some(format!("SELECT {} FROM (SELECT {table}.*, {}) AS {table}", agree(&self.plan.old)?, values.join(", ")))
    }

    /// SQL: the new columns hold what the old ones do not have.
    fn lost(&self) -> Option<String> {
        let (back, there) = (agree(&self.plan.old)?, agree(&self.plan.new)?);
        let given: Vec<String> = self.plan.new.iter().map(|side| format!("{} IS NOT NULL", side.quoted())).collect();
        Some(match given.as_slice() {
            [] => return None,
            [one] => format!("{one} AND NOT ({back} OR {there})"),
            several => format!("({}) AND NOT ({back} OR {there})", several.join(" OR ")),
        })
    }

    /// The lines that accept what a review must find: they are read with the SQL.
    pub(super) fn accept(&self, finding: &str, why: &str) -> String {
        format!("-- prisma-safe:allow {finding}: {why}")
    }

    fn reads_only(&self) -> String {
        self.accept("opaque-code(DO 1)", "it only reads, and stops the migration where rows are left")
    }

    /// `Song`, `shop.Song`: as a finding names it.
    pub(super) fn object(&self, name: &str) -> String {
        let schema = (self.plan.schema != self.default_schema).then(|| self.plan.schema.clone());
        Name { schema, name: name.to_owned() }.to_string()
    }

    fn dropped_own(&self) -> Vec<String> {
        let names = Names::of(self.plan, self.default_schema);
        [names.bare_function, names.bare_sequence]
            .iter()
            .map(|name| {
                self.accept(&format!("drop-object({})", self.object(name)), "of this plan, and only of use to it")
            })
            .collect()
    }

    fn contract_accepts(&self) -> Vec<String> {
        let mut lines = self.dropped_own();
        if self.plan.kind != Kind::Drop {
            lines.push(self.reads_only());
        }
        if self.plan.kind != Kind::Require {
            let why = match (self.plan.new.as_slice(), self.plan.lossy) {
                ([], _) => "no release uses it".to_owned(),
                ([_], false) => format!("{} holds its values, and no release uses it", self.plan.new_columns()),
                (_, false) => format!("{} hold its values, and no release uses it", self.plan.new_columns()),
                (_, true) => {
                    format!("no release uses it, and what {} do not hold of it may go", self.plan.new_columns())
                }
            };
            lines.extend(self.plan.old.iter().map(|old| self.accept_drop(old, &why)));
        }
        lines
    }

    fn abort_accepts(&self) -> Vec<String> {
        let mut lines = self.dropped_own();
        if !self.plan.new.is_empty() {
            lines.push(self.reads_only());
            let why = match self.plan.old.len() {
                1 => format!("{} holds its values", self.plan.old_columns()),
                _ => format!("{} hold its values", self.plan.old_columns()),
            };
            lines.extend(self.plan.new.iter().map(|new| self.accept_drop(new, &why)));
        }
        lines
    }

    fn accept_drop(&self, side: &Side, why: &str) -> String {
        self.accept(&format!("drop-column({}.{})", self.object(&self.plan.table), side.column), why)
    }

    pub(super) fn render(&self, template: &str, accepted: &[String], more: Value) -> Result<String> {
        let explain = || format!("could not write the {template} of the plan {}", self.plan.name);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().explain(explain)?);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).explain(explain)?;
        }
        let plan = self.plan;
        let names = Names::of(plan, self.default_schema);
        let fills = self.fills();
        let set: Vec<String> = fills.iter().map(|(target, value)| format!("{target} = {value}")).collect();
        let targets = sides(plan.targets(), |at| names.new_check(at));
        let fallible = plan.may_fail;
        let requires = plan.kind != Kind::Drop && plan.sides().any(|side| side.required);
        let values = context! {
            kind => plan.kind.word(), name => plan.name.clone(), title => plan.title(), plan => self.shown,
            phase => if plan.kind == Kind::Drop { "phase 2" } else { "phase 3" },
            acceptances => accepted.to_vec(), limit => AT_ONCE,
            table => self.table(), table_words => raised(&plan.object().to_string()), old_words => raised(&plan.old_columns()),
            new_words => raised(&plan.new_columns()),
            old => sides(&plan.old, |at| names.old_check(at)), new => sides(&plan.new, |at| names.new_check(at)),
            targets, columns => plan.old_columns(), requires, fallible, keeps_all => plan.keeps_all(),
            late_check => requires && fallible,
            has_check => requires && (!fallible || plan.migrations.backfill.is_some()),
            sets_default => plan.left_out.is_some(), set => set.join(", "),
            unfilled => self.unfilled(), differs => self.differs(), lost => self.lost(), lost_guard => template == "abort",
            function => names.function, sequence_literal => names.sequence.replace('\'', "''"), sequence => names.sequence,
            trigger => names.trigger, ..merge_maps([trigger_context(plan), more])
        };
        let part = |name: &str| environment.get_template(name).explain(explain)?.render(&values).explain(explain);
        let trigger = if template == "expand" { part("trigger")? } else { String::new() };
        let guard = if ["contract", "abort"].contains(&template) { part("guard")? } else { String::new() };
        let grants = if template == "table_expand" { part("table_grants")? } else { String::new() };
        let values = context! { grants_sql => grants.trim_end(), trigger_sql => trigger, guard_sql => guard.trim_end(), ..values.clone() };
        let text = environment.get_template(template).explain(explain)?.render(values).explain(explain)?;
        Ok(format!("{}\n", text.trim_end().replace("\n\n\n", "\n\n")))
    }
}

/// Words within the quotes of a `RAISE`.
fn raised(words: &str) -> String {
    words.replace('\'', "''").replace('%', "%%")
}
