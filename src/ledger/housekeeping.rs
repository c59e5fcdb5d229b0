//! Whether an operator's `git gc` is at work, which must find every pack where it was when it began.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What `git gc` keeps beside the repository's refs while it works: the id of its process, and its machine.
const FILE: &str = "gc.pid";
/// git itself takes no notice of an older one that it cannot ask about.
const OLDEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Whether a `git gc` is at work in the repository.
pub fn is_under_way(repository: &Path) -> bool {
    let path = repository.join(FILE);
    let Ok(text) = fs::read_to_string(&path) else { return false };
    let (id, machine) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let here = fs::read_to_string("/proc/sys/kernel/hostname").is_ok_and(|name| name.trim() == machine);
    if here {
        return id.bytes().all(|digit| digit.is_ascii_digit()) && Path::new("/proc").join(id).exists();
    }
    let written = fs::metadata(&path).and_then(|found| found.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|age| age < OLDEST))
}
