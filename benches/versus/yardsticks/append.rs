//! Appends of 2 KB to a file, each synced.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

/// In bytes.
const LENGTH: usize = 2048;

/// The median of one append and its `fdatasync`. In seconds.
pub fn median(file: &Path, duration: Duration) -> anyhow::Result<f64> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    let bytes = [b'x'; LENGTH];
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < duration {
        let begun = Instant::now();
        file.write_all(&bytes)?;
        file.sync_data()?;
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(crate::rounds::median(&times))
}
