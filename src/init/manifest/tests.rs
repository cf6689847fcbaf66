use super::*;

fn after(text: &str) -> String {
    let once = rewire(text).unwrap().text;
    serde_json::from_str::<Value>(once.trim_start_matches('\u{feff}')).unwrap();
    assert_eq!(rewire(&once).unwrap().text, once, "twice");
    once
}

#[test]
fn scripts_are_rewired_and_every_other_byte_stays() {
    let text = "{\n\t\"name\":\"music\",   \"private\" : true,\n\t\"scripts\": {\n\t\t\"migrate\":  \"prisma migrate deploy\",\n\
                \t\t\"seed\": \"prisma db seed \\u0026\\u0026 echo \\\"prisma migrate dev\\\"\"\n\t},\n\t\"x\": [1,  2]\n}\n";
    let expected = "{\n\t\"name\":\"music\",   \"private\" : true,\n\t\"scripts\": {\n\t\t\"migrate\":  \"prisma-safe migrate deploy\",\n\
                \t\t\"seed\": \"prisma-safe db seed \\u0026\\u0026 echo \\\"prisma migrate dev\\\"\",\n\
                \t\t\"prod:backup\": \"prisma-safe backup\"\n\t},\n\t\"x\": [1,  2]\n}\n";
    assert_eq!(after(text), expected);
}

#[test]
fn only_the_projects_own_scripts_are_touched() {
    let text = r#"{"prisma": {"seed": "prisma db seed"}, "nested": {"scripts": {"a": "prisma migrate deploy"}}, "scripts": {"b": "x"}}"#;
    assert_eq!(after(text), text.replace(r#""b": "x""#, r#""b": "x", "prod:backup": "prisma-safe backup""#));
}

#[test]
fn scripts_are_added_where_there_are_none() {
    assert_eq!(
        after("{\n    \"name\": \"music\"\n}\n"),
        "{\n    \"name\": \"music\",\n    \"scripts\": {\n        \"prod:backup\": \"prisma-safe backup\"\n    }\n}\n"
    );
    assert_eq!(
        after("{\r\n  \"scripts\": {}\r\n}\r\n"),
        "{\r\n  \"scripts\": {\r\n    \"prod:backup\": \"prisma-safe backup\"\r\n  }\r\n}\r\n"
    );
    assert!(after("{}").contains("prod:backup"));
    assert!(after("\u{feff}{\"name\": \"é\"}").starts_with("\u{feff}{\"name\": \"é\", \"scripts\""));
}

#[test]
fn a_backup_script_of_the_projects_own_stays() {
    let text = r#"{"scripts": {"prod:backup": "pg_dump -f backups/x.sql"}}"#;
    let rewired = rewire(text).unwrap();
    assert_eq!(rewired.text, text);
    assert_eq!(rewired.notes.len(), 1);
    let pinned =
        rewire(r#"{"scripts": {"prod:backup": "prisma-safe backup", "m": "npx prisma@6 migrate deploy"}}"#).unwrap();
    assert!(pinned.text.contains("npx prisma@6 migrate deploy"));
    assert!(pinned.notes[0].contains("`m`"), "{:?}", pinned.notes);
}

#[test]
fn broken_json_is_a_usage_error() {
    for text in ["", "{", "[]", "{\"scripts\": 1}", "{'scripts': {}}"] {
        assert_eq!(rewire(text).unwrap_err().exit().code(), 2, "{text}");
    }
}

proptest::proptest! {
    /// Whatever stands in package.json: it stays valid, and only scripts differ.
    #[test]
    fn the_rest_of_any_manifest_stays(name in ".*", script in ".*", pretty in proptest::bool::ANY) {
        let value = serde_json::json!({ "name": name, "scripts": { name.as_str(): script, "m": "prisma migrate deploy" }, "z": [name, 1.5, null] });
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let once = rewire(&text).unwrap().text;
        let mut read: Value = serde_json::from_str(&once).unwrap();
        proptest::prop_assert_eq!(&read["scripts"]["m"], "prisma-safe migrate deploy");
        proptest::prop_assert_eq!(read["scripts"]["prod:backup"].is_string(), true);
        for (one, other) in read["scripts"].as_object_mut().unwrap().iter().zip(value["scripts"].as_object().unwrap()) {
            proptest::prop_assert_eq!(one.0, other.0);
        }
        read["scripts"] = value["scripts"].clone();
        proptest::prop_assert_eq!(&read, &value);
        proptest::prop_assert_eq!(&rewire(&once).unwrap().text, &once);
    }
}
