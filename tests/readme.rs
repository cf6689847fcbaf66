//! README.md says what is true: its commands, make targets and exit statuses exist.

use prisma_safe::commands::Cli;
use prisma_safe::exit::Exit;
use prisma_safe::rules::{RULES, Rule};

const README: &str = include_str!("../README.md");

/// The words in backquotes of a table's first column, below this heading.
fn first_column(heading: &str) -> Vec<&'static str> {
    let section = README.split(&format!("\n## {heading}\n")).nth(1).expect(heading).split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_command_it_lists_exists_and_the_other_way_round() {
    let cli = <Cli as clap::CommandFactory>::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let listed: Vec<&str> = first_column("Commands").iter().filter_map(|words| words.split(' ').next()).collect();
    for command in &listed {
        assert!(known.contains(command), "README.md lists `{command}`, which prisma-safe does not know");
    }
    for command in known.iter().filter(|command| **command != "help") {
        assert!(listed.contains(command), "README.md does not list `{command}`");
    }
}

#[test]
fn every_make_target_it_names_exists() {
    let makefile = include_str!("../Makefile");
    let named = README.split("$ make ").skip(1).map(|rest| rest.split_whitespace().next().unwrap());
    let missing: Vec<_> = named.filter(|target| !makefile.contains(&format!("\n{target}:"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn exit_statuses_are_those_of_the_code() {
    let section = README.split("\n## Exit status\n").nth(1).unwrap();
    for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused, Exit::Decision, Exit::Cancelled] {
        assert!(section.contains(&format!("\n| {} |", exit.code())), "{exit:?}");
    }
}

#[test]
fn the_table_of_rules_is_the_registry() {
    let section = README.split("\n## Rules\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |rule: &&Rule| format!("| `{}` | {} | {} |", rule.id, rule.by_default(), rule.summary());
    let known: Vec<String> = RULES.iter().map(row).collect();
    if std::env::var_os("PRISMA_SAFE_WRITE_README").is_some() && listed != known {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
        std::fs::write(path, README.replace(&listed.join("\n"), &known.join("\n"))).unwrap();
        return;
    }
    assert_eq!(listed, known, "PRISMA_SAFE_WRITE_README=1 writes the table");
}
