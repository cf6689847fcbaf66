//! The rules of the published SARIF 2.1.0 schema for the members that prisma-safe writes, in our own words: which members
//! an object may and must have, and what each may be. A member that is not listed here is a problem.

use serde_json::Value;

/// What a member may be.
enum Is {
    Text,
    /// A whole number, at least so much.
    Number(i64),
    Boolean,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A relative or absolute URI reference.
    Uri,
    Object(&'static Shape),
    /// A list, each item of this shape; with how many at least.
    List(&'static Shape, usize),
    /// An object with members of any name, each of this shape.
    Map(&'static Shape),
    /// The same with texts.
    Texts,
}

/// An object.
struct Shape {
    required: &'static [&'static str],
    members: &'static [(&'static str, Is)],
}

const LEVELS: &[&str] = &["none", "note", "warning", "error"];

const LOG: Shape = Shape {
    required: &["version", "runs"],
    members: &[("$schema", Is::Uri), ("version", Is::Word(&["2.1.0"])), ("runs", Is::List(&RUN, 0))],
};
const RUN: Shape = Shape {
    required: &["tool"],
    members: &[
        ("tool", Is::Object(&Shape { required: &["driver"], members: &[("driver", Is::Object(&DRIVER))] })),
        ("columnKind", Is::Word(&["utf16CodeUnits", "unicodeCodePoints"])),
        ("originalUriBaseIds", Is::Map(&ARTIFACT)),
        ("invocations", Is::List(&INVOCATION, 0)),
        ("results", Is::List(&RESULT, 0)),
    ],
};
const DRIVER: Shape = Shape {
    required: &["name"],
    members: &[
        ("name", Is::Text),
        ("semanticVersion", Is::Text),
        ("informationUri", Is::Uri),
        ("rules", Is::List(&RULE, 0)),
    ],
};
const RULE: Shape = Shape {
    required: &["id"],
    members: &[
        ("id", Is::Text),
        ("shortDescription", Is::Object(&MULTIFORMAT)),
        ("fullDescription", Is::Object(&MULTIFORMAT)),
        ("help", Is::Object(&MULTIFORMAT)),
        (
            "defaultConfiguration",
            Is::Object(&Shape { required: &[], members: &[("level", Is::Word(LEVELS)), ("enabled", Is::Boolean)] }),
        ),
    ],
};
const MULTIFORMAT: Shape = Shape { required: &["text"], members: &[("text", Is::Text), ("markdown", Is::Text)] };
/// With `id` instead of a text another form of it is possible; we write texts.
const MESSAGE: Shape = Shape { required: &["text"], members: &[("text", Is::Text)] };
const INVOCATION: Shape = Shape {
    required: &["executionSuccessful"],
    members: &[
        ("executionSuccessful", Is::Boolean),
        (
            "toolExecutionNotifications",
            Is::List(
                &Shape {
                    required: &["message"],
                    members: &[("level", Is::Word(LEVELS)), ("message", Is::Object(&MESSAGE))],
                },
                0,
            ),
        ),
    ],
};
const RESULT: Shape = Shape {
    required: &["message"],
    members: &[
        ("ruleId", Is::Text),
        ("ruleIndex", Is::Number(-1)),
        ("level", Is::Word(LEVELS)),
        ("message", Is::Object(&MESSAGE)),
        ("locations", Is::List(&LOCATION, 0)),
        ("partialFingerprints", Is::Texts),
        ("fixes", Is::List(&FIX, 0)),
        ("suppressions", Is::List(&SUPPRESSION, 0)),
    ],
};
const LOCATION: Shape = Shape {
    required: &[],
    members: &[
        ("physicalLocation", Is::Object(&PHYSICAL)),
        ("logicalLocations", Is::List(&Shape { required: &[], members: &[("fullyQualifiedName", Is::Text)] }, 0)),
    ],
};
const PHYSICAL: Shape = Shape {
    required: &["artifactLocation"],
    members: &[("artifactLocation", Is::Object(&ARTIFACT)), ("region", Is::Object(&REGION))],
};
const ARTIFACT: Shape = Shape {
    required: &[],
    members: &[("uri", Is::Uri), ("uriBaseId", Is::Text), ("description", Is::Object(&MESSAGE))],
};
const REGION: Shape = Shape {
    required: &[],
    members: &[
        ("startLine", Is::Number(1)),
        ("startColumn", Is::Number(1)),
        ("endLine", Is::Number(1)),
        ("endColumn", Is::Number(1)),
    ],
};
const FIX: Shape = Shape {
    required: &["artifactChanges"],
    members: &[
        ("description", Is::Object(&MESSAGE)),
        (
            "artifactChanges",
            Is::List(
                &Shape {
                    required: &["artifactLocation", "replacements"],
                    members: &[
                        ("artifactLocation", Is::Object(&ARTIFACT)),
                        ("replacements", Is::List(&REPLACEMENT, 1)),
                    ],
                },
                1,
            ),
        ),
    ],
};
const REPLACEMENT: Shape = Shape {
    required: &["deletedRegion"],
    members: &[
        ("deletedRegion", Is::Object(&REGION)),
        ("insertedContent", Is::Object(&Shape { required: &[], members: &[("text", Is::Text)] })),
    ],
};
const SUPPRESSION: Shape = Shape {
    required: &["kind"],
    members: &[("kind", Is::Word(&["inSource", "external"])), ("justification", Is::Text)],
};

/// Every place of a log that does not keep to the schema.
pub(crate) fn problems(log: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    object(&LOG, log, "$", &mut problems);
    problems
}

fn object(shape: &Shape, value: &Value, at: &str, problems: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return problems.push(format!("{at}: is no object")) };
    let missing = shape.required.iter().filter(|name| !members.contains_key(**name));
    problems.extend(missing.map(|name| format!("{at}: lacks {name}")));
    for (name, member) in members {
        match shape.members.iter().find(|(known, _)| known == name) {
            Some((_, is)) => check(is, member, &format!("{at}.{name}"), problems),
            None => problems.push(format!("{at}: {name} is not known")),
        }
    }
}

fn check(is: &Is, value: &Value, at: &str, problems: &mut Vec<String>) {
    let fits = match is {
        Is::Object(shape) => return object(shape, value, at, problems),
        Is::List(shape, least) => match value.as_array() {
            Some(items) if items.len() >= *least => {
                let unique = items.iter().enumerate().all(|(at, item)| !items[..at].contains(item));
                for (index, item) in items.iter().enumerate() {
                    object(shape, item, &format!("{at}[{index}]"), problems);
                }
                // results may repeat, everything else is a set
                unique || at.ends_with("results")
            }
            _ => false,
        },
        Is::Map(shape) => match value.as_object() {
            Some(members) => {
                return members.iter().for_each(|(name, it)| object(shape, it, &format!("{at}.{name}"), problems));
            }
            None => false,
        },
        Is::Texts => value.as_object().is_some_and(|members| members.values().all(Value::is_string)),
        Is::Text => value.is_string(),
        Is::Boolean => value.is_boolean(),
        Is::Number(least) => value.as_i64().is_some_and(|number| number >= *least),
        Is::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Is::Uri => value.as_str().is_some_and(|uri| {
            !uri.is_empty() && uri.chars().all(|c| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c))
        }),
    };
    if !fits {
        problems.push(format!("{at}: {value} does not fit"));
    }
}
