//! Where agents list the servers of tools that they may start: `prisma-safe mcp` among them.

use serde_json::json;

use crate::error::Result;

/// The server's name there.
const NAME: &str = "prisma-safe";

/// A file that lists servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Registry {
    pub file: &'static str,
    /// The object that holds them.
    pub key: &'static str,
}

/// The list with our server; all else stays, in its order, also a server of that name. `directory` is the project's, from where the
/// agent starts it.
///
/// # Errors
/// Exit status 2 where the file is something else.
pub(super) fn with_server(registry: Registry, text: Option<&str>, directory: &str) -> Result<String> {
    let Registry { file, key } = registry;
    let wrong = || super::wrong(file, &format!("an object {key}"));
    let mut list = super::json_of(text, wrong)?;
    let root = list.as_object_mut().ok_or_else(wrong)?;
    let servers = root.entry(key).or_insert_with(|| json!({})).as_object_mut().ok_or_else(wrong)?;
    if let (true, Some(text)) = (servers.contains_key(NAME), text) {
        return Ok(text.to_owned());
    }
    let mut words = vec!["--no-install", "prisma-safe"];
    if !directory.is_empty() {
        words.extend(["-C", directory]);
    }
    words.push("mcp");
    servers.insert(NAME.into(), json!({ "type": "stdio", "command": "npx", "args": words }));
    Ok(format!("{list:#}\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn other_servers_stay_and_ours_is_added_once() {
        let registry = Registry { file: ".mcp.json", key: "mcpServers" };
        let text = r#"{"mcpServers":{"files":{"command":"x"}},"more":1}"#;
        let once = with_server(registry, Some(text), "packages/db").unwrap();
        let list: Value = serde_json::from_str(&once).unwrap();
        assert_eq!((&list["mcpServers"]["files"]["command"], &list["more"]), (&"x".into(), &1.into()));
        let words = json!(["--no-install", "prisma-safe", "-C", "packages/db", "mcp"]);
        assert_eq!(list["mcpServers"]["prisma-safe"]["args"], words);
        assert_eq!(with_server(registry, Some(&once), "").unwrap(), once, "a person may have changed it");
        assert_eq!(with_server(registry, None, "").unwrap(), with_server(registry, Some(" "), "").unwrap());
        assert!(with_server(registry, Some("{\"mcpServers\":[]}"), "").is_err());
        assert!(with_server(registry, Some("// a comment"), "").is_err());
    }
}
