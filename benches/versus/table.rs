//! The table: Markdown, a row each.

use crate::rounds::median;

/// What a figure is of.
#[derive(Clone, Copy)]
pub enum Unit {
    /// More is better.
    PerSecond,
    /// Less is better.
    Seconds,
    Bytes,
    Count,
}

/// What a row is to reach: of its ratio, or of its figure.
#[derive(Clone, Copy)]
pub enum Mark {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    FigureAtMost(f64),
    FigureAtLeast(f64),
}

/// A measurement and its name.
pub struct Figures<'a> {
    pub name: String,
    pub figures: &'a [f64],
}

/// A line of the table.
pub struct Row([String; 8]);

const HEAD: [&str; 8] = ["what", "figure", "against", "its figure", "ratio", "spread", "mark", "reached"];

impl Row {
    /// A measurement against a yardstick, a figure a round each.
    pub fn compared(ours: &Figures<'_>, theirs: &Figures<'_>, unit: Unit, mark: Option<Mark>) -> Self {
        let (figure, yardstick) = (median(ours.figures), median(theirs.figures));
        let each: Vec<f64> =
            ours.figures.iter().zip(theirs.figures).map(|(ours, theirs)| ours / theirs).collect();
        // Of the rounds' ratios: what else the machine does in a round hits both sides.
        let ratio = median(&each);
        let (least, most) = range(&each);
        Row([
            ours.name.clone(),
            unit.show(figure),
            theirs.name.clone(),
            unit.show(yardstick),
            times(ratio),
            format!("{} – {}", times(least), times(most)),
            mark.map(|mark| mark.show(unit)).unwrap_or_default(),
            mark.map(|mark| mark.reached(ratio, figure)).unwrap_or_default().to_owned(),
        ])
    }

    /// A measurement that has its mark in itself.
    pub fn plain(ours: &Figures<'_>, unit: Unit, mark: Option<Mark>) -> Self {
        let figure = median(ours.figures);
        let (least, most) = range(ours.figures);
        let spread = match ours.figures.len() {
            0 | 1 => String::new(),
            _ => format!("{} – {}", unit.show(least), unit.show(most)),
        };
        Row([
            ours.name.clone(),
            unit.show(figure),
            String::new(),
            String::new(),
            String::new(),
            spread,
            mark.map(|mark| mark.show(unit)).unwrap_or_default(),
            mark.map(|mark| mark.reached(f64::NAN, figure)).unwrap_or_default().to_owned(),
        ])
    }

    /// A comparison that could not be made, and why.
    pub fn missing(name: &str, yardstick: &str, why: &str) -> Self {
        let mut cells = [(); 8].map(|()| String::new());
        (cells[0], cells[2], cells[3]) = (name.to_owned(), yardstick.to_owned(), why.to_owned());
        Row(cells)
    }
}

/// The table as text.
pub fn render(rows: &[Row]) -> String {
    let cells: Vec<[&str; 8]> =
        [HEAD].into_iter().chain(rows.iter().map(|row| row.0.each_ref().map(String::as_str))).collect();
    let widths: [usize; 8] =
        std::array::from_fn(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let line = |row: &[&str; 8]| {
        let padded = row.iter().zip(widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", padded.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    let mut text = line(&cells[0]);
    text += &format!("|{rule}\n");
    text.extend(cells[1..].iter().map(line));
    text
}

impl Unit {
    fn show(self, figure: f64) -> String {
        match self {
            Unit::PerSecond if figure < 100.0 => format!("{figure:.1}/s"),
            Unit::PerSecond => format!("{}/s", grouped(figure)),
            Unit::Seconds if figure < 0.001 => format!("{:.0} µs", figure * 1e6),
            Unit::Seconds if figure < 0.1 => format!("{:.2} ms", figure * 1e3),
            Unit::Seconds => format!("{figure:.2} s"),
            Unit::Bytes if figure < 10e6 => format!("{:.2} MB", figure / 1e6),
            Unit::Bytes => format!("{} MB", grouped(figure / 1e6)),
            Unit::Count => grouped(figure),
        }
    }
}

impl Mark {
    fn show(self, unit: Unit) -> String {
        match self {
            Mark::RatioAtLeast(bound) => format!("≥ {bound}x"),
            Mark::RatioAtMost(bound) => format!("≤ {bound}x"),
            Mark::FigureAtLeast(bound) => format!("≥ {}", unit.show(bound)),
            Mark::FigureAtMost(bound) => format!("≤ {}", unit.show(bound)),
        }
    }

    fn reached(self, ratio: f64, figure: f64) -> &'static str {
        let reached = match self {
            Mark::RatioAtLeast(bound) => ratio >= bound,
            Mark::RatioAtMost(bound) => ratio <= bound,
            Mark::FigureAtLeast(bound) => figure >= bound,
            Mark::FigureAtMost(bound) => figure <= bound,
        };
        if reached { "yes" } else { "**no**" }
    }
}

fn range(figures: &[f64]) -> (f64, f64) {
    let least = figures.iter().copied().fold(f64::INFINITY, f64::min);
    (least, figures.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// A ratio with three digits that count.
fn times(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{}x", grouped(ratio)),
        10.0..100.0 => format!("{ratio:.1}x"),
        0.1..10.0 => format!("{ratio:.2}x"),
        _ => format!("{ratio:.4}x"),
    }
}

/// A whole number, its thousands apart.
pub fn grouped(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.as_bytes()[at - 1] != b'-' {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
