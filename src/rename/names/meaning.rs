//! What two names say about their values: the opposite, another unit, another form, another way to refer to a thing.

use super::identifier::Identifier;
use super::vocabulary::Vocabulary;

/// The words that one name has and the other has not, by stem.
fn differing<'a>(old: &'a Identifier, new: &'a Identifier) -> (Vec<&'a String>, Vec<&'a String>) {
    let minus = |a: &'a Identifier, b: &Identifier| a.stems.iter().filter(|stem| !b.stems.contains(stem)).collect();
    (minus(old, new), minus(new, old))
}

/// Whether a word was exchanged for its opposite or one unit for another, or one name negates the other.
pub(super) fn opposed(old: &Identifier, new: &Identifier) -> bool {
    let words = Vocabulary::get();
    let (gone, come) = differing(old, new);
    let opposite = gone.iter().any(|a| come.iter().any(|b| words.opposite(a, b)));
    // by the whole word: `note` has the stem of `not`
    let negations = |name: &Identifier| {
        name.words.iter().filter(|word| matches!(word.as_str(), "not" | "non" | "un" | "without")).count()
    };
    opposite
        || (gone.iter().any(|word| words.is_unit(word)) && come.iter().any(|word| words.is_unit(word)))
        || (negations(old) + negations(new)) % 2 == 1
}

/// Whether only one name says that its values are keys, quantities of a unit, or in some form, or the names refer to one
/// thing in two ways: values would have to be looked up or computed.
pub(super) fn other_form(old: &Identifier, new: &Identifier) -> bool {
    let words = Vocabulary::get();
    let (gone, come) = differing(old, new);
    let one = |is: &dyn Fn(&str) -> bool| gone.iter().any(|word| is(word)) != come.iter().any(|word| is(word));
    let keys = one(&|word| matches!(word, "id" | "uuid" | "identifier"))
        && old.words.len().abs_diff(new.words.len()) == 1
        && (gone.is_empty() || come.is_empty());
    // `queueName` and `queueId`: the same thing, referred to in another way
    let last = |name: &Identifier| name.words.last().filter(|word| words.refers(word)).cloned();
    let (a, b) = (last(old), last(new));
    let reference =
        a.is_some() && b.is_some() && a != b && (gone.len() == 1 || come.len() == 1) && gone.len() + come.len() <= 3;
    keys || reference || one(&|word| words.is_unit(word)) || one(&|word| words.is_form(word))
}

/// The word by which both names refer to their thing, where both do it by the same words: `cityCode` and `code_of_town`, but neither
/// and `town`.
pub(super) fn same_reference(old: &Identifier, new: &Identifier) -> Option<String> {
    let words = Vocabulary::get();
    let refer = |name: &Identifier| {
        let mut found: Vec<String> = name.words.iter().filter(|word| words.refers(word)).cloned().collect();
        found.sort();
        found
    };
    let own = refer(old);
    (own == refer(new)).then(|| own.first().cloned())?
}
