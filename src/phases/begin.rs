//! A new plan, from what a person asks for.

use super::asked::{Asked, is_field_name};
use super::plan::{Kind, Plan, Side};
use super::plans::Plans;
use super::subject::Subject;
use super::{names, regroup};
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::project::Migration;
use crate::rename::directive::path;
use crate::sql::{identifier_is_cut, quote_identifier, quote_literal};

/// The plan before Prisma has said what types its new columns have.
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
    let find = |column: &String| {
        let parts = path(column).map(|(parts, _)| parts).unwrap_or_default();
        if let [.., table, column] = parts.as_slice() {
            plans.admit_column(table, column)?;
        }
        let subject = Subject::find(column, catalog, texts)?;
        subject.admit(kind, catalog).map(|()| subject)
    };
    let subjects = asked.columns.iter().map(find).collect::<Result<Vec<_>>>()?;
    let Some(subject) = subjects.first() else { return Err(Error::usage("no column is named")) };
    if let Some(other) = subjects.iter().find(|other| other.table != subject.table) {
        return Err(Error::usage(format!("{} and {} are different tables", subject.table, other.table)));
    }
    let name = plans.free_name(&subject.table.name, &subject.field.column);
    let mut plan = Plan::new(kind, name, subject.model.name.clone(), &subject.table);
    plan.old = subjects.iter().map(Subject::side).collect();
    plan.migrations.expand = names::after(all, &[], "expand", &plan.name);
    match kind {
        Kind::Rename => rename(&mut plan, asked, subject)?,
        Kind::Retype => retype(&mut plan, asked, subject)?,
        Kind::Split | Kind::Merge => regroup::columns(&mut plan, asked)?,
        Kind::Require => require(&mut plan, asked, subject)?,
        Kind::Drop => drop_column(&mut plan, asked, subject, catalog)?,
        Kind::Table => return Err(Error::usage("a table is named, and no column")),
    }
    admit_names(&mut plan, subject, catalog)?;
    plans.admit(&plan)?;
    Ok(plan)
}

fn rename(plan: &mut Plan, asked: &Asked, subject: &Subject) -> Result<()> {
    let asked_new = asked.into.first().cloned().unwrap_or_default();
    let to = asked_new.column.unwrap_or_default();
    let (model, field, column) = (&plan.model, &subject.field.name, &subject.field.column);
    let mapped = field != column;
    let by_field = asked.columns.iter().any(|asked| asked.rsplit('.').next() == Some(field.as_str()));
    if mapped && by_field {
        return Err(Error::usage(format!("{model}.{field} is the column {column} already")).help(format!(
            "rename the field in schema.prisma and keep @map(\"{column}\"): the database does not change. To rename the column, name \
             that: {model}.{column}:{to}"
        )));
    }
    let field = match asked_new.field {
        Some(field) if is_field_name(&field) => field,
        Some(field) => return Err(Error::usage(format!("`{field}` is not a name for a field of Prisma"))),
        None if mapped => field.clone(),
        None => field_name(&to)?,
    };
    replace(plan, subject, Side { field, column: to, default: None, before: None, ..subject.side() });
    Ok(())
}

fn retype(plan: &mut Plan, asked: &Asked, subject: &Subject) -> Result<()> {
    let asked_new = asked.into.first().cloned().unwrap_or_default();
    let becomes = asked_new.kind.unwrap_or_default();
    let kind = becomes.split_whitespace().next().unwrap_or_default();
    if kind.is_empty() || kind.ends_with('?') || kind.ends_with(']') || subject.kind().ends_with(']') {
        return Err(Error::usage(format!("{becomes:?}: a type of one value is expected, without ? and []"))
            .help("a field stays as optional or required as it is: prisma-safe phases retype Song.duration Int"));
    }
    if kind == subject.kind().trim_end_matches('?') && !becomes.contains('@') {
        return Err(Error::usage(format!("{}.{} is {kind} already", plan.model, subject.field.name)));
    }
    let column = asked_new.column.unwrap_or_else(|| format!("{}_{}", subject.field.column, kind.to_ascii_lowercase()));
    let side = Side { column, default: None, before: None, becomes: Some(becomes.clone()), ..subject.side() };
    replace(plan, subject, Side { value: asked_new.value, ..side });
    for (old, back) in plan.old.iter_mut().zip(&asked.back) {
        old.value = Some(back.value.clone());
    }
    plan.may_fail = true;
    Ok(())
}

/// One column takes the place of one; each holds the other's value where nothing else is said.
fn replace(plan: &mut Plan, subject: &Subject, new: Side) {
    for old in &mut plan.old {
        old.value = Some(new.quoted());
    }
    plan.new = vec![Side { value: new.value.clone().or_else(|| Some(quote_identifier(&subject.field.column))), ..new }];
}

fn require(plan: &mut Plan, asked: &Asked, subject: &Subject) -> Result<()> {
    let named = format!("{}.{}", plan.model, subject.field.name);
    if subject.column.not_null {
        return Err(Error::usage(format!("{named} is required already")));
    }
    if subject.kind().ends_with(']') {
        return Err(Error::usage(format!("{named} is a list, which Prisma never requires")));
    }
    let fill = match (&asked.value, &asked.forward) {
        (Some(value), None) => quote_literal(value),
        (None, Some(expression)) => expression.clone(),
        _ => {
            return Err(Error::usage(format!("nothing says what {named} holds where it is empty"))
                .help("give --value 'unknown', or --from with an expression of SQL over the row's other columns"));
        }
    };
    plan.may_fail = asked.forward.is_some();
    for old in &mut plan.old {
        (old.required, old.value) = (true, Some(fill.clone()));
    }
    Ok(())
}

fn drop_column(plan: &mut Plan, asked: &Asked, subject: &Subject, catalog: &Catalog) -> Result<()> {
    let named = format!("{}.{}", plan.model, subject.field.name);
    let needs = subject.column.not_null && subject.column.default.is_none();
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

/// The new columns must be free, in the database and in Prisma. An old field whose name a new one takes gets another.
fn admit_names(plan: &mut Plan, subject: &Subject, catalog: &Catalog) -> Result<()> {
    let known = catalog.tables.get(&subject.table);
    for (at, new) in plan.new.iter().enumerate() {
        if new.column.is_empty() || identifier_is_cut(&new.column) {
            return Err(Error::usage(format!("`{}` is not a name for a column: 1 to 63 bytes", new.column)));
        }
        let twice = plan.new[..at].iter().any(|other| other.column == new.column || other.field == new.field);
        if twice {
            return Err(Error::usage(format!("{} is named twice", new.column)));
        }
        if known.is_some_and(|table| table.columns.contains_key(&new.column)) {
            return Err(Error::usage(format!("{} has a column {} already", subject.table, new.column)));
        }
        let own = plan.old.iter().any(|old| old.field == new.field);
        if !own && subject.model.fields.iter().any(|field| field.name == new.field) {
            return Err(Error::usage(format!("the model {} has a field {} already", plan.model, new.field)));
        }
    }
    for at in 0..plan.old.len() {
        let Some(old) = plan.old.get(at).filter(|old| plan.new.iter().any(|new| new.field == old.field)) else {
            continue;
        };
        let free = free_field(&subject.model, &format!("{}Old", old.field));
        plan.old[at].field = free;
    }
    Ok(())
}

/// A field may be called what Prisma takes for a name.
fn field_name(column: &str) -> Result<String> {
    if is_field_name(column) {
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
