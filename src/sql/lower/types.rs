//! Types, by the names `format_type` gives them.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode as _, Timezone, Type};

use super::tree;
use crate::sql::ast::DataType;

/// A type as written, its aliases resolved.
pub(super) fn lower(ty: Option<Type>) -> DataType {
    ty.map_or_else(|| plain(""), |ty| one(&ty))
}

fn plain(name: &str) -> DataType {
    DataType { schema: None, name: name.to_owned(), modifiers: Vec::new(), array: false }
}

fn one(ty: &Type) -> DataType {
    let modifiers = modifiers(ty);
    match ty {
        Type::ArrayType(array) => DataType { array: true, ..lower(array.ty()) },
        Type::PathType(path) => named(path, modifiers),
        Type::VarcharType(_) => DataType { modifiers, ..plain("character varying") },
        Type::CharacterType(_) => DataType { modifiers: or_one(modifiers), ..plain("character") },
        Type::BitType(_) => DataType { modifiers: or_one(modifiers), ..plain("bit") },
        Type::BitVaryingType(_) => DataType { modifiers, ..plain("bit varying") },
        Type::DoubleType(_) => plain("double precision"),
        Type::TimeType(time) => {
            let name = if zoned(time.timezone()) { "time with time zone" } else { "time without time zone" };
            DataType { modifiers, ..plain(name) }
        }
        Type::TimestampType(timestamp) => {
            let zoned = zoned(timestamp.timezone());
            let name = if zoned { "timestamp with time zone" } else { "timestamp without time zone" };
            DataType { modifiers, ..plain(name) }
        }
        Type::IntervalType(interval) => {
            let name = match interval.interval_qualifier() {
                Some(_) => tree::text(interval.syntax()).to_ascii_lowercase(),
                None => "interval".to_owned(),
            };
            DataType { modifiers, ..plain(&name) }
        }
    }
}

/// `char` and `bit` mean one of them.
fn or_one(modifiers: Vec<i64>) -> Vec<i64> {
    if modifiers.is_empty() { vec![1] } else { modifiers }
}

fn zoned(timezone: Option<Timezone>) -> bool {
    matches!(timezone, Some(Timezone::WithTimezone(_)))
}

/// The numbers in the type's own parentheses.
fn modifiers(ty: &Type) -> Vec<i64> {
    if matches!(ty, Type::ArrayType(_) | Type::DoubleType(_)) {
        return Vec::new();
    }
    let tokens = ty.syntax().descendants_with_tokens().filter_map(|element| element.into_token());
    let mut numbers = Vec::new();
    let mut negative = false;
    for token in tokens {
        match token.kind() {
            SyntaxKind::INT_NUMBER => {
                let number: Option<i64> = token.text().parse().ok();
                numbers.extend(number.map(|number| if negative { -number } else { number }));
            }
            kind => negative = kind == SyntaxKind::MINUS,
        }
    }
    numbers
}

/// A type by name: PostgreSQL's aliases, or a user-defined type.
fn named(path: &ast::PathType, mut modifiers: Vec<i64>) -> DataType {
    let name = tree::name(path.syntax());
    let quoted = path.syntax().last_token().is_some_and(|token| token.text().starts_with('"'));
    let builtin = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
    if !builtin {
        return DataType { schema: name.schema, name: name.name, modifiers, array: false };
    }
    let canonical = match name.name.as_str() {
        "int2" => "smallint",
        "int4" => "integer",
        "int" if !quoted => "integer",
        "int8" => "bigint",
        "bool" => "boolean",
        "float4" => "real",
        "float8" => "double precision",
        "float" if !quoted => {
            let real = modifiers.first().is_some_and(|precision| *precision <= 24);
            modifiers.clear();
            if real { "real" } else { "double precision" }
        }
        "decimal" | "dec" if !quoted => "numeric",
        "varchar" => "character varying",
        "bpchar" if !modifiers.is_empty() => "character",
        "varbit" => "bit varying",
        "timestamp" => "timestamp without time zone",
        "timestamptz" => "timestamp with time zone",
        "time" => "time without time zone",
        "timetz" => "time with time zone",
        "serial4" => "serial",
        "serial8" => "bigserial",
        "serial2" => "smallserial",
        other => other,
    };
    if canonical == "numeric" && modifiers.len() == 1 {
        modifiers.push(0); // numeric(9) is numeric(9,0)
    }
    DataType { modifiers, ..plain(canonical) }
}
