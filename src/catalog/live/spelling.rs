//! A server prints an expression with the casts, parentheses and names that it has worked out. Where a migration wrote the
//! same thing, its spelling stays: later migrations repeat that.

use crate::catalog::{Catalog, Column, Constraint, Index};
use crate::sql::expression::{Piece, pieces};
use crate::sql::{ConstraintKind, Expr};

impl Catalog {
    /// Spells what was read from a server as the replayed migrations do, where both say the same.
    #[must_use]
    pub fn spelled_like(mut self, replayed: &Self) -> Self {
        for (name, table) in self.tables.iter_mut() {
            let Some(known) = replayed.tables.get(name) else { continue };
            for (name, column) in &mut table.columns {
                known.columns.get(name).into_iter().for_each(|known| spell_column(column, known));
            }
            for (name, constraint) in &mut table.constraints {
                known.constraints.get(name).into_iter().for_each(|known| spell_constraint(constraint, known));
            }
            for (name, index) in &mut table.indexes {
                known.indexes.get(name).into_iter().for_each(|known| spell_index(index, known));
            }
        }
        self
    }
}

fn spell_column(column: &mut Column, known: &Column) {
    if column.data_type == known.data_type {
        spell(column.default.as_mut(), known.default.as_ref());
        spell(column.generated.as_mut(), known.generated.as_ref());
    }
}

fn spell_constraint(constraint: &mut Constraint, known: &Constraint) {
    match (&mut constraint.kind, &known.kind) {
        (ConstraintKind::Check { expr }, ConstraintKind::Check { expr: known }) => spell(Some(expr), Some(known)),
        (ConstraintKind::Exclude { text }, ConstraintKind::Exclude { text: known }) if bare(text) == bare(known) => {
            text.clone_from(known);
        }
        _ => {}
    }
}

fn spell_index(index: &mut Index, known: &Index) {
    spell(index.predicate.as_mut(), known.predicate.as_ref());
    if index.keys.len() == known.keys.len() {
        for (key, known) in index.keys.iter_mut().zip(&known.keys) {
            if key.column == known.column && bare(&key.text) == bare(&known.text) {
                key.text.clone_from(&known.text);
            }
        }
    }
}

fn spell(expr: Option<&mut Expr>, known: Option<&Expr>) {
    if let (Some(expr), Some(known)) = (expr, known)
        && bare(&expr.text) == bare(&known.text)
    {
        expr.text.clone_from(&known.text);
    }
}

/// An expression's words and symbols without casts, parentheses, schemas and the default order.
fn bare(text: &str) -> Vec<String> {
    let all: Vec<Piece<'_>> = pieces(text).into_iter().filter(|piece| !matches!(piece, Piece::Space(_))).collect();
    let mut bare = Vec::new();
    let mut at = 0;
    while let Some(piece) = all.get(at) {
        match piece {
            Piece::Symbol("::") => {
                at = after_type(&all, at + 1);
                continue;
            }
            Piece::Symbol("(" | ")") => {}
            Piece::Word(word) if word.eq_ignore_ascii_case("asc") => {}
            // a schema's name
            Piece::Word(_) | Piece::Quoted(_) if all.get(at + 1) == Some(&Piece::Symbol(".")) => at += 1,
            Piece::Word(_) | Piece::Quoted(_) => bare.extend(piece.name()),
            Piece::Symbol("<>" | "!=") => bare.push("<>".to_owned()),
            other => bare.push(other.text().to_owned()),
        }
        at += 1;
    }
    bare
}

/// Behind the type that a cast names.
fn after_type(all: &[Piece<'_>], mut at: usize) -> usize {
    at += 1;
    while let Some(piece) = all.get(at) {
        match piece {
            Piece::Symbol(".") => at += 2,
            Piece::Symbol("[") if all.get(at + 1) == Some(&Piece::Symbol("]")) => at += 2,
            Piece::Word(word)
                if ["varying", "precision", "with", "without", "time", "zone"]
                    .iter()
                    .any(|part| word.eq_ignore_ascii_case(part)) =>
            {
                at += 1;
            }
            // the length of a type
            Piece::Symbol("(") if matches!(all.get(at + 1), Some(Piece::Number(_))) => {
                let end = all[at..].iter().position(|piece| *piece == Piece::Symbol(")"));
                at += end.map_or(1, |end| end + 1);
            }
            _ => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_and_parentheses_are_spelling_and_the_rest_is_not() {
        let same = |left: &str, right: &str| bare(left) == bare(right);
        assert!(same("((state)::text = 'open'::text)", "state = 'open'"));
        assert!(same("(lower((name)::character varying(9)) || 'x'::text)", "lower(name) || 'x'"));
        assert!(same("(at)::timestamp(3) without time zone", "at"));
        assert!(same("(shop.f(x) <> ARRAY['a'::shop.\"Kind\"]::shop.\"Kind\"[])", "f(\"x\") != ARRAY['a']"));
        assert!(!same("(a > 1)", "a > 2"));
        assert!(!same("(a > 'A'::text)", "a > 'a'"));
    }
}
