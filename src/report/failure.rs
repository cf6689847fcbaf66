//! The document of a command that was asked for JSON and failed before it had its own.

use std::ffi::OsString;

use serde_json::json;

use crate::error::Error;
use crate::exit::Exit;

/// Whether the command line asks for a JSON document on stdout.
pub fn is_asked(args: &[OsString]) -> bool {
    let words: Vec<_> = args.iter().map_while(|word| word.to_str().filter(|word| *word != "--")).collect();
    let elsewhere = words.iter().any(|word| *word == "--output" || word.starts_with("--output="));
    !elsewhere && (words.contains(&"--format=json") || words.windows(2).any(|pair| pair == ["--format", "json"]))
}

/// What stderr says, as a document.
pub fn document(error: &Error, exit: Exit) -> String {
    let document = json!({
        "schemaVersion": 1,
        "error": { "message": error.to_string(), "causes": error.causes(), "help": error.help_text() },
        "exitStatus": exit.code(),
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_by_the_option_alone() {
        let asked = |line: &str| is_asked(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asked("prisma-safe review --format json") && asked("prisma-safe review --format=json --all"));
        assert!(!asked("prisma-safe review --format html") && !asked("prisma-safe review -- --format json"));
        assert!(!asked("prisma-safe review --format json --output review.json"));
    }
}
