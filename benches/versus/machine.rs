//! Where and with what was measured.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::process::run;
use crate::yardsticks::{etcd, nginx};

/// What else kept the machine busy in the last minute: processes that ran or waited for the disk.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Lines of a Markdown list. `load` is what [`load`] told before the first measurement.
pub fn describe(folder: &Path, load: &str) -> String {
    let unknown = || "unknown".to_owned();
    let cores = std::thread::available_parallelism().map_or_else(|_| unknown(), |cores| cores.to_string());
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map(|rest| rest.trim_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_else(|_| unknown());
    let file_system =
        run(Command::new("df").arg("--output=fstype").arg(folder)).unwrap_or_else(|_| unknown());
    let version = |command: &mut Command| {
        let said = run(command).unwrap_or_else(|_| unknown());
        said.lines().next().unwrap_or_default().to_owned()
    };
    let installed = |program: Option<std::path::PathBuf>, flag: &str, missing: &str| match program {
        Some(program) => version(Command::new(program).arg(flag)),
        None => missing.to_owned(),
    };
    let mut settings: Vec<String> = std::env::vars()
        .filter(|(name, _)| name.starts_with("REVCONF_"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    settings.sort();
    let settings = if settings.is_empty() { "the defaults".to_owned() } else { settings.join(", ") };
    [
        format!("date: {}; load before: {load}", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC")),
        format!(
            "machine: {cores} cores, {}, Linux {}, {}",
            processor.unwrap_or("unknown"),
            kernel.trim(),
            file_system.lines().last().unwrap_or_default()
        ),
        format!(
            "service: {}, with {settings}",
            version(Command::new(crate::service::program()).arg("--version"))
        ),
        format!("git: {}", version(Command::new("git").arg("--version"))),
        format!("nginx: {}", installed(nginx::program(), "-v", nginx::MISSING)),
        format!("etcd: {}", installed(etcd::program(), "--version", etcd::MISSING)),
    ]
    .iter()
    .map(|line| format!("- {line}\n"))
    .collect()
}
