//! README.md and `docs/` say what is true: every command line is understood, and every link leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, Parser as _};
use prisma_safe::commands::Cli;
use prisma_safe::exit::Exit;
use prisma_safe::rules::{RULES, Rule};

const README: &str = include_str!("../README.md");
const COMMANDS: &str = include_str!("../docs/commands.md");
const RULES_PAGE: &str = include_str!("../docs/rules.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every page with its text, README.md first.
fn pages() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md"), root().join("SECURITY.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// What stands after `$ ` in the blocks marked `console`.
fn command_lines(text: &str) -> impl Iterator<Item = &str> {
    let blocks = text.split("```console\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ "))
}

/// The name that a heading's anchor has on the sites that show these pages.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// The words in backquotes of a page's first column.
fn first_column(page: &str) -> Vec<&str> {
    let rows = page.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|')).skip(2);
    rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_command_is_listed_and_every_listed_one_exists() {
    let cli = Cli::command();
    let known: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let listed: Vec<&str> = first_column(COMMANDS).iter().filter_map(|words| words.split(' ').next()).collect();
    for command in &listed {
        assert!(known.contains(command), "docs/commands.md lists `{command}`, which prisma-safe does not know");
    }
    for command in known.iter().filter(|command| **command != "help") {
        assert!(listed.contains(command), "docs/commands.md does not list `{command}`");
    }
}

#[test]
fn every_command_line_of_the_pages_is_understood() {
    let mut tried = 0;
    for (path, text) in pages() {
        for line in command_lines(&text) {
            let line = line.split(" #").next().unwrap().trim();
            let words = words_of(line);
            if words.first().is_some_and(|word| word == "prisma-safe") {
                let parsed = Cli::try_parse_from(&words);
                assert!(parsed.is_ok(), "{}: `{line}`: {}", path.display(), parsed.err().unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried > 15, "only {tried} command lines were found");
}

/// What pre-commit runs, with the files of a commit behind it.
#[test]
fn the_hook_s_command_line_is_understood() {
    let hooks = include_str!("../.pre-commit-hooks.yaml");
    let entry = hooks.lines().find_map(|line| line.trim().strip_prefix("entry: ")).expect("an entry");
    let words = words_of(entry).into_iter().chain(["1/migration.sql", "2/migration.sql"].map(str::to_owned));
    assert!(Cli::try_parse_from(words).is_ok(), "{entry}");
    assert!(
        !hooks.contains("pass_filenames: false"),
        "of several migrations in a commit only the newest would be reviewed"
    );
}

/// A command line's words; double quotes hold one together.
fn words_of(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect::<Vec<_>>(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading() {
    let headings = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| anchor(line.trim_start_matches('#').trim()))
            .collect()
    };
    for (path, text) in pages() {
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.starts_with("http") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: the link `{link}` leads nowhere", path.display());
            let known = || headings(&fs::read_to_string(&target).unwrap());
            assert!(
                heading.is_empty() || known().contains(&heading.to_owned()),
                "{}: no heading `{link}`",
                path.display()
            );
        }
    }
}

#[test]
fn the_landing_page_stays_short() {
    assert!(README.lines().count() <= 150, "README.md is a landing page: move what explains to docs/");
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
    let section = COMMANDS.split("\n## Exit status\n").nth(1).unwrap();
    for exit in [Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused, Exit::Decision, Exit::Cancelled] {
        assert!(section.contains(&format!("\n| {} |", exit.code())), "{exit:?}");
    }
}

#[test]
fn the_table_of_rules_is_the_registry() {
    let listed: Vec<&str> = RULES_PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |rule: &&Rule| format!("| `{}` | {} | {} |", rule.id, rule.by_default(), rule.summary());
    let known: Vec<String> = RULES.iter().map(row).collect();
    if std::env::var_os("PRISMA_SAFE_WRITE_DOCS").is_some() && listed != known {
        fs::write(root().join("docs/rules.md"), RULES_PAGE.replace(&listed.join("\n"), &known.join("\n"))).unwrap();
        return;
    }
    assert_eq!(listed, known, "PRISMA_SAFE_WRITE_DOCS=1 writes the table");
}
