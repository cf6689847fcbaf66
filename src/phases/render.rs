//! Each phase's SQL, from `templates/phases/`.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, context};

use super::names::Names;
use super::plan::{Kind, Plan, Side};
use crate::error::{Explain as _, Result};
use crate::sql::{Name, quote_identifier};

/// So many rows are filled by the migration itself: that is a moment. More are refused, for they would be locked for long.
pub(super) const AT_ONCE: u32 = 10_000;

const TEMPLATES: [(&str, &str); 6] = [
    ("guard", include_str!("../../templates/phases/guard.sql")),
    ("trigger", include_str!("../../templates/phases/trigger.sql")),
    ("expand", include_str!("../../templates/phases/expand.sql")),
    ("backfill", include_str!("../../templates/phases/backfill.sql")),
    ("contract", include_str!("../../templates/phases/contract.sql")),
    ("abort", include_str!("../../templates/phases/abort.sql")),
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
        self.render("expand", &[], "")
    }

    /// The second; a dropped column has none.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn backfill(&self) -> Result<String> {
        self.render("backfill", &[self.reads_only()], "")
    }

    /// The last.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn contract(&self) -> Result<String> {
        self.render("contract", &self.contract_accepts(), "")
    }

    /// Back to before the plan.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn abort(&self, what: &str) -> Result<String> {
        self.render("abort", &self.abort_accepts(), what)
    }

    /// The table as SQL names it.
    pub fn table(&self) -> String {
        self.plan.quoted_table(self.default_schema)
    }

    /// The filled column's new value, as SQL about a row; none where nothing is filled.
    pub fn forward(&self) -> Option<String> {
        Some(cast(self.plan.values.forward.as_deref()?, self.plan.target()?))
    }

    /// SQL: the row is still to be filled.
    pub fn unfilled(&self) -> Option<String> {
        let target = quote_identifier(&self.plan.target()?.column);
        Some(match self.plan.kind {
            Kind::Require => format!("{target} IS NULL"),
            _ => format!("{target} IS NULL AND {} IS NOT NULL", self.forward()?),
        })
    }

    /// SQL: the two columns of a row do not agree, or a required value is missing. Compared by image.
    pub fn differs(&self) -> Option<String> {
        let Some(new) = &self.plan.new else {
            return (self.plan.kind == Kind::Require).then(|| self.unfilled()).flatten();
        };
        let back = cast(self.plan.values.back.as_deref()?, &self.plan.old);
        let [old, new] = [&self.plan.old, new].map(|side| quote_identifier(&side.column));
        // one way is enough: '07' is 7, and 7 is '7'
        Some(format!(
            "NOT (ROW({old})::record *= ROW({back})::record OR ROW({new})::record *= ROW({})::record)",
            self.forward()?
        ))
    }

    /// The lines that accept what a review must find: they are read with the SQL.
    fn accept(&self, finding: &str, why: &str) -> String {
        format!("-- prisma-safe:allow {finding}: {why}")
    }

    fn reads_only(&self) -> String {
        self.accept("opaque-code(DO 1)", "it only reads, and stops the migration where rows are left")
    }

    /// `Song`, `shop.Song`: as a finding names it.
    fn object(&self, name: &str) -> String {
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
            let column = format!("drop-column({}.{})", self.object(&self.plan.table), self.plan.old.column);
            let why = match &self.plan.new {
                Some(new) => format!("{} holds its values, and no release uses it", new.column),
                None => "no release uses it".to_owned(),
            };
            lines.push(self.accept(&column, &why));
        }
        lines
    }

    fn abort_accepts(&self) -> Vec<String> {
        let mut lines = self.dropped_own();
        if let Some(new) = &self.plan.new {
            lines.push(self.reads_only());
            let column = format!("drop-column({}.{})", self.object(&self.plan.table), new.column);
            lines.push(self.accept(&column, &format!("{} holds its values", self.plan.old.column)));
        }
        lines
    }

    fn render(&self, template: &str, accepted: &[String], what: &str) -> Result<String> {
        let explain = || format!("could not write the {template} of the plan {}", self.plan.name);
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().explain(explain)?);
        for (name, text) in TEMPLATES {
            environment.add_template(name, text).explain(explain)?;
        }
        let plan = self.plan;
        let names = Names::of(plan, self.default_schema);
        let target = plan.target().map(|side| quote_identifier(&side.column));
        let has_check = plan.required && plan.kind != Kind::Drop;
        let row = |expression: &Option<String>, side: Option<&Side>| {
            Some(of_row(expression.as_deref()?, side?, &plan.table, self.simple(expression.as_deref()?)))
        };
        let values = context! {
            kind => plan.kind.word(), name => plan.name.clone(), title => plan.title(), plan => self.shown, what,
            phase => if plan.kind == Kind::Drop { "phase 2" } else { "phase 3" },
            acceptances => accepted.to_vec(), limit => AT_ONCE,
            table => self.table(), table_words => plan.object().to_string().replace('\'', "''"),
            column => plan.old.column.clone(),
            old => quote_identifier(&plan.old.column), old_type => plan.old.data_type.clone(),
            old_default => plan.old.default.as_deref().unwrap_or("NULL"),
            new => plan.new.as_ref().map(|new| quote_identifier(&new.column)),
            new_type => plan.new.as_ref().map(|new| new.data_type.clone()),
            new_has_default => plan.new.as_ref().is_some_and(|new| new.default.is_some()),
            new_default => plan.new.as_ref().and_then(|new| new.default.as_deref()).unwrap_or("NULL"),
            target, not_null => has_check, fallible => plan.values.may_fail,
            late_check => has_check && plan.values.may_fail,
            has_check => has_check && (!plan.values.may_fail || plan.migrations.backfill.is_some()),
            sets_default => plan.left_out.is_some(),
            forward => if template == "trigger" || template == "expand" { row(&plan.values.forward, plan.target()) } else { self.forward() },
            back => row(&plan.values.back, Some(&plan.old)),
            unfilled => self.unfilled(), differs => self.differs(),
            lost => plan.new.as_ref().and_then(|new| Some(format!("{} IS NOT NULL AND {}", quote_identifier(&new.column), self.differs()?))),
            lost_guard => template == "abort",
            function => names.function, sequence_literal => names.sequence.replace('\'', "''"), sequence => names.sequence,
            trigger => names.trigger, old_check => names.old_check, new_check => names.new_check,
        };
        let part = |name: &str| environment.get_template(name).explain(explain)?.render(&values).explain(explain);
        let trigger = if template == "expand" { part("trigger")? } else { String::new() };
        let guard = if ["contract", "abort"].contains(&template) { part("guard")? } else { String::new() };
        let values = context! { trigger_sql => trigger, guard_sql => guard.trim_end(), ..values.clone() };
        let text = environment.get_template(template).explain(explain)?.render(values).explain(explain)?;
        Ok(format!("{}\n", text.trim_end().replace("\n\n\n", "\n\n")))
    }

    /// The column that an expression is, if it is nothing else.
    fn simple(&self, expression: &str) -> Option<&str> {
        let sides = [Some(&self.plan.old), self.plan.new.as_ref()].into_iter().flatten();
        sides.map(|side| side.column.as_str()).find(|column| expression == quote_identifier(column))
    }
}

fn cast(expression: &str, to: &Side) -> String {
    format!("CAST({expression} AS {})", to.data_type)
}

/// The expression about the row that a trigger sees.
fn of_row(expression: &str, to: &Side, table: &str, simple: Option<&str>) -> String {
    match simple {
        Some(column) => format!("CAST(NEW.{} AS {})", quote_identifier(column), to.data_type),
        None => format!("(SELECT {} FROM (SELECT NEW.*) AS {})", cast(expression, to), quote_identifier(table)),
    }
}
