//! What the machine has: memory and disk, as the system tells. Where it does not, `None`.

use std::fs;
use std::path::Path;

/// Bytes that can still be had without swapping, within the limit of a container.
pub(crate) fn available_memory() -> Option<usize> {
    let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<usize>().ok();
    let (limit, used) =
        (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current"));
    let container = limit.map(|limit| limit.saturating_sub(used.unwrap_or(0)));
    Some(container.map_or(machine, |container| container.min(machine)))
}

/// The most bytes a process has held at once, by its id or `self`.
pub(crate) fn peak_memory(process: &str) -> Option<usize> {
    kilobytes(&fs::read_to_string(format!("/proc/{process}/status")).ok()?, "VmHWM:")
}

/// Free bytes on the disk that holds `path`, which need not exist yet.
pub(crate) fn free_disk(path: &Path) -> Option<usize> {
    let there = path.ancestors().find(|path| path.exists());
    let there = there.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    free_at(there)
}

#[cfg(unix)]
fn free_at(path: &Path) -> Option<usize> {
    let disk = nix::sys::statvfs::statvfs(path).ok()?;
    usize::try_from(disk.blocks_available() as u64 * disk.fragment_size() as u64).ok()
}

#[cfg(not(unix))]
fn free_at(_: &Path) -> Option<usize> {
    None
}

/// The value of a line such as `MemAvailable:   123 kB`, in bytes.
fn kilobytes(text: &str, key: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_key_is_read() {
        let text = "MemTotal:  9 kB\nMemAvailable:   123 kB\n";
        assert_eq!(kilobytes(text, "MemAvailable:"), Some(123 * 1024));
        assert_eq!(kilobytes(text, "VmHWM:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_tells() {
        assert!(available_memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(peak_memory("self").is_some_and(|bytes| bytes > 1 << 20));
        let here = Path::new("not/there/yet");
        assert!(free_disk(here).is_some());
    }
}
