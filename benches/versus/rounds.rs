//! Measurements side by side: rounds in which each is taken once, so that whatever else the machine does hits all.

use anyhow::Context;

/// What each of some measurements gave, a figure a round.
pub struct Rounds(Vec<Vec<f64>>);

impl Rounds {
    /// Takes the measurements in turn, so many times.
    pub fn take<const N: usize>(
        name: &str,
        rounds: usize,
        mut measure: impl FnMut(usize) -> anyhow::Result<[f64; N]>,
    ) -> anyhow::Result<Self> {
        let mut series = vec![Vec::new(); N];
        for round in 0..rounds {
            let figures = measure(round).with_context(|| name.to_owned())?;
            eprintln!("{name}: round {} of {rounds}: {figures:.4?}", round + 1);
            series.iter_mut().zip(figures).for_each(|(series, figure)| series.push(figure));
        }
        Ok(Rounds(series))
    }

    /// One of the measurements, in the order in which they were taken.
    pub fn of(&self, measurement: usize) -> &[f64] {
        &self.0[measurement]
    }
}

pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
