//! Durable writes of many clients at once.

use super::{Bench, CLIENTS, SIZES};
use crate::rounds::Rounds;
use crate::table::{Figures, Mark, Row, Unit, grouped};
use crate::yardsticks::etcd::{self, Etcd};
use crate::yardsticks::fast_import;

/// How much of what `git fast-import` does offline, at each of the sizes.
const MARKS: [f64; 3] = [0.5, 2.0, 3.0];

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (entries, mark) in SIZES.into_iter().zip(MARKS) {
        let name = format!("PUT of one of {} entries, {CLIENTS} clients", grouped(f64::from(entries)));
        let etcd = Etcd::start(entries, bench.documents, bench.scratch)?;
        let rounds = Rounds::take(&name, bench.plan.rounds, |round| {
            let (report, changed) = bench.puts(entries, CLIENTS, round as u64)?;
            let import = fast_import::rate(bench.histories, entries, &changed, &bench.place("fast-import")?)?;
            bench.settle()?;
            let puts = match &etcd {
                Some(etcd) => bench.noted(etcd.put(bench.documents, CLIENTS, bench.plan.load)?).rate(),
                None => f64::NAN,
            };
            bench.settle()?;
            Ok([report.rate(), import, puts])
        })?;
        let ours = Figures { name, figures: rounds.of(0) };
        let import = Figures { name: "`git fast-import`".to_owned(), figures: rounds.of(1) };
        rows.push(Row::compared(&ours, &import, Unit::PerSecond, Some(Mark::RatioAtLeast(mark))));
        let puts = Figures { name: "etcd put".to_owned(), figures: rounds.of(2) };
        rows.push(match etcd {
            Some(_) => Row::compared(&ours, &puts, Unit::PerSecond, None),
            None => Row::missing(&ours.name, &puts.name, etcd::MISSING),
        });
    }
    Ok(rows)
}
