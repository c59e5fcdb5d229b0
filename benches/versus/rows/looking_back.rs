//! Looking back into a long history.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{Bench, ENTRIES};
use crate::documents::{SET, Sample, id, size};
use crate::histories::Shape;
use crate::http;
use crate::service::{Service, TELLING};
use crate::table::{Figures, Mark, Row, Unit, grouped};
use crate::yardsticks::static_answer::StaticAnswer;

/// Questions that are asked of each, at most.
const QUESTIONS: usize = 200;

/// First pages of versions of the long history against those of the short one.
pub fn pages(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let lengths = [bench.plan.long, bench.plan.short];
    let data = lengths.map(|commits| bench.data(Shape { entries: ENTRIES, commits }));
    let [long, short] = data;
    let (long, short) = (long?, short?);
    let services = [Service::start(&long, TELLING)?, Service::start(&short, TELLING)?];
    let mut clients = Vec::new();
    for service in &services {
        service.indexed()?;
        clients.push(http::Client::connect(service.address)?);
    }
    let mut rows = Vec::new();
    for (what, path, total) in [
        ("the set", format!("{SET}/versions"), None),
        ("an entry that changed twice", format!("{SET}/{}/versions", id(ENTRIES - 1)), Some(2)),
    ] {
        eprintln!("first page of versions of {what}");
        let mut times = [Vec::new(), Vec::new()];
        let begun = Instant::now();
        while times[0].is_empty() || (begun.elapsed() < bench.plan.questions && times[0].len() < QUESTIONS) {
            for ((client, times), commits) in clients.iter_mut().zip(&mut times).zip(lengths) {
                times.push(client.ask(&http::get(&path))?.as_secs_f64());
                let found = client.json()?["total"].as_u64();
                let expected = total.unwrap_or(commits - 1);
                ensure!(found == Some(expected), "{path} tells of {found:?} versions, not {expected}");
            }
        }
        let name = |commits| format!("first page of versions of {what}, {} commits", power(commits));
        let ours = Figures { name: name(lengths[0]), figures: &times[0] };
        let theirs = Figures { name: format!("{} commits", power(lengths[1])), figures: &times[1] };
        rows.push(Row::compared(&ours, &theirs, Unit::Seconds, Some(Mark::RatioAtMost(1.5))));
    }
    drop(clients);
    for service in services {
        service.stop()?;
    }
    Ok(rows)
}

/// Sets as they were at versions that this process has not read before, and once more.
pub fn old_versions(bench: &Bench<'_>) -> anyhow::Result<Vec<Row>> {
    let shape = Shape { entries: ENTRIES, commits: bench.plan.long };
    let data = bench.data(shape)?;
    let versions = bench.histories.versions(shape)?;
    let service = Service::start(&data, TELLING)?;
    service.indexed()?;
    let mut client = http::Client::connect(service.address)?;
    let sample = Sample::take(&mut client, &format!("{SET}/versions/{}", versions[0]))?;
    let yardstick = StaticAnswer::start(&sample, bench.scratch)?;
    let mut framework = http::Client::connect(yardstick.address)?;
    let (mut cold, mut again, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    eprintln!("old versions of a set");
    let begun = Instant::now();
    for version in versions.iter().skip(1) {
        if !cold.is_empty() && begun.elapsed() > bench.plan.questions {
            break;
        }
        let request = http::get(&format!("{SET}/versions/{version}"));
        cold.push(client.ask(&request)?.as_secs_f64());
        let first = client.answer().1.len();
        again.push(client.ask(&request)?.as_secs_f64());
        ensure!(
            first == client.answer().1.len() && first == sample.body.len(),
            "{version} has {first} bytes"
        );
        sent.push(framework.ask(&http::get("/"))?.as_secs_f64());
    }
    let what = |how: &str| {
        let size = size(sample.body.len());
        format!(
            "GET of an old version of a set of {} ({size}), {} commits, {how}",
            grouped(f64::from(ENTRIES)),
            power(shape.commits)
        )
    };
    let framework = Figures { name: "the framework's static answer".to_owned(), figures: &sent };
    let row = |how: &str, figures: &[f64], limit: Duration| {
        let ours = Figures { name: what(how), figures };
        Row::compared(&ours, &framework, Unit::Seconds, Some(Mark::FigureAtMost(limit.as_secs_f64())))
    };
    let rows = vec![
        row("first read, median", &cold, Duration::from_millis(2)),
        row("read again, median", &again, Duration::from_micros(200)),
    ];
    eprintln!("{} versions were read", cold.len());
    service.stop()?;
    Ok(rows)
}

/// A number of commits as a power of ten, where it is one.
pub fn power(commits: u64) -> String {
    let digits = commits.to_string();
    let zeros = digits.len() - 1;
    match digits.trim_end_matches('0') {
        "1" => {
            let raised: String = zeros
                .to_string()
                .chars()
                .filter_map(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize))
                .collect();
            format!("10{raised}")
        }
        _ => digits,
    }
}
