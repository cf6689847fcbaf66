//! A table under two names at once: it is renamed, and a view keeps the old name until no release uses it.

use minijinja::context;

use super::asked::is_field_name;
use super::fields::{Edited, Phase};
use super::names;
use super::plan::{Kind, Plan, Renamed};
use super::plans::Plans;
use super::render::Scripts;
use crate::catalog::{Catalog, ObjectName};
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::rename::phases_command;
use crate::rename::schema::Schema;
use crate::rename::schema::edit::{self, Spot};
use crate::sql::{ActionKind, Name, Script, StatementKind, identifier_is_cut, quote_identifier};

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskedTable<'a> {
    /// Its name in the database, or in Prisma.
    pub table: &'a str,
    /// The new name in the database.
    pub to: &'a str,
    /// The new model's name; like the table's without one.
    pub model: Option<&'a str>,
    /// Why subscribers of a publication can take its rows under the new name.
    pub subscribers: Option<&'a str>,
}

/// The plan, with everything but the names that Prisma gives its keys and indexes.
///
/// # Errors
/// Exit status 2 for what makes no sense.
pub fn plan(
    asked: AskedTable<'_>,
    catalog: &Catalog,
    texts: &[String],
    plans: &Plans,
    all: &[Migration],
) -> Result<Plan> {
    let (schema, table) =
        asked.table.split_once('.').map_or((None, asked.table), |(schema, table)| (Some(schema), table));
    let declared = Schema::read(texts);
    let meant = declared.models.iter().filter(|model| {
        let of = model.schema.as_ref().unwrap_or(&catalog.default_schema);
        (model.table == table || model.name == table) && schema.is_none_or(|schema| schema == of)
    });
    let [model] = meant.collect::<Vec<_>>()[..] else {
        return Err(Error::usage(format!("schema.prisma has no model {table}, or more than one")));
    };
    let old = ObjectName {
        schema: model.schema.clone().unwrap_or_else(|| catalog.default_schema.clone()),
        name: model.table.clone(),
    };
    let known = catalog.tables.get(&old);
    let Some(known) = known else {
        return Err(Error::usage(format!("the migrations do not create {old}"))
            .help("draft that migration first: prisma-safe migrate dev"));
    };
    if let Some((whole, _)) = &known.partition.of {
        return Err(
            Error::refused(format!("{old} is a partition of {whole}")).help("rename it by hand: no model is about it")
        );
    }
    let new = ObjectName { name: asked.to.to_owned(), ..old.clone() };
    if asked.to.is_empty() || identifier_is_cut(asked.to) {
        return Err(Error::usage(format!("`{}` is not a name for a table: 1 to 63 bytes", asked.to)));
    }
    if catalog.tables.contains_key(&new) || catalog.views.contains(&new) {
        return Err(Error::usage(format!("there is a {new} already")));
    }
    let name = match asked.model {
        Some(name) => name,
        // the database's name alone changes where it is another one already
        None if model.name != model.table || !is_field_name(asked.to) => &model.name,
        None => asked.to,
    };
    if !is_field_name(name) {
        return Err(Error::usage(format!("`{name}` is not a name for a model of Prisma")));
    }
    let taken =
        declared.models.iter().any(|other| other.name == name) || declared.enums.iter().any(|other| other.name == name);
    if name != model.name && taken {
        return Err(Error::usage(format!("schema.prisma has a {name} already")));
    }
    let mut plan = Plan::new(Kind::Table, plans.free_name(&old.name, asked.to), model.name.clone(), &old);
    plan.renamed = Some(Renamed {
        model: name.to_owned(),
        table: asked.to.to_owned(),
        subscribers: asked.subscribers.map(str::to_owned),
    });
    plan.migrations.expand = names::after(all, &[], "expand", &plan.name);
    plans.admit(&plan)?;
    Ok(plan)
}

impl Scripts<'_> {
    /// Prisma's names for what belongs to a table follow the table's: the statements of a draft that give them, and nothing else.
    ///
    /// # Errors
    /// Exit status 3 for what is more than a name.
    pub fn names_that_follow(&self, draft: &str) -> Result<Vec<String>> {
        let script = Script::parse(draft);
        let mut names = Vec::new();
        for statement in script.statements() {
            let text = draft.get(statement.range.clone()).unwrap_or_default().trim().trim_end_matches(';');
            let (name_only, of) = match &statement.kind {
                StatementKind::RenameIndex { .. } => (true, None),
                StatementKind::AlterTable { table, actions, .. } => {
                    let names = |kind: &ActionKind| matches!(kind, ActionKind::RenameConstraint { .. });
                    (actions.iter().all(|action| names(&action.kind)), Some(table))
                }
                _ => (false, None),
            };
            if !name_only {
                return Err(self.more_than_a_name(of).because(text.to_owned()));
            }
            names.push(format!("{text};"));
        }
        Ok(names)
    }

    fn more_than_a_name(&self, of: Option<&Name>) -> Error {
        let Plan { model, renamed, .. } = self.plan;
        let renamed = renamed.as_ref().filter(|renamed| renamed.model != *model);
        match of.filter(|of| of.name.starts_with('_')).zip(renamed) {
            // one table cannot be it for both releases: A and B may change places
            Some((join, renamed)) => {
                let names = format!("{}:{}", self.object(&self.plan.table), renamed.table);
                let words = ["table".to_owned(), names, "--model".to_owned(), model.clone()];
                let what = "the table of a many-to-many relation, would change with the model's name";
                Error::refused(format!("{join}, {what}")).help(format!(
                    "it has its name, and which of its columns is A, from both models. Keep the model's name: {}; or make the relation \
                     a model of its own first",
                    phases_command(&words)
                ))
            }
            None => Error::refused("the table's name is not all that would change")
                .help("other changes of schema.prisma come first: prisma-safe migrate dev"),
        }
    }

    fn new_table(&self) -> String {
        let name = self.plan.renamed.as_ref().map_or_else(String::new, |renamed| renamed.table.clone());
        let schema = (self.plan.schema != self.default_schema).then(|| self.plan.schema.clone());
        Name { schema, name }.quoted()
    }

    /// The rename alone, forwards or back.
    pub fn rename_table(&self, back: bool) -> String {
        let (old, new) = (self.table(), self.new_table());
        let renamed = self.plan.renamed.as_ref().map_or("", |renamed| renamed.table.as_str());
        match back {
            false => format!("ALTER TABLE {old} RENAME TO {};", quote_identifier(renamed)),
            true => format!("ALTER TABLE {new} RENAME TO {};", quote_identifier(&self.plan.table)),
        }
    }

    /// The first phase, with the names that follow. `invoker`: the server's views can have the rights of who asks.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn expand_table(&self, names: &[String], invoker: bool) -> Result<String> {
        let view = self.object(&self.plan.table);
        let accepted = match invoker {
            true => {
                self.accept(&format!("access-change({view})"), "with the rights of who asks: the table's own decide")
            }
            false => self.accept("opaque-code(DO 1)", "it gives the view the rights that the table has, and no more"),
        };
        let values = context! { invoker, ..self.table_context(names, false) };
        self.render("table_expand", &[accepted], values)
    }

    /// Back to before the plan.
    ///
    /// # Errors
    /// A template that does not render.
    pub fn abort_table(&self, names: &[String]) -> Result<String> {
        self.render("table_abort", &[self.accept_view()], self.table_context(names, true))
    }

    /// The last phase.
    ///
    /// # Errors
    /// A template that does not render.
    pub(super) fn contract_table(&self) -> Result<String> {
        self.render("table_contract", &[self.accept_view()], self.table_context(&[], false))
    }

    fn accept_view(&self) -> String {
        let view = self.object(&self.plan.table);
        self.accept(&format!("drop-object({view})"), "a second name of the table, and of this plan")
    }

    fn table_context(&self, names: &[String], back: bool) -> minijinja::Value {
        let subscribers = self.plan.renamed.as_ref().and_then(|renamed| renamed.subscribers.clone());
        let literal = |name: String| name.replace('\'', "''");
        context! {
            view => self.table(), new_table => self.new_table(), view_literal => literal(self.table()),
            new_table_literal => literal(self.new_table()), invoker => true, subscribers,
            rename => self.rename_table(back), names => names.to_vec(),
        }
    }
}

/// The schema's files with the model and the table under the new names; back under the old ones for an abort.
///
/// # Errors
/// Exit status 2 where no file declares the model.
pub(super) fn edited(files: Vec<Edited>, plan: &Plan, phase: Phase) -> Result<Vec<Edited>> {
    let Some(renamed) = plan.renamed.as_ref().filter(|_| phase != Phase::Contract) else { return Ok(files) };
    let (old, new) = ((&plan.model, &plan.table), (&renamed.model, &renamed.table));
    let ((from, _), (to, table)) = if phase == Phase::Abort { (new, old) } else { (old, new) };
    let mut found = false;
    let rename = |file: Edited| {
        let declares = Schema::read(std::slice::from_ref(&file.old)).models.iter().any(|model| model.name == *from);
        found |= declares;
        let text = edit::renamed(&file.old, from, to);
        let named = match declares {
            true if to == table => edit::unmapped(&text, to),
            true => edit::mapped(&text, &Spot::Model(to.clone()), table),
            false => None,
        };
        Edited { new: named.unwrap_or(text), ..file }
    };
    let files: Vec<Edited> = files.into_iter().map(rename).collect();
    if !found {
        return Err(Error::usage(format!("no file of the schema declares {from} as the plan left it")));
    }
    Ok(files)
}
