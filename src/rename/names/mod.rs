//! How alike two identifiers are, by their words: case and separators, abbreviations, typing errors, plurals,
//! containment, and words that mean the opposite.

mod identifier;
mod meaning;
mod vocabulary;

pub(crate) use identifier::{Identifier, change};
use meaning::{opposed, other_form, same_reference};
use vocabulary::Vocabulary;

/// What comparing two identifiers showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Likeness {
    /// 0: nothing in common, 1: the same but for case and separators.
    pub(crate) score: f64,
    /// Why, in a line; empty where there is nothing to say.
    pub(crate) reason: String,
    /// Only case and separators differ.
    pub(crate) style_only: bool,
    /// Only the words' endings differ: singular and plural.
    pub(crate) endings_only: bool,
    /// All words of one name are words of the other.
    pub(crate) contained: bool,
    /// A word was exchanged for its opposite, or one unit for another.
    pub(crate) opposed: bool,
    /// Only one name says that it holds a key, a unit, or values in some form.
    pub(crate) other_form: bool,
    /// The word by which both names refer to their thing, where they do it in the same way: `key`, `code`.
    pub(crate) same_reference: Option<String>,
}

/// Compares two identifiers, each given as it is written and taken apart. Words of `context` (the table's name) count as
/// said already: `Image.imageName` is `name`.
pub(crate) fn likeness(from: (&str, &Identifier), to: (&str, &Identifier), context: &[&Identifier]) -> Likeness {
    let ((from, old), (to, new)) = (from, to);
    let opposed = opposed(old, new);
    let other_form = other_form(old, new);
    let make = |score: f64, reason: String, style_only: bool, contained: bool| Likeness {
        score: if opposed { score.min(0.2) } else { score },
        reason: if opposed { String::new() } else { reason },
        style_only: style_only && !opposed && !other_form,
        endings_only: false,
        contained,
        opposed,
        other_form,
        same_reference: same_reference(old, new),
    };
    if old.words.concat() == new.words.concat() && !old.words.is_empty() {
        if same_style(from, to) {
            return make(1.0, format!("{from} and {to} differ only in case and separators"), true, true);
        }
        return make(0.97, format!("{from} and {to} have the same letters and digits"), false, true);
    }
    if old.stems.concat() == new.stems.concat() && !old.words.is_empty() {
        let ending = make(0.96, format!("{from} and {to} differ only in a word's ending"), false, true);
        return Likeness { endings_only: !opposed && !other_form, ..ending };
    }
    let sorted = |name: &Identifier| {
        let mut words = name.words.clone();
        words.sort();
        words
    };
    if sorted(old) == sorted(new) {
        return make(0.95, format!("{from} and {to} have the same words"), false, true);
    }
    if old.words.len() == new.words.len() && typo(&old.words, &new.words) {
        return make(0.92, format!("{from} and {to} differ by a typing error"), false, false);
    }
    let said = |stem: &String| context.iter().any(|name| name.stems.contains(stem));
    let rest = |name: &Identifier| name.stems.iter().filter(|stem| !said(stem)).cloned().collect::<Vec<_>>();
    let (short, long) = (rest(old), rest(new));
    if !short.is_empty() && short == long {
        return make(0.9, format!("{from} and {to} differ only by a word of the table's name"), false, true);
    }
    let (score, shared) = overlap(old, new, &said);
    if is_part(&old.stems, &new.stems) || is_part(&new.stems, &old.stems) {
        let (part, whole, words) =
            if old.words.len() < new.words.len() { (from, to, &old.words) } else { (to, from, &new.words) };
        let strong = words.len() > 1 || !Vocabulary::get().is_weak(&words.concat());
        let score = if strong { score.max(0.72) } else { score.max(0.5) };
        return make(score, format!("{part} is a word of {whole}"), false, true);
    }
    let reason = if shared.is_empty() { String::new() } else { format!("both names say {}", shared.join(", ")) };
    make(score, reason, false, false)
}

/// Which words of a name the context has said already, a bit each; none for a name of more words than there are bits. All that
/// [`likeness`] takes from its context.
pub(crate) fn said(name: &Identifier, context: &[&Identifier]) -> Option<u64> {
    let bits = name.stems.iter().enumerate().map(|(at, stem)| {
        let bit = 1_u64.checked_shl(u32::try_from(at).ok()?)?;
        Some(if context.iter().any(|other| other.stems.contains(stem)) { bit } else { 0 })
    });
    bits.sum()
}

/// Compares two names that nothing else is known of.
pub(crate) fn alike(from: &str, to: &str) -> Likeness {
    likeness((from, &Identifier::new(from)), (to, &Identifier::new(to)), &[])
}

/// Whether two names are written in two styles and are otherwise the same: `createdAt` and `CREATED_AT`. Other signs are no
/// separators (`amount%`), and where digits part counts (`line_1_1`, `line_11`).
fn same_style(from: &str, to: &str) -> bool {
    let is_separator = |c: char| matches!(c, '_' | '-' | ' ');
    let letters =
        |name: &str| -> String { name.chars().filter(|c| !is_separator(*c)).flat_map(char::to_lowercase).collect() };
    let numbers = |name: &str| -> Vec<String> {
        let runs = name.split(|c: char| !c.is_numeric());
        runs.filter(|run| !run.is_empty()).map(str::to_owned).collect()
    };
    letters(from) == letters(to) && numbers(from) == numbers(to)
}

/// Whether all words of `part` stand in `whole`, in any order.
fn is_part(part: &[String], whole: &[String]) -> bool {
    let mut rest: Vec<&String> = whole.iter().collect();
    !part.is_empty()
        && part.len() < whole.len()
        && part.iter().all(|word| {
            let found = rest.iter().position(|other| *other == word);
            found.map(|at| rest.swap_remove(at)).is_some()
        })
}

/// The weighted share of words that have a counterpart, and those words.
fn overlap(old: &Identifier, new: &Identifier, said: &dyn Fn(&String) -> bool) -> (f64, Vec<String>) {
    let weak = |word: &str| Vocabulary::get().is_weak(word);
    let weight = |(word, stem): (&String, &String)| match (weak(word), said(stem)) {
        (true, _) => 0.35,
        (_, true) => 0.3,
        _ => 1.0,
    };
    let mut free: Vec<(&String, &String)> = new.both().collect();
    let (mut common, mut shared) = (0.0, Vec::new());
    for own in old.both() {
        let likenesses = free.iter().enumerate().map(|(i, other)| (i, word_likeness(own.1, other.1)));
        let best = likenesses.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, likeness)| *likeness >= 0.5);
        if let Some((i, likeness)) = best {
            let other = free.remove(i);
            common += likeness * (weight(own) + weight(other));
            if likeness > 0.9 && !weak(own.0) {
                shared.push(own.0.clone());
            }
        }
    }
    let total: f64 = old.both().chain(new.both()).map(weight).sum();
    (if total > 0.0 { common / total } else { 0.0 }, shared)
}

/// How alike two words are, by their stems: the same, an abbreviation, a synonym, a typing error.
fn word_likeness(x: &str, y: &str) -> f64 {
    if x == y {
        return 1.0;
    }
    if Vocabulary::get().synonyms(x, y) {
        return 0.6_f64.max(spelling(x, y));
    }
    spelling(x, y)
}

/// How alike two different words are written.
fn spelling(x: &str, y: &str) -> f64 {
    if x.chars().next() != y.chars().next() {
        return 0.0;
    }
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    if short.chars().count() >= 3 && long.starts_with(short) {
        return 0.85;
    }
    if short.chars().count() >= 2 && abbreviates(short, long) {
        return 0.7;
    }
    if short.chars().count() >= 5 && strsim::osa_distance(x, y) <= 1 {
        return 0.8;
    }
    // `readable` and `readability`: forms of one word share its beginning
    let shared = x.chars().zip(y.chars()).take_while(|(a, b)| a == b).count();
    if shared >= 5 && shared * 2 >= long.chars().count() {
        return 0.7;
    }
    0.0
}

/// Whether `short` is `long` without its vowels or its tail: `qty` and `quantity`, `img` and `image`.
fn abbreviates(short: &str, long: &str) -> bool {
    let vowels = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut rest = long.chars();
    short.chars().next() == long.chars().next()
        && short.chars().count() * 2 <= long.chars().count() + 1
        && short.chars().filter(|c| !vowels(*c)).count() >= 2
        && short.chars().all(|c| rest.any(|other| other == c))
}

/// One or two letters wrong in one of the words, all others equal.
fn typo(old: &[String], new: &[String]) -> bool {
    let wrong: Vec<(&String, &String)> = old.iter().zip(new).filter(|(a, b)| a != b).collect();
    match wrong.as_slice() {
        [(a, b)] => {
            let length = a.chars().count().min(b.chars().count());
            let digits = |word: &str| word.chars().any(|c| c.is_ascii_digit());
            !digits(a) && !digits(b) && length >= 5 && strsim::osa_distance(a, b) <= if length >= 7 { 2 } else { 1 }
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(from: &str, to: &str, context: &[&str]) -> Likeness {
        let context: Vec<Identifier> = context.iter().map(|name| Identifier::new(name)).collect();
        let context: Vec<&Identifier> = context.iter().collect();
        super::likeness((from, &Identifier::new(from)), (to, &Identifier::new(to)), &context)
    }

    #[test]
    fn style_is_told_from_meaning() {
        assert!(likeness("createdAt", "created_at", &[]).style_only);
        assert!(likeness("CreatedAT", "created-at", &[]).style_only);
        assert!(likeness("tags", "tag", &[]).endings_only && !likeness("tags", "tag", &[]).style_only);
        for (from, to) in [("amount", "amount%"), ("line_1_1", "line_11"), ("price", "priceCents"), ("a", "aAt")] {
            assert!(!likeness(from, to, &[]).style_only, "{from} {to}");
        }
        assert!(likeness("created_at", "updated_at", &[]).opposed);
        assert!(likeness("durationMs", "durationMinutes", &[]).opposed);
        assert!(likeness("isActive", "isNotActive", &[]).opposed);
        assert!(likeness("pacakgeName", "packageName", &[]).score > 0.9);
        assert!(likeness("artist", "artist_name", &["Song"]).contained);
        assert!(likeness("imageName", "name", &["Image"]).score >= 0.9);
        assert!(!likeness("description", "note", &[]).opposed);
        assert!(likeness("queueName", "queueId", &[]).other_form);
        assert!(likeness("readabilityPath", "readable", &[]).score > 0.4);
        assert!(likeness("authorId", "createdAt", &[]).score < 0.3);
    }
}
