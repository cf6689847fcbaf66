//! The command line as a whole: it is well formed, its help is what a snapshot holds, and slips are kept apart from Prisma's commands.
#![expect(clippy::format_push_string, reason = "a test writes a text")]

use clap::CommandFactory as _;

use super::Cli;
use super::slip::{PRISMAS, demand_prismas};

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

/// Every page of help in one file, so that a change of words is one difference that can be read.
#[test]
fn the_help_of_every_command() {
    fn pages(command: &mut clap::Command, name: &str, into: &mut String) {
        let page = command.render_long_help().to_string();
        // what every page ends with stands on the first one
        let end = if into.is_empty() { None } else { page.find("\nOptions everywhere:") };
        into.push_str(&format!("$ {name} --help\n{}\n\n", page[..end.unwrap_or(page.len())].trim_end()));
        let names: Vec<String> = command.get_subcommands().map(|own| own.get_name().to_owned()).collect();
        for own in names.iter().filter(|own| *own != "help") {
            if let Some(command) = command.find_subcommand_mut(own) {
                pages(command, &format!("{name} {own}"), into);
            }
        }
    }
    let mut text = String::new();
    let mut command = Cli::command().term_width(100);
    command.build();
    pages(&mut command, "prisma-safe", &mut text);
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    insta::with_settings!({ snapshot_path => "../../tests/snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("help", text.join("\n"));
    });
}

#[test]
fn a_slip_is_told_from_prismas_own() {
    let slip = |word: &str| {
        demand_prismas(&[word.into()], &Cli::command()).err().and_then(|error| error.help_text().map(str::to_owned))
    };
    for (word, meant) in [("moniter", "monitor"), ("docter", "doctor"), ("reveiw", "review"), ("rolback", "rollback")] {
        assert!(slip(word).unwrap_or_default().contains(&format!("prisma-safe {meant}`")), "{word}");
    }
    for word in PRISMAS.iter().chain(&["bootstrap2", "-v", "xyz", "something"]) {
        assert_eq!(slip(word), None, "{word}");
    }
}
