//! What people see: tables, colours, progress.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::failure::Failure;
use super::options::{Colours, Format, Options};

pub const HEAD: Style = Style::new().bold();
pub const FAINT: Style = Style::new().dimmed();
pub const VERSION: Style = AnsiColor::Yellow.on_default();
pub const ADDED: Style = AnsiColor::Green.on_default();
pub const REMOVED: Style = AnsiColor::Red.on_default();
pub const CHANGED: Style = AnsiColor::Cyan.on_default();

/// So many digits of a version are shown to people; a mistake of one commit for another is out of the question then.
const SHORT: usize = 12;

/// Standard output, as the options have it.
pub struct Output {
    pub json: bool,
    terminal: bool,
    colours: bool,
}

impl Output {
    pub fn new(options: &Options) -> Self {
        let terminal = io::stdout().is_terminal();
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = match options.color {
            Colours::Always => true,
            Colours::Never => false,
            Colours::Auto => terminal && !unwanted,
        };
        Self { json: options.output == Format::Json, terminal, colours }
    }

    /// Bytes as they came, with a line feed at their end.
    pub fn bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let end: &[u8] = if bytes.is_empty() || bytes.ends_with(b"\n") { b"" } else { b"\n" };
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(bytes).and_then(|()| stdout.write_all(end));
        written.and_then(|()| stdout.flush()).map_err(Failure::Output)
    }

    /// Fails if whoever read this has gone, which a pipe does not tell before it is written to.
    pub fn is_read(&self) -> Result<(), Failure> {
        let stdout = io::stdout();
        let mut asked = [PollFd::new(&stdout, PollFlags::empty())];
        let gone = poll(&mut asked, Some(&Timespec::default())).is_ok_and(|told| told > 0)
            && asked[0].revents().contains(PollFlags::ERR);
        if gone { Err(Failure::Output(io::ErrorKind::BrokenPipe.into())) } else { Ok(()) }
    }

    pub fn line(&self, line: &str) -> Result<(), Failure> {
        self.bytes(format!("{line}\n").as_bytes())
    }

    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// People need the beginning of a version, scripts all of it.
    pub fn version<'a>(&self, version: &'a str) -> &'a str {
        if self.terminal { version.get(..SHORT).unwrap_or(version) } else { version }
    }

    /// Columns, each as wide as its widest cell; a terminal has their names above them.
    pub fn table(&self, columns: &[(&str, Style)], rows: &[Vec<String>]) -> Result<(), Failure> {
        let names: Vec<_> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        let shown = || self.terminal.then_some(&names).into_iter().chain(rows);
        let width = |column: usize| {
            shown().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..columns.len()).map(width).collect();
        let mut text = String::new();
        for (nth, row) in shown().enumerate() {
            let head = self.terminal && nth == 0;
            let cells = row.iter().zip(columns).zip(&widths).map(|((cell, (_, style)), width)| {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                self.paint(if head { HEAD } else { *style }, cell) + &padding
            });
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        self.bytes(text.as_bytes())
    }

    /// A difference as git prints it.
    pub fn unified(&self, text: &str) -> Result<(), Failure> {
        let style = |line: &str| match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => HEAD,
            Some(b'+') => ADDED,
            Some(b'-') => REMOVED,
            Some(b'@') => CHANGED,
            Some(b' ') | None => Style::new(),
            Some(_) => HEAD,
        };
        let shown = |line: &str| if self.terminal { harmless(line) } else { line.to_owned() };
        let lines: String = text.lines().map(|line| self.paint(style(line), &shown(line)) + "\n").collect();
        self.bytes(lines.as_bytes())
    }
}

/// Texts come from others: what would steer a terminal is shown, not sent.
pub fn harmless(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// The first line of a text of others.
pub fn first_line(text: &str) -> String {
    harmless(text.lines().next().unwrap_or_default())
}

/// Says on standard error that something is under way, if somebody sits there.
pub fn progress(text: &str) {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // What cannot be said is no reason to stop.
        writeln!(stderr, "{text}").ok();
    }
}

/// Says on standard error what somebody who reads the log of a script wants to know as well.
pub fn notice(text: &str) {
    writeln!(io::stderr(), "revconf: {text}").ok();
}
