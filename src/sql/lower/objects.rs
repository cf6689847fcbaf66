//! Types, sequences, views and settings.

use squawk_syntax::ast::{self, AlterSequenceAction, AlterTypeAction, AstNode as _, OwnedByTarget};

use super::{table, tree, types};
use crate::sql::ast::{Name, SequenceOwner, StatementKind};
use crate::sql::identifier;

/// `CREATE TYPE`; enums and composite types are followed.
pub(super) fn create_type(it: &ast::CreateType) -> Option<StatementKind> {
    let name = tree::name_of(it.type_name());
    match it.kind()? {
        ast::CreateTypeKind::EnumType(kind) => {
            let variants = kind.variant_list().into_iter().flat_map(|list| list.variants());
            let values = variants.map(|variant| tree::string(variant.literal())).collect();
            Some(StatementKind::CreateEnum { name, values })
        }
        ast::CreateTypeKind::CompositeType(kind) => {
            let fields = kind.composite_field_list().into_iter().flat_map(|list| list.composite_field_defs());
            let attributes = fields.map(|field| (tree::ident_of(field.name()), types::lower(field.ty()))).collect();
            Some(StatementKind::CreateComposite { name, attributes })
        }
        ast::CreateTypeKind::BaseType(_) | ast::CreateTypeKind::RangeType(_) => None,
    }
}

/// `CREATE DOMAIN`.
pub(super) fn create_domain(it: &ast::CreateDomain) -> StatementKind {
    let constraints = it.domain_qualifiers().filter_map(|qualifier| match qualifier {
        ast::DomainQualifier::Constraint(it) => Some(it),
        ast::DomainQualifier::Collate(_) => None,
    });
    let name = tree::name_of(it.domain());
    let definition = table::define(name.name.clone(), it.ty(), constraints);
    StatementKind::CreateDomain { name, definition: Box::new(definition) }
}

/// `ALTER TYPE`.
pub(super) fn alter_type(it: &ast::AlterType) -> Option<StatementKind> {
    let name = tree::name_of(it.type_name_ref());
    Some(match it.action()? {
        AlterTypeAction::AddValue(it) => {
            let (before, after) = match it.value_position() {
                Some(ast::ValuePosition::BeforeValue(it)) => (Some(tree::string(it.literal())), None),
                Some(ast::ValuePosition::AfterValue(it)) => (None, Some(tree::string(it.literal()))),
                None => (None, None),
            };
            let if_not_exists = it.if_not_exists().is_some();
            StatementKind::AddEnumValue { name, value: tree::string(it.literal()), before, after, if_not_exists }
        }
        AlterTypeAction::RenameValue(it) => {
            StatementKind::RenameEnumValue { name, from: tree::string(it.from()), to: tree::string(it.to()) }
        }
        AlterTypeAction::TypeRenameTo(it) => StatementKind::RenameType { name, to: tree::name_of(it.type_name()).name },
        AlterTypeAction::SetSchema(it) => {
            StatementKind::SetTypeSchema { name, schema: tree::ident_of(it.schema_ref()) }
        }
        _ => return None,
    })
}

/// `CREATE SEQUENCE`.
pub(super) fn create_sequence(it: &ast::CreateSequence) -> StatementKind {
    let owned_by = it.sequence_options().find_map(|option| match option {
        ast::SequenceOption::OptionOwnedBy(it) => owner(it.owned_by_target()),
        _ => None,
    });
    StatementKind::CreateSequence {
        name: tree::name_of(it.sequence()),
        if_not_exists: it.if_not_exists().is_some(),
        owned_by,
    }
}

/// `ALTER SEQUENCE`.
pub(super) fn alter_sequence(it: &ast::AlterSequence) -> StatementKind {
    let (mut rename_to, mut set_schema, mut owned_by) = (None, None, None);
    for action in it.actions() {
        match action {
            AlterSequenceAction::SequenceRenameTo(it) => rename_to = Some(tree::name_of(it.sequence()).name),
            AlterSequenceAction::SetSchema(it) => set_schema = Some(tree::ident_of(it.schema_ref())),
            AlterSequenceAction::SequenceOption(ast::SequenceOption::OptionOwnedBy(it)) => {
                owned_by = owner(it.owned_by_target());
            }
            _ => {}
        }
    }
    StatementKind::AlterSequence { name: tree::name_of(it.sequence_ref()), rename_to, set_schema, owned_by }
}

fn owner(target: Option<OwnedByTarget>) -> Option<SequenceOwner> {
    match target? {
        OwnedByTarget::OwnedByNone(_) => Some(SequenceOwner::Nobody),
        OwnedByTarget::QualifiedColumnNameRef(it) => {
            let mut parts = tree::path(it.syntax());
            let column = parts.pop()?;
            let name = parts.pop()?;
            Some(SequenceOwner::Column(Name { schema: parts.pop(), name }, column))
        }
    }
}

/// `SET`.
pub(super) fn set(it: &ast::Set) -> StatementKind {
    let local = matches!(it.set_scope(), Some(ast::SetScope::LocalScope(_)));
    let (name, values) = match it.set_target() {
        Some(ast::SetTarget::SetConfig(it)) => {
            let name = tree::below::<ast::ConfigParameterRef>(it.syntax());
            let name = name.map(|name| tree::path(name.syntax()).join(".")).unwrap_or_default();
            let value = tree::below::<ast::ToConfigValue>(it.syntax());
            let nodes = value.into_iter().flat_map(|value| value.syntax().children());
            (name, nodes.map(|node| value_of(&node)).collect())
        }
        Some(ast::SetTarget::SetSchemaValue(it)) => {
            ("search_path".to_owned(), it.syntax().children().map(|node| value_of(&node)).collect())
        }
        Some(other) => (tree::words(other.syntax()).to_ascii_lowercase(), Vec::new()),
        None => (String::new(), Vec::new()),
    };
    StatementKind::Set { name, local, values }
}

fn value_of(node: &squawk_syntax::SyntaxNode) -> String {
    let text = || identifier::fold(&tree::text(node));
    ast::Literal::cast(node.clone()).and_then(|literal| literal.string_value()).unwrap_or_else(text)
}
