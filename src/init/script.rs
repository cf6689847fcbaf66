//! Where a package.json script calls Prisma for a database: those words become `prisma-safe`.
//!
//! An overlooked call deploys without a safeguard, and wrappers are many (`dotenv -e .env --`, `cross-env A=b`, `doppler run --`),
//! so a call is known by what follows it: a word `prisma` before `migrate` or `db`, anywhere in a command that runs something.
//! `generate`, `studio` and the rest stay: they run where prisma-safe may not be installed, in a `postinstall` say.

use std::ops::Range;

/// A place in a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// The bytes of `prisma` or `prisma7`.
    pub(super) at: Range<usize>,
    /// `npx prisma@6 …`: a version chosen on the spot is left alone.
    pub(super) pinned: bool,
}

/// Commands whose words are not commands themselves.
const TALK: &[&str] =
    &["echo", "printf", "git", "cd", "rm", "rimraf", "mkdir", "cp", "#", "grep", "egrep", "rg", "sed", "awk"];

/// Words of the shell's own that stand before a command.
const KEYWORDS: &[&str] = &["if", "elif", "then", "else", "while", "until", "do", "!"];

/// Commands whose quoted words are programs in another language.
const INTERPRETERS: &[&str] = &["node", "tsx", "ts-node", "python", "python3", "psql"];

/// What runs the word after it. Of these, the last few would rather run a script of that name.
const RUNNERS: &[&str] = &["--", "npx", "bunx", "pnpx", "exec", "dlx", "x", "--bun", "-y", "yarn", "pnpm", "bun"];
const SCRIPT_RUNNERS: &[&str] = &["yarn", "pnpm", "bun", "run"];

/// Every call in a script, in order. `shadowed`: the project has a script of the name `prisma`, which `yarn prisma` would run.
pub(super) fn calls(script: &str, shadowed: bool) -> Vec<Call> {
    let mut calls = Vec::new();
    for command in commands(script) {
        let word = |at: usize| command.get(at).map(|range| &script[range.clone()]);
        let begins = |word: &&str| !is_assignment(word) && !KEYWORDS.contains(word);
        let Some(first) = (0..).map_while(word).find(begins) else { continue };
        if TALK.contains(&first) {
            continue;
        }
        for (at, range) in command.iter().enumerate() {
            if let Some(nested) = quoted(&script[range.clone()]) {
                if INTERPRETERS.contains(&first) {
                    continue;
                }
                let offset = range.start + 1;
                calls.extend(
                    self::calls(nested, shadowed)
                        .into_iter()
                        .map(|call| Call { at: call.at.start + offset..call.at.end + offset, ..call }),
                );
                continue;
            }
            let Some((name, pinned)) = prisma(&script[range.clone()]) else { continue };
            let before: Vec<&str> = command[..at].iter().map(|range| &script[range.clone()]).collect();
            let touches_database = match subcommand(command[at + 1..].iter().map(|range| &script[range.clone()])) {
                Some(subcommand) => matches!(subcommand, "migrate" | "db"),
                // an alias: its caller adds the command
                None => runs_next(&before),
            };
            if touches_database && !names_script(&before, shadowed) {
                let start = range.start + name.start;
                calls.push(Call { at: start..range.start + name.end, pinned });
            }
        }
    }
    calls
}

/// `prisma`, `prisma7`, `node_modules/.bin/prisma`, `prisma@6`: the bytes of the name, and whether a version follows.
fn prisma(word: &str) -> Option<(Range<usize>, bool)> {
    let start = match word.rfind('/') {
        Some(slash) if word[..slash].ends_with(".bin") => slash + 1,
        Some(_) => return None,
        None => 0,
    };
    let (name, pinned) = match word[start..].split_once('@') {
        Some((name, _)) => (name, true),
        None => (&word[start..], false),
    };
    matches!(name, "prisma" | "prisma7").then(|| (start..start + name.len(), pinned))
}

/// The first word that is not an option.
fn subcommand<'a>(words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut words = words.skip_while(|word| *word == "--");
    while let Some(word) = words.next() {
        match word {
            "--schema" | "--config" => {
                words.next();
            }
            option if option.starts_with('-') => {}
            word => return Some(word),
        }
    }
    None
}

/// Whether the word after these is a command.
fn runs_next(before: &[&str]) -> bool {
    let last = before.iter().rev().find(|word| !is_assignment(word));
    last.is_none_or(|word| RUNNERS.contains(word) || matches!(*word, "env" | "cross-env"))
}

/// Whether the word after these is the name of a script: that script is rewired, not its name.
fn names_script(before: &[&str], shadowed: bool) -> bool {
    match before {
        [.., "npm" | "pnpm", "run" | "run-script"] => true,
        [.., last] => shadowed && SCRIPT_RUNNERS.contains(last),
        [] => false,
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    })
}

/// The inside of a word that is one quoted piece: `concurrently "prisma db push" "next dev"`.
fn quoted(word: &str) -> Option<&str> {
    let quote = word.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    let inside = word[1..].strip_suffix(quote)?;
    (!inside.contains([quote, '\\'])).then_some(inside)
}

/// The simple commands of a script, each as its words' byte ranges; quotes stay in.
fn commands(script: &str) -> Vec<Vec<Range<usize>>> {
    let mut commands = vec![Vec::new()];
    let mut start = None;
    let mut quote = None;
    let mut letters = script.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let ends_command = match (quote, letter) {
            (Some(open), letter) => {
                if letter == open {
                    quote = None;
                } else if letter == '\\' && open == '"' {
                    letters.next();
                }
                continue;
            }
            (None, '"' | '\'') => {
                quote = Some(letter);
                start.get_or_insert(at);
                continue;
            }
            (None, '\\') => {
                letters.next();
                start.get_or_insert(at);
                continue;
            }
            // `2>&1` ends no command
            (None, '&') if script[..at].ends_with(['>', '<']) => continue,
            (None, '&' | '|' | ';' | '\n' | '(' | ')' | '`') => true,
            (None, letter) if letter.is_whitespace() => false,
            (None, _) => {
                start.get_or_insert(at);
                continue;
            }
        };
        end_word(&mut commands, start.take(), at);
        if ends_command {
            commands.push(Vec::new());
        }
    }
    end_word(&mut commands, start, script.len());
    commands
}

fn end_word(commands: &mut [Vec<Range<usize>>], start: Option<usize>, end: usize) {
    if let (Some(start), Some(command)) = (start, commands.last_mut()) {
        command.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewired(script: &str, shadowed: bool) -> String {
        let mut text = script.to_owned();
        for call in calls(script, shadowed).into_iter().rev().filter(|call| !call.pinned) {
            text.replace_range(call.at, "prisma-safe");
        }
        text
    }

    #[test]
    fn calls_are_found_wherever_they_stand() {
        for (before, after) in [
            ("prisma migrate deploy", "prisma-safe migrate deploy"),
            ("npx prisma migrate deploy", "npx prisma-safe migrate deploy"),
            ("npx --yes prisma migrate dev --name x", "npx --yes prisma-safe migrate dev --name x"),
            ("pnpm prisma migrate deploy", "pnpm prisma-safe migrate deploy"),
            ("pnpm exec prisma migrate deploy", "pnpm exec prisma-safe migrate deploy"),
            ("pnpm --filter api prisma migrate deploy", "pnpm --filter api prisma-safe migrate deploy"),
            ("yarn prisma db push", "yarn prisma-safe db push"),
            ("yarn run prisma migrate reset", "yarn run prisma-safe migrate reset"),
            ("bunx --bun prisma migrate status", "bunx --bun prisma-safe migrate status"),
            ("npm exec -- prisma db execute --file x", "npm exec -- prisma-safe db execute --file x"),
            ("prisma7 migrate deploy", "prisma-safe migrate deploy"),
            ("./node_modules/.bin/prisma migrate deploy", "./node_modules/.bin/prisma-safe migrate deploy"),
            ("prisma --schema prisma/s.prisma migrate deploy", "prisma-safe --schema prisma/s.prisma migrate deploy"),
            ("prisma --config=a.ts migrate deploy", "prisma-safe --config=a.ts migrate deploy"),
            ("dotenv -e .env.prod -- prisma migrate deploy", "dotenv -e .env.prod -- prisma-safe migrate deploy"),
            ("dotenv -e .env prisma migrate deploy", "dotenv -e .env prisma-safe migrate deploy"),
            ("DATABASE_URL=$PROD prisma migrate deploy", "DATABASE_URL=$PROD prisma-safe migrate deploy"),
            ("cross-env A=b npx prisma migrate deploy", "cross-env A=b npx prisma-safe migrate deploy"),
            ("doppler run -- prisma migrate deploy", "doppler run -- prisma-safe migrate deploy"),
            (
                "prisma generate && prisma migrate deploy && next build",
                "prisma generate && prisma-safe migrate deploy && next build",
            ),
            ("tsc;prisma migrate deploy||exit 1", "tsc;prisma-safe migrate deploy||exit 1"),
            ("prisma migrate deploy 2>&1 | tee log", "prisma-safe migrate deploy 2>&1 | tee log"),
            ("(cd db && prisma migrate deploy)", "(cd db && prisma-safe migrate deploy)"),
            ("sh -c 'prisma migrate deploy && node .'", "sh -c 'prisma-safe migrate deploy && node .'"),
            ("concurrently \"prisma db push\" \"next dev\"", "concurrently \"prisma-safe db push\" \"next dev\""),
            (
                "node --env-file=.env node_modules/.bin/prisma db push",
                "node --env-file=.env node_modules/.bin/prisma-safe db push",
            ),
            ("dotenv -e .env -- prisma", "dotenv -e .env -- prisma-safe"),
            ("prisma", "prisma-safe"),
            ("npx prisma", "npx prisma-safe"),
        ] {
            assert_eq!(rewired(before, false), after);
            assert_eq!(rewired(after, false), after, "twice");
        }
    }

    #[test]
    fn what_is_no_call_stays() {
        for script in [
            "prisma-foo migrate deploy",
            "prisma-safe migrate deploy",
            "prisma generate",
            "prisma studio --port 5555",
            "npm install prisma",
            "cd prisma && ls",
            "cd prisma",
            "rimraf prisma",
            "echo \"run prisma migrate deploy\"",
            "echo prisma migrate deploy",
            "git commit -m 'prisma migrate deploy'",
            "tsx prisma/migrate.ts deploy",
            "./scripts/prisma migrate deploy",
            "npm run prisma migrate deploy",
            "npm run prisma:migrate",
            "nodemon --watch prisma",
            "node -e \"console.log('prisma migrate deploy')\"",
            "unterminated \"prisma migrate",
            "",
        ] {
            assert_eq!(rewired(script, false), script);
        }
    }

    #[test]
    fn a_script_named_prisma_is_not_renamed_in_its_callers() {
        assert_eq!(rewired("yarn prisma migrate deploy", true), "yarn prisma migrate deploy");
        assert_eq!(rewired("pnpm run prisma migrate deploy", true), "pnpm run prisma migrate deploy");
        assert_eq!(rewired("npx prisma migrate deploy", true), "npx prisma-safe migrate deploy");
    }

    #[test]
    fn a_chosen_version_is_told_apart() {
        assert_eq!(calls("npx prisma@6.19 migrate deploy", false), [Call { at: 4..10, pinned: true }]);
    }

    proptest::proptest! {
        #[test]
        fn any_script_is_read_without_panic_and_found_words_are_prisma(script in "[a-z ='\"\\\\&|;()é@/-]{0,30}(prisma migrate)?.{0,20}") {
            for call in calls(&script, false) {
                proptest::prop_assert!(matches!(&script[call.at], "prisma" | "prisma7"));
            }
        }
    }
}
