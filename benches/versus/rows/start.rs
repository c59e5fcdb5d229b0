//! Starting upon a long history.

use std::process::Command;

use super::looking_back::power;
use super::{Bench, ENTRIES};
use crate::histories::Shape;
use crate::process;
use crate::rounds::Rounds;
use crate::service::{Service, TELLING, remove_index};
use crate::table::{Figures, Mark, Row, Unit, grouped};

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let shape = Shape { entries: ENTRIES, commits: bench.plan.long };
    let data = bench.data(shape)?;
    let at = format!("{} commits and {} entries", power(shape.commits), grouped(f64::from(ENTRIES)));
    let mut rebuilt = Vec::new();
    let starts = Rounds::take("start", bench.plan.rounds, |_| {
        remove_index(&data)?;
        let building = Service::start(&data, TELLING)?;
        rebuilt.extend(building.indexed()?.map(|duration| shape.commits as f64 / duration.as_secs_f64()));
        let after = building.memory()?;
        building.stop()?;
        let service = Service::start(&data, TELLING)?;
        let ready = service.memory()?;
        let duration = service.ready_after.as_secs_f64();
        service.stop()?;
        // How long a program takes that does nothing.
        let begun = std::time::Instant::now();
        process::run(Command::new(crate::service::program()).arg("--version"))?;
        let nothing = begun.elapsed().as_secs_f64();
        Ok([duration, ready.resident as f64, ready.peak as f64, after.peak as f64, nothing])
    })?;
    let figures = |name: String, measurement| Figures { name, figures: starts.of(measurement) };
    let nothing = figures("`revconf --version`".to_owned(), 4);
    let limit = Some(Mark::FigureAtMost(200e6));
    let mut rows = vec![
        Row::compared(
            &figures(format!("start to ready, {at}"), 0),
            &nothing,
            Unit::Seconds,
            Some(Mark::FigureAtMost(2.0)),
        ),
        Row::plain(&figures(format!("resident when ready, {at}"), 1), Unit::Bytes, limit),
        Row::plain(&figures("the most that was resident till then".to_owned(), 2), Unit::Bytes, None),
        Row::plain(
            &figures("the most while the index was built, or till ready".to_owned(), 3),
            Unit::Bytes,
            None,
        ),
    ];
    let name = format!("commits indexed anew, {at}");
    rows.push(if rebuilt.is_empty() {
        Row::missing(&name, "", "this program keeps no index")
    } else {
        let ours = Figures { name, figures: &rebuilt };
        Row::plain(&ours, Unit::PerSecond, Some(Mark::FigureAtLeast(50_000.0)))
    });
    Ok(rows)
}
