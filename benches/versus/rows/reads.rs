//! Reads of what is newest.

use std::net::SocketAddr;

use super::{Bench, CLIENTS, ENTRIES};
use crate::documents::{Dice, SET, Sample, id, size};
use crate::histories::Shape;
use crate::http;
use crate::load::{Load, Report};
use crate::rounds::Rounds;
use crate::service::Service;
use crate::table::{Figures, Mark, Row, Unit, grouped};
use crate::yardsticks::etcd::{self, Etcd};
use crate::yardsticks::nginx::{self, Nginx};
use crate::yardsticks::static_answer::StaticAnswer;

/// How much of what the framework itself can do.
const MARK: Mark = Mark::RatioAtLeast(0.9);

pub fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let data = bench.data(Shape::base(ENTRIES))?;
    let service = Service::start(&data, &[])?;
    let mut client = http::Client::connect(service.address)?;
    let entry = Sample::take(&mut client, &format!("{SET}/{}", id(1)))?;
    let set = Sample::take(&mut client, SET)?;
    let files: [(&str, &[u8]); 2] = [("entry", &entry.body), ("set", &set.body)];
    let nginx = Nginx::start(&files, bench.scratch)?;
    let etcd = Etcd::start(ENTRIES, bench.documents, bench.scratch)?;
    let mut dice = Dice::new(6);
    let mut rows = Vec::new();

    let yardstick = StaticAnswer::start(&entry, bench.scratch)?;
    for clients in [CLIENTS, 1] {
        let what = format!("GET of an entry ({}), {}", size(entry.body.len()), called(clients));
        let rounds = Rounds::take(&what, bench.plan.rounds, |_| {
            let ours = load(bench, service.address, clients, |out| {
                bench.documents.write_get(dice.below(ENTRIES), out);
            })?;
            let gets = etcd.as_ref().map(|etcd| etcd.get(clients, bench.plan.load)).transpose()?;
            Ok([
                ours.rate(),
                rate(bench, Some(yardstick.address), clients, "/")?,
                rate(bench, nginx.as_ref().map(|nginx| nginx.address), clients, "/entry")?,
                gets.map_or(f64::NAN, |report| bench.noted(report).rate()),
            ])
        })?;
        rows.extend(compare(&what, &rounds, clients, nginx.is_some()));
        let ours = Figures { name: what, figures: rounds.of(0) };
        let gets = Figures { name: "etcd get".to_owned(), figures: rounds.of(3) };
        rows.push(match etcd {
            Some(_) => Row::compared(&ours, &gets, Unit::PerSecond, None),
            None => Row::missing(&ours.name, &gets.name, etcd::MISSING),
        });
    }

    let yardstick = StaticAnswer::start(&set, bench.scratch)?;
    for clients in [CLIENTS, 1] {
        let what = format!(
            "GET of a set of {} ({}), {}",
            grouped(f64::from(ENTRIES)),
            size(set.body.len()),
            called(clients)
        );
        let rounds = Rounds::take(&what, bench.plan.rounds, |_| {
            Ok([
                rate(bench, Some(service.address), clients, SET)?,
                rate(bench, Some(yardstick.address), clients, "/")?,
                rate(bench, nginx.as_ref().map(|nginx| nginx.address), clients, "/set")?,
            ])
        })?;
        rows.extend(compare(&what, &rounds, clients, nginx.is_some()));
    }
    service.stop()?;
    Ok(rows)
}

fn called(clients: usize) -> String {
    format!("{clients} client{}", if clients == 1 { "" } else { "s" })
}

fn compare(what: &str, rounds: &Rounds, clients: usize, with_nginx: bool) -> [Row; 2] {
    let ours = Figures { name: what.to_owned(), figures: rounds.of(0) };
    let framework = Figures { name: "the framework's static answer".to_owned(), figures: rounds.of(1) };
    let nginx = Figures { name: "nginx, a file".to_owned(), figures: rounds.of(2) };
    [
        Row::compared(&ours, &framework, Unit::PerSecond, (clients == CLIENTS).then_some(MARK)),
        match with_nginx {
            true => Row::compared(&ours, &nginx, Unit::PerSecond, None),
            false => Row::missing(what, &nginx.name, nginx::MISSING),
        },
    ]
}

/// Answers a second; not a number where there is no such server.
fn rate(bench: &Bench<'_>, address: Option<SocketAddr>, clients: usize, path: &str) -> anyhow::Result<f64> {
    let Some(address) = address else { return Ok(f64::NAN) };
    let request = http::get(path);
    Ok(load(bench, address, clients, |out| out.extend_from_slice(&request))?.rate())
}

fn load(
    bench: &Bench<'_>,
    address: SocketAddr,
    clients: usize,
    next: impl FnMut(&mut Vec<u8>),
) -> anyhow::Result<Report> {
    Ok(bench.noted(Load { address, clients, duration: bench.plan.load }.run(next)?))
}
