//! What words of schemas have to do with each other. General English and database words only: none is there for one project.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::identifier::stem;

/// The lists below, by stem.
pub(super) struct Vocabulary {
    weak: HashSet<&'static str>,
    refer: HashSet<&'static str>,
    units: HashSet<String>,
    forms: HashSet<String>,
    opposites: HashSet<(String, String)>,
    /// The groups of words with one meaning that a word stands in.
    groups: HashMap<String, Vec<usize>>,
}

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let stems = |words: &[&str]| words.iter().map(|word| stem(word)).collect();
    let both = |(a, b): &(&str, &str)| [(stem(a), stem(b)), (stem(b), stem(a))];
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, group) in SAME.iter().enumerate() {
        for word in *group {
            groups.entry(stem(word)).or_default().push(number);
        }
    }
    Vocabulary {
        weak: WEAK.iter().copied().collect(),
        refer: REFERRING.iter().copied().collect(),
        units: stems(UNITS),
        forms: stems(FORMS),
        opposites: OPPOSITE.iter().flat_map(both).collect(),
        groups,
    }
});

impl Vocabulary {
    pub(super) fn get() -> &'static Self {
        &VOCABULARY
    }

    /// Whether a word says little.
    pub(super) fn is_weak(&self, word: &str) -> bool {
        self.weak.contains(word)
    }

    /// Whether a word says how a name refers to something.
    pub(super) fn refers(&self, word: &str) -> bool {
        self.refer.contains(word)
    }

    /// Whether a stem is a unit's.
    pub(super) fn is_unit(&self, stem: &str) -> bool {
        self.units.contains(stem)
    }

    /// Whether a stem says in which form a value is kept.
    pub(super) fn is_form(&self, stem: &str) -> bool {
        self.forms.contains(stem)
    }

    /// Whether two stems exclude each other.
    pub(super) fn opposite(&self, a: &str, b: &str) -> bool {
        self.opposites.contains(&(a.to_owned(), b.to_owned()))
    }

    /// Whether two stems mean the same thing in a schema.
    pub(super) fn synonyms(&self, a: &str, b: &str) -> bool {
        let (Some(a), Some(b)) = (self.groups.get(a), self.groups.get(b)) else { return false };
        a.iter().any(|group| b.contains(group))
    }
}

/// Words that say little: two names that share only these are not alike.
const WEAK: &[&str] = &[
    "id", "uuid", "key", "at", "on", "by", "is", "has", "was", "the", "of", "to", "for", "in", "name", "type", "date",
    "time", "value", "data", "count", "number", "no", "num", "url", "text", "flag", "json", "str", "list",
];

/// Words that exclude each other: a name that swaps one for the other means something else.
const OPPOSITE: &[(&str, &str)] = &[
    ("create", "update"),
    ("create", "delete"),
    ("update", "delete"),
    ("create", "archive"),
    ("start", "end"),
    ("start", "finish"),
    ("begin", "end"),
    ("first", "last"),
    ("min", "max"),
    ("old", "new"),
    ("from", "to"),
    ("in", "out"),
    ("source", "target"),
    ("sender", "receiver"),
    ("sender", "recipient"),
    ("parent", "child"),
    ("prev", "next"),
    ("previous", "next"),
    ("enable", "disable"),
    ("public", "private"),
    ("visible", "hidden"),
    ("active", "archive"),
    ("active", "inactive"),
    ("width", "height"),
    ("lat", "lng"),
    ("latitude", "longitude"),
    ("open", "close"),
    ("subtotal", "total"),
    ("credit", "debit"),
    ("allow", "deny"),
    ("success", "failure"),
    ("day", "month"),
    ("month", "year"),
    ("week", "month"),
    ("hour", "minute"),
    ("minute", "second"),
];

/// Units: a name that swaps one for the other holds values that must be computed.
const UNITS: &[&str] = &[
    "ms", "millis", "sec", "second", "minute", "min", "mins", "hour", "day", "week", "month", "year", "cent", "dollar",
    "euro", "kb", "mb", "gb", "byte", "km", "mile", "meter", "cm", "mm", "kg", "gram", "percent", "ratio", "ns",
];

/// Words that mean the same thing in a schema.
const SAME: &[&[&str]] = &[
    &["create", "insert", "add", "timestamp"],
    &["update", "modify", "change", "edit"],
    &["delete", "remove"],
    &["image", "picture", "photo", "avatar", "thumbnail", "img", "pic", "banner", "screenshot"],
    &["link", "url", "uri", "href"],
    &["desc", "description", "summary", "note", "comment", "detail", "body", "content", "text", "message"],
    &["title", "name", "label", "subject", "display"],
    &["slug", "handle", "identifier", "key", "code"],
    &["user", "owner", "author", "account", "member", "creator", "writer"],
    &["organization", "organisation", "org", "workspace", "team", "company", "tenant", "project"],
    &["amount", "price", "cost", "total", "sum"],
    &["quantity", "qty", "count", "number", "amount"],
    &["type", "kind", "category"],
    &["status", "state", "phase"],
    &["expire", "expiry", "expiration", "validuntil"],
    &["finish", "complete", "end", "done"],
    &["start", "begin"],
    &["order", "position", "index", "sort", "rank", "sequence"],
    &["phone", "tel", "telephone", "mobile"],
    &["address", "addr", "street"],
    &["zip", "postal", "postcode", "zipcode"],
    &["token", "secret", "key"],
    &["metadata", "meta", "attribute", "property", "prop", "element", "data", "param"],
    &["config", "configuration", "setting", "option", "preference"],
    &["enable", "active"],
    &["log", "record", "entry", "event"],
    &["item", "asset", "resource", "product"],
    &["session", "thread", "conversation", "chat"],
    &["input", "request", "payload"],
    &["output", "response", "result"],
    &["file", "document", "attachment"],
    &["tag", "label", "keyword"],
    &["filter", "rule", "condition"],
    &["version", "instance", "revision"],
    &["client", "customer", "contact", "person"],
    &["trigger", "event"],
    &["execution", "run", "job"],
    &["region", "area", "subdivision"],
    &["email", "mail"],
    &["password", "passwd", "pwd", "pass"],
    &["birthday", "birthdate", "birth", "dob"],
    &["admin", "administrator"],
    &["reference", "ref"],
    &["organizer", "host"],
];

/// Words that say in which form a value is kept.
const FORMS: &[&str] =
    &["encrypted", "encryption", "obfuscated", "masked", "signed", "compressed", "serialized", "hashed"];

/// Words by which a name says how it refers to something.
const REFERRING: &[&str] = &["id", "uuid", "key", "name", "slug", "code", "number", "email", "hash", "url", "path"];
