//! Writes at full load for minutes: whether the repository stays in order, and writes stay as fast as they were.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::{Bench, CLIENTS, ENTRIES};
use crate::documents::Changes;
use crate::histories::{Shape, copy, on_disk};
use crate::load::{Load, Report, percentile};
use crate::process;
use crate::service::Service;
use crate::table::{Figures, Mark, Row, Unit, grouped};

/// Between two looks at the packs.
const LOOK: Duration = Duration::from_millis(100);
/// A repository that did not change for so long is not being maintained any more.
const CALM: Duration = Duration::from_secs(5);
/// Maintenance that takes longer is not waited for.
const MAINTAINED_WITHIN: Duration = Duration::from_secs(120);

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let (whole, window) = (bench.plan.endurance, bench.plan.window);
    let data = bench.data(Shape::base(ENTRIES))?;
    let repository = data.join("repository.git");
    let service = Service::start(&data, &[])?;
    eprintln!("writes for {whole:?}");
    let mut changes = Changes::of(ENTRIES, 7);
    let load = Load { address: service.address, clients: CLIENTS, duration: whole };
    let (report, most_packs) = watching(&repository, || {
        load.run(|out| {
            let (entry, revision) = changes.next();
            bench.documents.write_put(entry, revision, out);
        })
    })?;
    let report = bench.noted(report);
    wait_for_calm(&repository)?;
    service.stop()?;
    bench.settle()?;
    let ours = on_disk(&repository)? as f64;
    eprintln!("git gc of a copy");
    let packed = bench.place("packed")?;
    copy(&repository, &packed)?;
    process::run(process::git(&packed).args(["gc", "--quiet", "--prune=now"]))?;
    let gits = on_disk(&packed)? as f64;

    let late = (report.duration.saturating_sub(window)).as_micros() as u32;
    let early = window.as_micros() as u32;
    let first = percentile(report.answers.iter().filter(|answer| answer.at < early), 0.99);
    let last = percentile(report.answers.iter().filter(|answer| answer.at >= late), 0.99);
    let figures = |name: &str, figure| Figures { name: name.to_owned(), figures: figure };
    let what =
        format!("PUT of one of {} entries, {CLIENTS} clients, for {whole:?}", grouped(f64::from(ENTRIES)));
    Ok(vec![
        Row::plain(&figures(&what, &[report.rate()]), Unit::PerSecond, None),
        Row::compared(
            &figures(&format!("its p99 in the last {window:?}"), &[last]),
            &figures(&format!("the first {window:?}"), &[first]),
            Unit::Seconds,
            Some(Mark::RatioAtMost(2.0)),
        ),
        Row::plain(
            &figures("most packs at any time", &[most_packs]),
            Unit::Count,
            Some(Mark::FigureAtMost(50.0)),
        ),
        Row::compared(
            &figures("disk after maintenance", &[ours]),
            &figures("after `git gc`", &[gits]),
            Unit::Bytes,
            Some(Mark::RatioAtMost(1.5)),
        ),
    ])
}

/// Runs a load, and counts the packs meanwhile.
fn watching(
    repository: &Path,
    load: impl FnOnce() -> anyhow::Result<Report>,
) -> anyhow::Result<(Report, f64)> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = most.max(packs(repository)?);
                process::rest(LOOK);
            }
            Ok::<_, anyhow::Error>(most)
        });
        let report = load();
        over.store(true, Ordering::Relaxed);
        let most = watch.join().map_err(|_| anyhow!("counting the packs failed"))??;
        Ok((report?, most as f64))
    })
}

fn packs(repository: &Path) -> anyhow::Result<usize> {
    let files = fs::read_dir(repository.join("objects/pack"))?;
    let packs = files.filter(|file| {
        file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|ending| ending == "pack"))
    });
    Ok(packs.count())
}

fn wait_for_calm(repository: &Path) -> anyhow::Result<()> {
    eprintln!("waiting for maintenance");
    let begun = Instant::now();
    let (mut before, mut since) = (0, Instant::now());
    while since.elapsed() < CALM && begun.elapsed() < MAINTAINED_WITHIN {
        let now = on_disk(repository)?;
        if now != before {
            (before, since) = (now, Instant::now());
        }
        process::rest(Duration::from_millis(500));
    }
    Ok(())
}
