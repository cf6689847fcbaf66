//! What a run of a program costs. CPU is what the shell's `times` says of its children, and theirs: it hardly minds what else
//! a machine does. Wall time does, and is shown beside it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds of one run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu: f64,
    pub(crate) wall: f64,
}

/// Runs its arguments as often as the first one says, then tells what they took. `status` is what an end with a status
/// other than 0 leads to.
pub(crate) fn script(status: &str) -> String {
    format!(
        "batch=$1; shift; while [ $batch -gt 0 ]; do \"$@\" >/dev/null 2>&1 || {status}; batch=$((batch - 1)); done; times"
    )
}

/// Starts a shell with [`script`], and gives the cost of one run.
pub(crate) fn measure(mut shell: Command, batch: u32) -> Cost {
    let started = Instant::now();
    let output = shell.stdin(Stdio::null()).output().expect("sh");
    let wall = started.elapsed().as_secs_f64();
    let times = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shell:?} failed");
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

/// Megabytes that the largest process held at its peak while a program ran, as the kernel tells whoever waits for it; of the
/// programs it started itself too, if it waited for them. `python` is any Python.
pub(crate) fn peak(python: &Path, mut shell: impl FnMut(&Path) -> Command, program: &[String]) -> f64 {
    let script = "import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let output = shell(python).args(["-c", script]).args(program).output();
    let printed = String::from_utf8(output.expect("Python").stdout).expect("a number");
    let size: f64 = printed.trim().parse().expect("a number");
    // kilobytes on Linux, bytes on macOS
    if cfg!(target_os = "macos") { size / 1e6 } else { size / 1e3 }
}

/// The median of CPU and of wall time.
pub(crate) fn median(costs: &[Cost]) -> Cost {
    let middle = |of: fn(&Cost) -> f64| {
        let mut values: Vec<f64> = costs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Cost { cpu: middle(|cost| cost.cpu), wall: middle(|cost| cost.wall) }
}
