//! Critical queries, `[[verify.query]]`: they must still answer as expected, and about as fast as before.

use std::time::{Duration, Instant};

use postgres::{Client, SimpleQueryMessage};
use serde::Deserialize;

use super::settings;
use crate::database::Failure;
use crate::error::{Error, Result};
use crate::setting::some_seconds;
use crate::sql::quote_identifier;

/// A query without a limit of its own is ended after this time.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The shortest of so many runs counts, as long as they take no longer than this all together.
const RUNS: usize = 3;
const ENOUGH: Duration = Duration::from_secs(2);
/// Differences below this are noise.
const NOISE: Duration = Duration::from_millis(20);

/// One of them: `[[verify.query]]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Query {
    /// What it is called in reports.
    pub name: String,
    /// One statement that reads.
    #[serde(deserialize_with = "settings::statement")]
    pub sql: String,
    /// The first column of the first row, as text; an empty text where there is no row or no value.
    #[serde(default, deserialize_with = "settings::value")]
    pub expect: Option<String>,
    /// How long it may take.
    #[serde(default, rename = "max-seconds", deserialize_with = "some_seconds")]
    pub max: Option<Duration>,
    /// As a multiple of the time before the deploy.
    #[serde(default, rename = "max-times-slower", deserialize_with = "settings::times")]
    pub times_slower: Option<f64>,
}

/// What a query said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    name: String,
    /// The first value, or the server's error.
    value: std::result::Result<String, String>,
    took: Duration,
}

/// What became of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub name: String,
    pub sound: bool,
    /// How long it took, and what is wrong.
    pub notes: Vec<String>,
}

/// Asks each in a read-only transaction.
///
/// # Errors
/// If the connection is lost.
pub(super) fn ask(client: &mut Client, schema: &str, queries: &[Query]) -> Result<Vec<Asked>> {
    let lost = |failure: Failure| Error::failed("could not ask the critical queries").because(failure);
    let mut asked = Vec::new();
    for query in queries {
        let (mut value, mut took, start) = (Ok(String::new()), Duration::MAX, Instant::now());
        for _ in 0..RUNS {
            let run = Instant::now();
            value = once(client, schema, query).map_err(lost)?;
            took = took.min(run.elapsed());
            if value.is_err() || start.elapsed() > ENOUGH {
                break;
            }
        }
        asked.push(Asked { name: query.name.clone(), value, took });
    }
    Ok(asked)
}

fn once(
    client: &mut Client,
    schema: &str,
    query: &Query,
) -> std::result::Result<std::result::Result<String, String>, Failure> {
    // a little longer than allowed: too slow is then told as such
    let limit = query.max.map_or(TIMEOUT, |max| max.saturating_mul(2).max(Duration::from_secs(1)));
    let mut transaction = client.build_transaction().read_only(true).start()?;
    transaction.batch_execute(&format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = '1s'; SET LOCAL search_path = {}",
        limit.as_millis(),
        quote_identifier(schema)
    ))?;
    let answered = transaction.simple_query(&query.sql);
    transaction.rollback()?;
    Ok(match answered {
        Ok(messages) => Ok(messages
            .iter()
            .find_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
                _ => None,
            })
            .unwrap_or_default()),
        Err(error) => Err(Failure::from(error).to_string()),
    })
}

/// Compares with what is expected, and with the time before.
pub(super) fn judge(queries: &[Query], now: &[Asked], before: &[Asked]) -> Vec<Answer> {
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    let judge = |(query, asked): (&Query, &Asked)| {
        let earlier = before.iter().find(|each| each.name == query.name);
        let mut wrong = Vec::new();
        match (&asked.value, &query.expect) {
            (Err(error), _) => match earlier.map(|earlier| &earlier.value) {
                Some(Err(same)) if same == error => wrong.push(format!("fails, as before the deploy: {error}")),
                _ => wrong.push(format!("fails: {error}")),
            },
            (Ok(value), Some(expect)) if value != expect => wrong.push(format!("gives {value:?}, not {expect:?}")),
            _ => {}
        }
        if let Some(max) = query.max.filter(|max| asked.took > *max) {
            wrong.push(format!("takes longer than {}", milliseconds(max)));
        }
        if let (Some(times), Some(earlier)) = (query.times_slower, earlier)
            && asked.took.as_secs_f64() > earlier.took.as_secs_f64() * times
            && asked.took > earlier.took + NOISE
        {
            wrong.push(format!("is more than {times} times as slow as before"));
        }
        let was = earlier.map(|earlier| format!(", {} before", milliseconds(earlier.took))).unwrap_or_default();
        let mut notes = vec![format!("{}{was}", milliseconds(asked.took))];
        let sound = wrong.is_empty();
        notes.extend(wrong);
        Answer { name: query.name.clone(), sound, notes }
    };
    queries.iter().zip(now).map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(expect: Option<&str>, max: Option<u64>, times_slower: Option<f64>) -> Query {
        let max = max.map(Duration::from_millis);
        Query { name: "q".into(), sql: "SELECT 1".into(), expect: expect.map(str::to_owned), max, times_slower }
    }

    fn asked(value: Result<&str, &str>, milliseconds: u64) -> Asked {
        let value = value.map(str::to_owned).map_err(str::to_owned);
        Asked { name: "q".into(), value, took: Duration::from_millis(milliseconds) }
    }

    #[test]
    fn what_is_expected_and_how_long_it_may_take() {
        let sound = |query: Query, now: Asked, before: Option<Asked>| {
            let before: Vec<Asked> = before.into_iter().collect();
            judge(&[query], &[now], &before)[0].sound
        };
        assert!(sound(query(Some("1"), None, None), asked(Ok("1"), 5), None));
        assert!(!sound(query(Some("1"), None, None), asked(Ok("2"), 5), None));
        assert!(!sound(query(None, None, None), asked(Err("no table"), 5), None));
        assert!(!sound(query(None, Some(10), None), asked(Ok("1"), 11), None));
        assert!(sound(query(None, Some(10), None), asked(Ok("1"), 10), None));
        assert!(!sound(query(None, None, Some(2.0)), asked(Ok("1"), 100), Some(asked(Ok("1"), 40))));
        assert!(sound(query(None, None, Some(2.0)), asked(Ok("1"), 15), Some(asked(Ok("1"), 1))), "noise");
        assert!(sound(query(None, None, Some(2.0)), asked(Ok("1"), 500), None), "nothing to compare with");
    }

    #[test]
    fn a_query_is_one_statement() {
        let read = |sql: &str| toml::from_str::<Query>(&format!("name = \"q\"\nsql = {sql:?}\nexpect = 3\n"));
        assert_eq!(read("SELECT 1").unwrap().expect.as_deref(), Some("3"));
        for sql in ["SELECT 1; COMMIT", "", "SELEC 1"] {
            assert!(read(sql).is_err(), "{sql}");
        }
    }
}
