//! The log: what of it is written, how and where.

mod lines;
mod text;

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use self::lines::{Lines, Writing};
use self::text::Text;
use crate::settings::{Log, LogFormat, LogLevel};

/// Writes the log to standard error from here on, and all that is left of it when what is returned goes.
///
/// # Errors
/// There is a log already.
pub fn start(log: &Log) -> anyhow::Result<Writing> {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // What the framework tells of its own threads is of no use to an operator while all is well.
    let framework = if level > LevelFilter::INFO { level } else { level.min(LevelFilter::WARN) };
    // And what it calls an error is what strangers send, which must not wake anybody.
    let malformed = if level > LevelFilter::INFO { level } else { LevelFilter::OFF };
    let filter = Targets::new()
        .with_default(level)
        .with_target("actix_server", framework)
        .with_target("actix_http", malformed)
        .with_target("rustls", malformed);
    let (lines, writing) = Lines::begin(io::stderr())?;
    let lines = fmt::layer().with_writer(lines).with_target(false);
    let lines = match log.format {
        LogFormat::Text if io::stderr().is_terminal() => lines.with_ansi(true).boxed(),
        LogFormat::Text => lines.with_ansi(false).event_format(Text).boxed(),
        LogFormat::Json => lines.json().with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    Ok(writing)
}
