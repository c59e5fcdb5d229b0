//! A line of the log as text without colours. It is what the library's own format writes, in a third of the time: that
//! was as much as all else that this service itself does for a read.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;

use chrono::{DateTime, Utc};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::field::VisitOutput as _;
use tracing_subscriber::fmt::format::{DefaultVisitor, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// The format.
pub struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write_time(&mut line, Utc::now())?;
        line.write_str(level(*event.metadata().level()))?;
        let spans = context.event_scope();
        let is_within = spans.is_some();
        for span in spans.into_iter().flat_map(Scope::from_root) {
            line.write_str(span.name())?;
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>().filter(|fields| !fields.is_empty()) {
                line.write_char('{')?;
                line.write_str(fields)?;
                line.write_char('}')?;
            }
            line.write_char(':')?;
        }
        if is_within {
            line.write_char(' ')?;
        }
        let mut fields = Fields { line: line.by_ref(), is_empty: true, outcome: Ok(()) };
        event.record(&mut fields);
        fields.outcome?;
        line.write_char('\n')
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => " ERROR ",
        Level::WARN => "  WARN ",
        Level::INFO => "  INFO ",
        Level::DEBUG => " DEBUG ",
        _ => " TRACE ",
    }
}

/// A second, and how it is written.
struct Second {
    since_1970: i64,
    text: String,
}

thread_local! {
    static SECOND: RefCell<Second> = const { RefCell::new(Second { since_1970: i64::MIN, text: String::new() }) };
}

/// With its microseconds.
fn write_time(line: &mut Writer<'_>, time: DateTime<Utc>) -> fmt::Result {
    SECOND.with_borrow_mut(|second| {
        if second.since_1970 != time.timestamp() {
            second.since_1970 = time.timestamp();
            second.text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        line.write_str(&second.text)
    })?;
    let mut digits = *b".000000Z";
    let mut rest = time.timestamp_subsec_micros();
    for digit in digits[1..7].iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    line.write_str(str::from_utf8(&digits).unwrap_or_default())
}

/// Writes an event's fields: those that most lines have by itself, and all others as the library does.
struct Fields<'w> {
    line: Writer<'w>,
    is_empty: bool,
    outcome: fmt::Result,
}

impl Fields<'_> {
    /// One that the library writes as its name and its value.
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        self.attempt(|line, is_empty| {
            if !is_empty {
                line.write_char(' ')?;
            }
            line.write_str(field.name())?;
            line.write_char('=')?;
            value(line)
        });
    }

    fn pass_on(&mut self, field: &Field, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        // What lines of other libraries say of their origin.
        if field.name().starts_with("log.") {
            return;
        }
        self.attempt(|line, is_empty| {
            let mut visitor = DefaultVisitor::new(line.by_ref(), is_empty);
            record(&mut visitor);
            visitor.finish()
        });
    }

    fn attempt(&mut self, write: impl FnOnce(&mut Writer<'_>, bool) -> fmt::Result) {
        if self.outcome.is_ok() {
            self.outcome = write(&mut self.line, std::mem::take(&mut self.is_empty));
        }
    }
}

/// Whether the library does nothing special about a field of this name.
fn is_plain(field: &Field) -> bool {
    let name = field.name();
    name != "message" && !name.starts_with("log.") && !name.starts_with("r#")
}

/// Whether a text is between quotes what it is without.
fn needs_no_escape(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\')
}

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if !is_plain(field) || !needs_no_escape(value) {
            return self.pass_on(field, |visitor| visitor.record_str(field, value));
        }
        self.write(field, |line| {
            line.write_char('"')?;
            line.write_str(value)?;
            line.write_char('"')
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if !is_plain(field) {
            return self.pass_on(field, |visitor| visitor.record_u64(field, value));
        }
        self.write(field, |line| write!(line, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if !is_plain(field) {
            return self.pass_on(field, |visitor| visitor.record_f64(field, value));
        }
        self.write(field, |line| write!(line, "{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.pass_on(field, |visitor| visitor.record_error(field, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.pass_on(field, |visitor| visitor.record_debug(field, value));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::{Layer, fmt as library, registry};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Written {
        /// The lines without their times, each of which is as long as it must be.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines()
                .map(|line| {
                    let (time, rest) = line.split_at(27);
                    assert_eq!(time.len(), DateTime::parse_from_rfc3339(time).map_or(0, |_| 27), "{line}");
                    rest.to_owned()
                })
                .collect()
        }
    }

    #[test]
    fn lines_are_what_the_library_writes() {
        let (ours, theirs) = (Written::default(), Written::default());
        let (to_ours, to_theirs) = (ours.clone(), theirs.clone());
        let plain = library::layer().with_ansi(false).with_target(false);
        let expected = plain.with_writer(move || to_theirs.clone()).boxed();
        let plain = library::layer().with_ansi(false).with_target(false);
        let found = plain.with_writer(move || to_ours.clone()).event_format(Text).boxed();
        tracing::subscriber::with_default(registry().with(expected).with(found), || {
            let error = io::Error::other("no \x1b[1m room");
            let chain = "x".parse::<u8>().unwrap_err();
            tracing::info!("nothing else");
            tracing::warn!(path = "/conf/prod", odd = "a \"b\" \\ ä\n", status = 200_u64, "request");
            tracing::error!(duration_ms = 0.125, whole = 2.0, tiny = 1e-9, negative = -3_i64, yes = true);
            tracing::debug!(name = Some("ada"), nobody = None::<&str>, ?error, %chain, "failed \x1b[31m");
            tracing::info!(reason = &error as &dyn Error, r#type = "raw", message = "last");
            tracing::trace!(count = usize::MAX, "{} of {}", 1, 2);
            let outer = tracing::info_span!("request", request_id = "0-1", principal = "ann");
            outer.in_scope(|| {
                tracing::info!(method = "GET", "request");
                tracing::info_span!("inner").in_scope(|| tracing::info!("deep"));
            });
        });
        let lines = ours.lines();
        assert_eq!(lines.len(), 8, "{lines:#?}");
        assert_eq!(lines, theirs.lines());
    }

    #[test]
    fn times_go_on() {
        let at = |seconds, micros: u32| {
            let mut text = String::new();
            let time = DateTime::from_timestamp(seconds, micros * 1000).unwrap();
            write_time(&mut Writer::new(&mut text), time).unwrap();
            text
        };
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(at(0, 999_999), "1970-01-01T00:00:00.999999Z");
        assert_eq!(at(1_795_000_000, 1), "2026-11-18T11:06:40.000001Z");
        assert_eq!(at(-1, 20), "1969-12-31T23:59:59.000020Z");
    }
}
