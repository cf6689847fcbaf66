//! What words of schemas have to do with each other. General English and database words only: none is there for one project.

/// Words that say little: two names that share only these are not alike.
pub(super) const WEAK: &[&str] = &[
    "id", "uuid", "key", "at", "on", "by", "is", "has", "was", "the", "of", "to", "for", "in", "name", "type", "date",
    "time", "value", "data", "count", "number", "no", "num", "url", "text", "flag", "json", "str", "list",
];

/// Words that exclude each other: a name that swaps one for the other means something else.
pub(super) const OPPOSITE: &[(&str, &str)] = &[
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
pub(super) const UNITS: &[&str] = &[
    "ms", "millis", "sec", "second", "minute", "min", "mins", "hour", "day", "week", "month", "year", "cent", "dollar",
    "euro", "kb", "mb", "gb", "byte", "km", "mile", "meter", "cm", "mm", "kg", "gram", "percent", "ratio", "ns",
];

/// Words that mean the same thing in a schema.
pub(super) const SAME: &[&[&str]] = &[
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
pub(super) const FORMS: &[&str] =
    &["encrypted", "encryption", "obfuscated", "masked", "signed", "compressed", "serialized", "hashed"];
