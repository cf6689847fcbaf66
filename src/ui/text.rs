//! Small pieces of text for people.

use jiff::Timestamp;

/// `2025-01-21 18:23:10 UTC`
pub fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// No more than so many characters; an ellipsis stands for the rest.
pub fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `1,234,567`, as people read it.
pub fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// `1 entry`, `2,000 entries`.
pub fn counted(number: u64, what: &str) -> String {
    if number == 1 {
        return format!("1 {what}");
    }
    let number = count(number);
    match what.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'o', 'u'])) {
        Some(stem) => format!("{number} {stem}ies"),
        None if what.ends_with(['h', 'x']) => format!("{number} {what}es"),
        None => format!("{number} {what}s"),
    }
}

/// `1 row`, `2 rows`.
pub fn rows(number: u64) -> String {
    counted(number, "row")
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        all => all.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_one_is_no_plural() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(rows(1), "1 row");
        assert_eq!(rows(2_000), "2,000 rows");
        assert_eq!(counted(1, "entry"), "1 entry");
        assert_eq!(counted(0, "entry"), "0 entries");
        assert_eq!((counted(2, "batch"), counted(2, "index")), ("2 batches".to_owned(), "2 indexes".to_owned()));
    }
}
