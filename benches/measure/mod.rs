//! Measuring programs side by side: interleaved, medians, as ratios.
//!
//! CPU is what the shell's `times` says of its children, and theirs. It hardly minds what else a machine does; wall time does,
//! and is shown beside it.

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Rounds in which every contender runs once.
const ROUNDS: usize = 9;

/// Seconds of one run.
#[derive(Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// A measured value and its limit.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) what: String,
    pub(crate) value: f64,
    /// The same by wall time, where it is a time.
    pub(crate) wall: Option<f64>,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
}

impl Check {
    pub(crate) fn ratio(what: &str, ours: Cost, theirs: Cost, limit: f64) -> Self {
        let (value, wall) = (ours.cpu / theirs.cpu, Some(ours.wall / theirs.wall));
        Self { what: what.to_owned(), value, wall, limit, unit: "" }
    }
}

/// Prints every check; status 1 if one is over its limit.
pub(crate) fn report(checks: &[Check]) -> ExitCode {
    let width = checks.iter().map(|check| check.what.len()).max().unwrap_or_default();
    for Check { what, value, limit, unit, wall } in checks {
        let verdict = if value <= limit { "ok" } else { "OVER" };
        let kind = if wall.is_some() { "CPU" } else { "   " };
        let wall = wall.map_or_else(String::new, |wall| format!("  wall {wall:6.2}{unit}"));
        println!("{what:<width$}  {kind} {value:6.2}{unit}  (limit {limit}{unit}){wall}  {verdict}");
    }
    if checks.iter().all(|check| check.value <= check.limit) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every contender once a round, so that a busy moment hits all; after one round that only warms up. `command` starts a shell
/// with these arguments; `batch` runs make one measurement, as the shell counts in hundredths of a second; statuses up to
/// `worst` are fine.
pub(crate) fn interleaved<const N: usize>(
    command: &dyn Fn(&[&str]) -> Command,
    batch: u32,
    worst: u8,
    contenders: [&[&str]; N],
) -> [Cost; N] {
    let mut costs = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            let cost = run(command, batch, worst, contender);
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    costs.map(|costs| Cost {
        cpu: median(costs.iter().map(|cost| cost.cpu).collect()),
        wall: median(costs.iter().map(|cost| cost.wall).collect()),
    })
}

fn run(command: &dyn Fn(&[&str]) -> Command, batch: u32, worst: u8, contender: &[&str]) -> Cost {
    let script = "batch=$1 worst=$2; shift 2
        while [ $batch -gt 0 ]; do \"$@\" >/dev/null 2>&1; [ $? -le $worst ] || exit 1; batch=$((batch - 1)); done; times";
    let (batch_text, worst) = (batch.to_string(), worst.to_string());
    let arguments: Vec<&str> = ["-c", script, "sh", &batch_text, &worst].iter().chain(contender).copied().collect();
    let started = Instant::now();
    let output = command(&arguments).stdin(Stdio::null()).output().expect("sh");
    let wall = started.elapsed().as_secs_f64();
    let times = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{:?} failed", contender.first());
    // the second line is the children's: `0m1.230000s 0m0.340000s`
    let cpu: f64 = times.lines().nth(1).expect("two lines").split_whitespace().map(seconds).sum();
    Cost { cpu: cpu / f64::from(batch), wall: wall / f64::from(batch) }
}

/// `1m2.345s`
fn seconds(time: &str) -> f64 {
    let (minutes, seconds) = time.split_once('m').expect("minutes");
    let number = |text: &str| text.trim_end_matches('s').replace(',', ".").parse::<f64>().expect("a number");
    number(minutes) * 60.0 + number(seconds)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
