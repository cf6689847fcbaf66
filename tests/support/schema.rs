//! A small checker for the JSON Schemas in `schemas/`: the keywords they use, and no silence about any other.

use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

/// Checks a document against `schemas/<name>.schema.json`; panics with every place that does not fit.
#[track_caller]
pub(crate) fn assert_valid(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/{name}.schema.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let problems = problems(&schema, document);
    assert!(problems.is_empty(), "{}\n{document:#}", problems.join("\n"));
}

/// Every place that does not fit.
pub(crate) fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    check(schema, schema, document, "$", &mut problems);
    problems
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else { panic!("{at}: a schema is an object") };
    let mut fail = |what: String| problems.push(format!("{at}: {what}"));
    for (keyword, wanted) in keywords {
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            // looked at with `properties` and `required`
            "additionalProperties" => assert_eq!(wanted, false, "only false is understood"),
            "const" if value != wanted => fail(format!("is not {wanted}")),
            "enum" if !list(wanted).contains(value) => fail(format!("{value} is none of {wanted}")),
            "type" if !types(wanted).any(|name| is(value, name)) => fail(format!("{value} is no {wanted}")),
            "minimum" if value.as_f64() < wanted.as_f64() => fail(format!("{value} is below {wanted}")),
            "minLength"
                if value.as_str().is_some_and(|text| (text.len() as u64) < wanted.as_u64().expect("a length")) =>
            {
                fail("is too short".into());
            }
            "pattern" if value.as_str().is_some_and(|text| !pattern(wanted).is_match(text)) => {
                fail(format!("{value} does not match {wanted}"));
            }
            "required" if value.is_object() => {
                for name in list(wanted).iter().filter(|name| value.get(name.as_str().expect("a name")).is_none()) {
                    fail(format!("lacks {name}"));
                }
            }
            "dependentRequired" => {
                for (name, needed) in
                    wanted.as_object().expect("an object").iter().filter(|(name, _)| value.get(name).is_some())
                {
                    for needed in
                        list(needed).iter().filter(|needed| value.get(needed.as_str().expect("a name")).is_none())
                    {
                        fail(format!("has {name} but lacks {needed}"));
                    }
                }
            }
            "const" | "enum" | "type" | "minimum" | "minLength" | "pattern" | "required" => {}
            "properties" | "items" | "$ref" => {}
            other => panic!("{at}: the checker does not know `{other}`"),
        }
    }
    inside(root, keywords, value, at, problems);
}

/// Goes on into members and items.
fn inside(
    root: &Value,
    keywords: &serde_json::Map<String, Value>,
    value: &Value,
    at: &str,
    problems: &mut Vec<String>,
) {
    if let Some(path) = keywords.get("$ref") {
        let pointer = path.as_str().and_then(|path| path.strip_prefix('#')).expect("a reference within the schema");
        check(root, root.pointer(pointer).expect("what is referred to"), value, at, problems);
    }
    if let (Some(known), Some(members)) = (keywords.get("properties"), value.as_object()) {
        for (name, member) in members {
            match known.get(name) {
                Some(schema) => check(root, schema, member, &format!("{at}.{name}"), problems),
                None if keywords.contains_key("additionalProperties") => {
                    problems.push(format!("{at}: {name} is not known"));
                }
                None => {}
            }
        }
    }
    if let (Some(schema), Some(items)) = (keywords.get("items"), value.as_array()) {
        for (index, item) in items.iter().enumerate() {
            check(root, schema, item, &format!("{at}[{index}]"), problems);
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn types(value: &Value) -> impl Iterator<Item = &str> {
    let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(several.iter().filter_map(Value::as_str))
}

fn pattern(value: &Value) -> Regex {
    Regex::new(value.as_str().expect("a pattern")).expect("a pattern")
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("the checker does not know the type {other}"),
    }
}
