//! How much memory is left, for files that stand in it.

use std::fs;

/// Where Linux keeps files in memory.
pub(super) const DIRECTORY: &str = "/dev/shm";

/// A scratch server takes at most this fraction of the memory that is left: other programs need it too.
const SHARE: u64 = 8;

/// Whether files of so many bytes, with what their server needs beside them, are little against the memory that is left.
pub(super) fn takes(bytes: u64) -> bool {
    available().is_some_and(|available| bytes <= available / SHARE)
}

/// Bytes that are left to this process; none where the system does not tell, or a limit of it cannot be read.
fn available() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes: u64 =
        meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?.split_whitespace().next()?.parse().ok()?;
    let machine = kilobytes.saturating_mul(1024);
    match limits() {
        Ok(limits) => Some(limits.into_iter().fold(machine, u64::min)),
        Err(()) => None,
    }
}

/// What the control groups of this process leave it, where they limit it: files in memory count against that, and who exceeds
/// it is killed. Both versions of the kernel's interface, the nearest group and, as containers see it, the root.
fn limits() -> Result<Vec<u64>, ()> {
    let mut left = Vec::new();
    for (folder, limit, used) in groups() {
        let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).ok();
        let Some(limit) = read(limit) else { continue }; // no such group, or the root, which has no limit
        if limit.trim() == "max" {
            continue;
        }
        let number = |text: &str| text.trim().parse::<u64>().map_err(drop);
        left.push(number(&limit)?.saturating_sub(number(&read(used).ok_or(())?)?));
    }
    Ok(left)
}

/// Folders that may hold a limit, with the files that tell it and what is used.
fn groups() -> Vec<(String, &'static str, &'static str)> {
    const ROOTS: [(&str, &str, &str); 2] = [
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ];
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let path = |wanted: fn(&str) -> bool| {
        own.lines().filter_map(|line| line.split_once(':')?.1.split_once(':')).find(|(name, _)| wanted(name))
    };
    let paths = [path(str::is_empty), path(|names| names.split(',').any(|name| name == "memory"))];
    ROOTS
        .into_iter()
        .zip(paths)
        .flat_map(|((root, limit, used), path)| {
            let path = path.map_or("", |(_, path)| path);
            // a limit of any group above counts too
            let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != "..").collect();
            (0..=parts.len()).map(move |count| {
                let below: String = parts[..count].iter().map(|part| format!("/{part}")).collect();
                (format!("{root}{below}"), limit, used)
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_taken_and_more_than_there_is_is_not() {
        let available = available();
        // elsewhere than on Linux nothing tells
        assert_eq!(takes(1), available.is_some_and(|bytes| bytes >= SHARE));
        assert!(!takes(u64::MAX));
        if let Some(bytes) = available {
            assert!(!takes(bytes));
        }
    }
}
