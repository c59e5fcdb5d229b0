//! Durable writes of one client, one after the other.

use super::{Bench, SIZES};
use crate::histories::Shape;
use crate::rounds::Rounds;
use crate::table::{Figures, Mark, Row, Unit, grouped};
use crate::yardsticks::append;
use crate::yardsticks::etcd::{self, Etcd};
use crate::yardsticks::git_commit::WorkTree;

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for entries in SIZES {
        let name = format!("PUT of one of {} entries, 1 client, median", grouped(f64::from(entries)));
        let etcd = Etcd::start(entries, bench.documents, bench.scratch)?;
        let base = bench.data(Shape::base(entries))?;
        let mut commits = WorkTree::of(&base, entries, &bench.place("work-tree")?)?;
        let appended = bench.place("appended")?;
        let rounds = Rounds::take(&name, bench.plan.rounds, |round| {
            bench.settle()?;
            let synced = append::median(&appended, bench.plan.load)?;
            let (report, _) = bench.puts(entries, 1, round as u64)?;
            let put = match &etcd {
                Some(etcd) => etcd.put(bench.documents, 1, bench.plan.load)?.median(),
                None => f64::NAN,
            };
            bench.settle()?;
            Ok([report.median(), synced, put, commits.median(bench.documents, bench.plan.load)?])
        })?;
        let ours = Figures { name, figures: rounds.of(0) };
        let against = |measurement: usize, name: &str, mark| {
            let theirs = Figures { name: name.to_owned(), figures: rounds.of(measurement) };
            Row::compared(&ours, &theirs, Unit::Seconds, mark)
        };
        let mark = (entries == SIZES[0]).then_some(Mark::RatioAtMost(5.0));
        rows.push(against(1, "2 KB append + fdatasync", mark));
        rows.push(match etcd {
            Some(_) => against(2, "etcd put", Some(Mark::RatioAtMost(1.0))),
            None => Row::missing(&ours.name, "etcd put", etcd::MISSING),
        });
        rows.push(against(3, "`git commit`", None));
    }
    Ok(rows)
}
