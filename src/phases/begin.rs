//! A new plan, from what a person asks for.

use super::names;
use super::plan::{Before, Contract, Kind, Plan, Side, Steps, Values};
use super::plans::Plans;
use super::subject::{Asked, Subject};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::sql::{data_type, identifier_is_cut, quote_identifier, quote_literal};

/// The plan before Prisma has said what type its new column has.
///
/// # Errors
/// Exit status 2 for what makes no sense, 3 for a column that cannot change in phases.
pub fn plan(
    kind: Kind,
    asked: &Asked,
    catalog: &Catalog,
    texts: &[String],
    plans: &Plans,
    all: &[Migration],
) -> Result<Plan> {
    let subject = Subject::find(&asked.column, catalog, texts)?;
    subject.admit(kind, catalog)?;
    let name = plans.free_name(&subject.table.name, &subject.field.column);
    let old = Side {
        field: subject.field.name.clone(),
        column: subject.field.column.clone(),
        data_type: data_type::spelled(&subject.column.data_type),
        default: subject.column.default.as_ref().map(|default| default.text.clone()),
    };
    let mut plan = Plan {
        kind,
        model: subject.model.name.clone(),
        schema: subject.table.schema.clone(),
        table: subject.table.name.clone(),
        required: subject.column.not_null,
        becomes: asked.becomes.clone(),
        left_out: None,
        old,
        new: None,
        values: Values::default(),
        migrations: Steps { expand: names::after(all, &[], "expand", &name), ..Steps::default() },
        before: Before { field: subject.line.clone() },
        contract: Contract::default(),
        name,
    };
    match kind {
        Kind::Rename => rename(&mut plan, asked, &subject, catalog)?,
        Kind::Retype => retype(&mut plan, asked, &subject, catalog)?,
        Kind::Require => require(&mut plan, asked, &subject)?,
        Kind::Drop => drop_column(&mut plan, asked, &subject, catalog)?,
    }
    plans.admit(&plan)?;
    Ok(plan)
}

fn rename(plan: &mut Plan, asked: &Asked, subject: &Subject, catalog: &Catalog) -> Result<()> {
    let to = asked.to.as_deref().unwrap_or_default();
    let mapped = plan.old.field != plan.old.column;
    let by_field = asked.column.rsplit('.').next() == Some(plan.old.field.as_str());
    if mapped && by_field {
        return Err(Error::usage(format!("{}.{} is the column {} already", plan.model, plan.old.field, plan.old.column))
            .help(format!(
                "rename the field in schema.prisma and keep @map(\"{}\"): the database does not change. To rename the column, name \
                 that: {}.{}:{to}",
                plan.old.column, plan.model, plan.old.column
            )));
    }
    let field = match &asked.field {
        Some(field) if field_name(field)? == *field => field.clone(),
        Some(field) => return Err(Error::usage(format!("`{field}` is not a name for a field of Prisma"))),
        None if mapped => plan.old.field.clone(),
        None => field_name(to)?,
    };
    if field == plan.old.field {
        plan.old.field = free_field(&subject.model, &format!("{}Old", plan.old.field));
    }
    let data_type = plan.old.data_type.clone();
    add_column(plan, subject, catalog, Side { field, column: to.to_owned(), data_type, default: None })?;
    plan.values.forward = Some(quote_identifier(&plan.old.column));
    plan.values.back = Some(quote_identifier(to));
    Ok(())
}

fn retype(plan: &mut Plan, asked: &Asked, subject: &Subject, catalog: &Catalog) -> Result<()> {
    let becomes = asked.becomes.as_deref().unwrap_or_default();
    let kind = becomes.split_whitespace().next().unwrap_or_default();
    if kind.is_empty() || kind.ends_with('?') || kind.ends_with(']') || subject.kind().ends_with(']') {
        return Err(Error::usage(format!("{becomes:?}: a type of one value is expected, without ? and []"))
            .help("a field stays as optional or required as it is: prisma-safe phases retype Song.duration Int"));
    }
    if kind == subject.kind().trim_end_matches('?') && !becomes.contains('@') {
        return Err(Error::usage(format!("{}.{} is {kind} already", plan.model, plan.old.field)));
    }
    let to = asked.to.clone().unwrap_or_else(|| format!("{}_{}", plan.old.column, kind.to_ascii_lowercase()));
    let field = plan.old.field.clone();
    plan.old.field = free_field(&subject.model, &format!("{field}Old"));
    let new = Side { field, column: to.clone(), data_type: plan.old.data_type.clone(), default: None };
    add_column(plan, subject, catalog, new)?;
    plan.values.forward = Some(asked.forward.clone().unwrap_or_else(|| quote_identifier(&plan.old.column)));
    plan.values.back = Some(asked.back.clone().unwrap_or_else(|| quote_identifier(&to)));
    plan.values.may_fail = true;
    Ok(())
}

fn require(plan: &mut Plan, asked: &Asked, subject: &Subject) -> Result<()> {
    let named = format!("{}.{}", plan.model, plan.old.field);
    if subject.column.not_null {
        return Err(Error::usage(format!("{named} is required already")));
    }
    if subject.kind().ends_with(']') {
        return Err(Error::usage(format!("{named} is a list, which Prisma never requires")));
    }
    plan.values.forward = match (&asked.value, &asked.forward) {
        (Some(value), None) => Some(quote_literal(value)),
        (None, Some(expression)) => Some(expression.clone()),
        _ => {
            return Err(Error::usage(format!("nothing says what {named} holds where it is empty"))
                .help("give --value 'unknown', or --from with an expression of SQL over the row's other columns"));
        }
    };
    plan.values.may_fail = asked.forward.is_some();
    plan.required = true;
    Ok(())
}

fn drop_column(plan: &mut Plan, asked: &Asked, subject: &Subject, catalog: &Catalog) -> Result<()> {
    let named = format!("{}.{}", plan.model, plan.old.field);
    let needs = plan.required && plan.old.default.is_none();
    match &asked.value {
        None if needs => {
            return Err(Error::usage(format!("{named} is required, and the old release reads it in every row"))
                .help("say with --value what it holds in rows that the new release writes"));
        }
        Some(_) if needs && subject.is_unique(catalog) => {
            return Err(Error::refused(format!(
                "{named} is unique: the new release cannot write one value into every row"
            ))
            .help("make it optional in a migration of its own first"));
        }
        Some(_) if !needs => {
            return Err(Error::usage(format!("{named} needs no --value: rows of the new release can leave it out")));
        }
        value => plan.left_out.clone_from(value),
    }
    Ok(())
}

/// The new column must be free, in the database and in Prisma.
fn add_column(plan: &mut Plan, subject: &Subject, catalog: &Catalog, new: Side) -> Result<()> {
    if new.column.is_empty() || identifier_is_cut(&new.column) {
        return Err(Error::usage(format!("`{}` is not a name for a column: 1 to 63 bytes", new.column)));
    }
    let taken = catalog.tables.get(&subject.table).is_some_and(|table| table.columns.contains_key(&new.column));
    if taken || plan.old.column == new.column {
        return Err(Error::usage(format!("{} has a column {} already", subject.table, new.column)));
    }
    let other = subject.model.fields.iter().find(|field| field.name == new.field && field.name != subject.field.name);
    if other.is_some() {
        return Err(Error::usage(format!("the model {} has a field {} already", plan.model, new.field)));
    }
    plan.new = Some(new);
    Ok(())
}

/// A field may be called what Prisma takes for a name.
fn field_name(column: &str) -> Result<String> {
    let mut chars = column.chars();
    let fits =
        chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.all(|c| c.is_ascii_alphanumeric() || c == '_');
    if fits {
        return Ok(column.to_owned());
    }
    let plain: String = column.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).to_owned();
    if plain.is_empty() {
        return Err(Error::usage(format!("no field of Prisma can be called like the column {column:?}")));
    }
    Ok(plain)
}

fn free_field(model: &crate::rename::schema::Model, wanted: &str) -> String {
    let taken = |name: &str| model.fields.iter().any(|field| field.name == name);
    std::iter::once(wanted.to_owned())
        .chain((2_u32..).map(|number| format!("{wanted}{number}")))
        .find(|name| !taken(name))
        .unwrap_or_else(|| wanted.to_owned())
}
