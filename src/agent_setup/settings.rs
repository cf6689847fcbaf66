//! Claude Code's settings: a hook before every command of its shell.

use serde_json::json;

use crate::error::Result;

/// Where they are.
pub(super) const FILE: &str = ".claude/settings.json";
/// What the hook runs.
const COMMAND: &str = "npx --no-install prisma-safe agent hook";
/// How our hook is recognised, whichever way it is started.
const MARK: &str = "prisma-safe agent hook";

/// The settings with our hook; all else stays, in its order.
///
/// # Errors
/// Exit status 2 if they are not what Claude Code writes.
pub(super) fn with_hook(text: Option<&str>) -> Result<String> {
    let wrong = || super::wrong(FILE, "a list hooks.PreToolUse");
    let mut settings = super::json_of(text, wrong)?;
    let root = settings.as_object_mut().ok_or_else(wrong)?;
    let hooks = root.entry("hooks").or_insert_with(|| json!({})).as_object_mut().ok_or_else(wrong)?;
    let before = hooks.entry("PreToolUse").or_insert_with(|| json!([])).as_array_mut().ok_or_else(wrong)?;
    let is_there = before.iter().any(|each| {
        let commands = each["hooks"].as_array().into_iter().flatten();
        commands.filter_map(|hook| hook["command"].as_str()).any(|command| command.contains(MARK))
    });
    if let (true, Some(text)) = (is_there, text) {
        return Ok(text.to_owned());
    }
    before.push(json!({ "matcher": "Bash", "hooks": [{ "type": "command", "command": COMMAND }] }));
    Ok(format!("{settings:#}\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn other_settings_and_hooks_stay() {
        let text = r#"{"model":"x","hooks":{"PreToolUse":[{"matcher":"Edit","hooks":[]}],"Stop":[]}}"#;
        let once = with_hook(Some(text)).unwrap();
        let settings: Value = serde_json::from_str(&once).unwrap();
        assert_eq!((&settings["model"], &settings["hooks"]["PreToolUse"][0]["matcher"]), (&"x".into(), &"Edit".into()));
        assert_eq!(settings["hooks"]["PreToolUse"][1]["hooks"][0]["command"], COMMAND);
        assert_eq!(with_hook(Some(&once)).unwrap(), once);
        assert_eq!(with_hook(None).unwrap(), with_hook(Some("")).unwrap());
        assert!(with_hook(Some("{\"hooks\":[]}")).is_err());
        assert!(with_hook(Some("{")).is_err());
    }
}
