//! How alike two identifiers are, by their words: case and separators, abbreviations, typing errors, plurals,
//! containment, and words that mean the opposite.

use std::collections::BTreeSet;

use super::vocabulary::{FORMS, OPPOSITE, SAME, UNITS, WEAK};

/// What comparing two identifiers showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Likeness {
    /// 0: nothing in common, 1: the same but for case and separators.
    pub(crate) score: f64,
    /// Why, in a line; empty where there is nothing to say.
    pub(crate) reason: String,
    /// Only case, separators, or a plural differ.
    pub(crate) style_only: bool,
    /// All words of one name are words of the other.
    pub(crate) contained: bool,
    /// A word was exchanged for its opposite, or one unit for another.
    pub(crate) opposed: bool,
    /// Only one name says that it holds a key, a unit, or values in some form.
    pub(crate) other_form: bool,
}

/// An identifier's words in lower case: `createdAt`, `created_at` and `CREATED-AT` are all `created`, `at`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let chars: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let before = i.checked_sub(1).and_then(|i| chars.get(i)).copied().unwrap_or(' ');
        let after = chars.get(i + 1).copied().unwrap_or(' ');
        let boundary = (c.is_uppercase() && (before.is_lowercase() || before.is_numeric()))
            || (c.is_uppercase() && before.is_uppercase() && after.is_lowercase() && after != 's')
            || (c.is_numeric() && before.is_alphabetic())
            || (c.is_alphabetic() && before.is_numeric() && c.is_uppercase());
        if boundary {
            words.push(String::new());
        }
        if let Some(last) = words.last_mut() {
            last.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A word without its ending, so that `expires` and `expired`, `tags` and `tag` are the same.
fn stem(word: &str) -> String {
    let cut = |ending: &str, put: &str| {
        word.strip_suffix(ending).filter(|rest| rest.chars().count() >= 3).map(|rest| format!("{rest}{put}"))
    };
    let stemmed = cut("ies", "y")
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("ation", "e"))
        .or_else(|| cut("ated", "ate"))
        .or_else(|| cut("ing", ""))
        .or_else(|| cut("ed", ""))
        .or_else(
            || if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") { None } else { cut("s", "") },
        )
        .unwrap_or_else(|| word.to_owned());
    stemmed.strip_suffix('e').filter(|rest| rest.chars().count() >= 3).map_or(stemmed.clone(), str::to_owned)
}

/// Compares two identifiers. Words of `context` (the table's name) count as said already: `Image.imageName` is `name`.
pub(crate) fn likeness(from: &str, to: &str, context: &[&str]) -> Likeness {
    let (old, new) = (words(from), words(to));
    let flat = |words: &[String]| words.iter().map(|word| stem(word)).collect::<Vec<_>>().concat();
    let opposed = opposed(&old, &new);
    let other_form = other_form(&old, &new);
    let make = |score: f64, reason: String, style_only: bool, contained: bool| Likeness {
        score: if opposed { score.min(0.2) } else { score },
        reason: if opposed { String::new() } else { reason },
        style_only,
        contained,
        opposed,
        other_form,
    };
    if old.concat() == new.concat() && !old.is_empty() {
        return make(1.0, format!("{from} and {to} differ only in case and separators"), true, true);
    }
    if flat(&old) == flat(&new) && !old.is_empty() {
        return make(0.96, format!("{from} and {to} differ only in a word's ending"), false, true);
    }
    let (mut a, mut b): (Vec<_>, Vec<_>) = (old.clone(), new.clone());
    a.sort();
    b.sort();
    if a == b {
        return make(0.95, format!("{from} and {to} have the same words"), false, true);
    }
    if old.len() == new.len() && typo(&old, &new) {
        return make(0.92, format!("{from} and {to} differ by a typing error"), false, false);
    }
    let said: BTreeSet<String> = context.iter().flat_map(|name| words(name)).map(|word| stem(&word)).collect();
    let rest = |words: &[String]| -> Vec<String> {
        words.iter().filter(|word| !said.contains(&stem(word))).map(|word| stem(word)).collect()
    };
    let (short, long) = (rest(&old), rest(&new));
    if !short.is_empty() && short == long {
        return make(0.9, format!("{from} and {to} differ only by a word of the table's name"), false, true);
    }
    let (score, shared) = overlap(&old, &new, &said);
    let contained = is_part(&old, &new) || is_part(&new, &old);
    if contained {
        let (part, whole) = if old.len() < new.len() { (from, to) } else { (to, from) };
        let strong = old.len().min(new.len()) > 1 || !is_weak(&words(part).concat());
        let score = if strong { score.max(0.72) } else { score.max(0.5) };
        return make(score, format!("{part} is a word of {whole}"), false, true);
    }
    let reason = if shared.is_empty() { String::new() } else { format!("both names say {}", shared.join(", ")) };
    make(score, reason, false, false)
}

/// Whether all words of `part` stand in `whole`, in order.
fn is_part(part: &[String], whole: &[String]) -> bool {
    let mut rest = whole.iter();
    !part.is_empty()
        && part.len() < whole.len()
        && part.iter().all(|word| rest.any(|other| word == other || stem(word) == stem(other)))
}

fn is_weak(word: &str) -> bool {
    WEAK.contains(&word)
}

/// The weighted share of words that have a counterpart, and those words.
fn overlap(old: &[String], new: &[String], said: &BTreeSet<String>) -> (f64, Vec<String>) {
    let weight = |word: &str| {
        if is_weak(word) {
            0.35
        } else if said.contains(&stem(word)) {
            0.3
        } else {
            1.0
        }
    };
    let mut free: Vec<&String> = new.iter().collect();
    let (mut common, mut shared) = (0.0, Vec::new());
    for word in old {
        let best = free
            .iter()
            .enumerate()
            .map(|(i, other)| (i, word_likeness(word, other)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, likeness)| *likeness >= 0.5);
        if let Some((i, likeness)) = best {
            let other = free.remove(i);
            common += likeness * (weight(word) + weight(other));
            if likeness > 0.9 && !is_weak(word) {
                shared.push(word.clone());
            }
        }
    }
    let total: f64 = old.iter().chain(new).map(|word| weight(word)).sum();
    (if total > 0.0 { common / total } else { 0.0 }, shared)
}

/// How alike two words are: the same stem, an abbreviation, a synonym, a typing error.
fn word_likeness(a: &str, b: &str) -> f64 {
    let (x, y) = (stem(a), stem(b));
    if x == y {
        return 1.0;
    }
    let (short, long) = if x.len() < y.len() { (&x, &y) } else { (&y, &x) };
    if short.chars().count() >= 3 && long.starts_with(short.as_str()) {
        return 0.85;
    }
    if short.chars().count() >= 2 && abbreviates(short, long) {
        return 0.7;
    }
    if short.chars().count() >= 5 && distance(&x, &y) <= 1 {
        return 0.8;
    }
    if synonyms(&x, &y) {
        return 0.6;
    }
    0.0
}

fn synonyms(x: &str, y: &str) -> bool {
    SAME.iter().any(|group| group.iter().any(|word| stem(word) == x) && group.iter().any(|word| stem(word) == y))
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
            !digits(a) && !digits(b) && length >= 5 && distance(a, b) <= if length >= 7 { 2 } else { 1 }
        }
        _ => false,
    }
}

/// The words that one name has and the other has not, by stem.
fn differing(old: &[String], new: &[String]) -> (Vec<String>, Vec<String>) {
    let minus = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().map(|word| stem(word)).filter(|word| !b.iter().any(|other| stem(other) == *word)).collect()
    };
    (minus(old, new), minus(new, old))
}

fn opposed(old: &[String], new: &[String]) -> bool {
    let (gone, come) = differing(old, new);
    let unit = |word: &String| UNITS.iter().any(|unit| stem(unit) == *word || unit == word);
    let opposite = OPPOSITE.iter().any(|(a, b)| {
        let (a, b) = (stem(a), stem(b));
        (gone.contains(&a) && come.contains(&b)) || (gone.contains(&b) && come.contains(&a))
    });
    let negated =
        gone.iter().chain(&come).filter(|word| matches!(word.as_str(), "not" | "non" | "un" | "without")).count();
    opposite || (gone.iter().any(unit) && come.iter().any(unit)) || negated % 2 == 1
}

/// How one name was made from the other: words taken out of one place, words put there. `teamId` → `organizationId` is
/// (`team`, `organization`), `type` → `plaid_type` is (``, `plaid`). None where the names are the same.
pub(crate) fn change(from: &str, to: &str) -> Option<(String, String)> {
    let (old, new) = (words(from), words(to));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    (!gone.is_empty() || !come.is_empty()).then(|| (gone.join(" "), come.join(" ")))
}

/// Whether only one name says that its values are keys, quantities of a unit, or in some form: values would have to be
/// looked up or computed.
fn other_form(old: &[String], new: &[String]) -> bool {
    let (gone, come) = differing(old, new);
    let one = |words: &[&str]| {
        let has = |list: &[String]| list.iter().any(|word| words.iter().any(|own| word == own || *word == stem(own)));
        has(&gone) != has(&come)
    };
    let keys = one(&["id", "uuid", "identifier"])
        && old.len().abs_diff(new.len()) == 1
        && (gone.is_empty() || come.is_empty());
    keys || one(UNITS) || one(FORMS)
}

/// Damerau-Levenshtein distance (adjacent letters swapped count once).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words("createdAt"), ["created", "at"]);
        assert_eq!(words("APIConnection"), ["api", "connection"]);
        assert_eq!(words("user_id"), ["user", "id"]);
        assert_eq!(words("profileURL"), ["profile", "url"]);
        assert_eq!(words("Straße_Größe"), ["straße", "größe"]);
    }

    #[test]
    fn style_is_told_from_meaning() {
        assert!(likeness("createdAt", "created_at", &[]).style_only);
        assert!(likeness("created_at", "updated_at", &[]).opposed);
        assert!(likeness("durationMs", "durationMinutes", &[]).opposed);
        assert!(likeness("isActive", "isNotActive", &[]).opposed);
        assert!(likeness("pacakgeName", "packageName", &[]).score > 0.9);
        assert!(likeness("artist", "artist_name", &["Song"]).contained);
        assert!(likeness("imageName", "name", &["Image"]).score >= 0.9);
        assert!(likeness("authorId", "createdAt", &[]).score < 0.3);
    }

    #[test]
    fn exchanged_words_are_named() {
        assert_eq!(change("teamId", "organizationId"), Some(("team".into(), "organization".into())));
        assert_eq!(change("type", "plaid_type"), Some((String::new(), "plaid".into())));
        assert_eq!(change("fullName", "full_name"), None);
    }
}
