//! An identifier's words.

/// An identifier taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// Its words in lower case: `createdAt`, `created_at` and `CREATED-AT` are all `created`, `at`.
    pub(crate) words: Vec<String>,
    /// Its words without their endings.
    pub(super) stems: Vec<String>,
}

impl Identifier {
    pub(crate) fn new(name: &str) -> Self {
        let words = words(name);
        let stems = words.iter().map(|word| stem(word)).collect();
        Self { words, stems }
    }

    /// Words with their stems.
    pub(super) fn both(&self) -> impl Iterator<Item = (&String, &String)> {
        self.words.iter().zip(&self.stems)
    }
}

fn words(name: &str) -> Vec<String> {
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
pub(super) fn stem(word: &str) -> String {
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

/// How one name was made from the other: words taken out of one place, words put there. `teamId` → `organizationId` is
/// (`team`, `organization`), `type` → `plaid_type` is (``, `plaid`). None where the names are the same.
pub(crate) fn change(from: &Identifier, to: &Identifier) -> Option<(String, String)> {
    let (old, new) = (&from.words, &to.words);
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    (!gone.is_empty() || !come.is_empty()).then(|| (gone.join(" "), come.join(" ")))
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
    fn exchanged_words_are_named() {
        let made = |from: &str, to: &str| change(&Identifier::new(from), &Identifier::new(to));
        assert_eq!(made("teamId", "organizationId"), Some(("team".into(), "organization".into())));
        assert_eq!(made("type", "plaid_type"), Some((String::new(), "plaid".into())));
        assert_eq!(made("fullName", "full_name"), None);
    }
}
