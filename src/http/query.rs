//! The query of a request. Strict: a mistyped `dry_run` must not become a write.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::failure::Failure;
use super::filter::{self, Filter};
use crate::document::{FaultKind, Faults, KINDS, Kind};
use crate::registry::message;

/// A parameter that a query may have.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub form: Form,
}

/// What a parameter's text may be.
#[derive(Debug)]
pub enum Form {
    /// A message that a commit can hold, of so many characters at most.
    Message { longest: usize },
    /// Any text.
    Text,
    /// `true` or `false`; absent is `false`.
    Flag,
    /// A whole number in a range, both ends included.
    Whole { min: usize, max: usize, absent: usize },
    /// One of these words; absent is the first.
    Choice(&'static [&'static str]),
    /// The name of a kind of documents.
    Kind,
    /// One of these words, or nothing.
    OneOf(&'static [&'static str]),
    /// A time (RFC 3339).
    Time,
    /// A time (RFC 3339) that is read where it is used.
    Moment,
    /// An expression of [`filter`].
    Filter,
    /// A version of Azure's API: a date, and `-preview` maybe.
    ApiVersion,
}

impl Form {
    fn check(&self, text: &str) -> Result<(), (FaultKind, String)> {
        match self {
            Form::Message { longest } => message::check(text.trim(), *longest),
            Form::Text | Form::Moment => Ok(()),
            Form::Flag if matches!(text, "true" | "false") => Ok(()),
            Form::Flag => Err((FaultKind::BoolType, format!("must be true or false, not {text:?}"))),
            Form::Whole { min, max, .. } => check_whole(text, *min, *max),
            Form::Choice(words) | Form::OneOf(words) if words.contains(&text) => Ok(()),
            Form::Choice(words) | Form::OneOf(words) => {
                Err((FaultKind::Enum, format!("must be one of {}, not {text:?}", words.join(", "))))
            }
            Form::Kind if Kind::named(text).is_some() => Ok(()),
            Form::Kind => {
                Err((FaultKind::Enum, format!("must be one of {}, not {text:?}", kinds().join(", "))))
            }
            // The filter that is made of the text is kept, so it is read where that happens.
            Form::Filter => Ok(()),
            Form::ApiVersion if is_api_version(text) => Ok(()),
            Form::ApiVersion => {
                let msg = format!("must be a date such as 2016-07-07, or one with -preview, not {text:?}");
                Err((FaultKind::Format, msg))
            }
            Form::Time if time(text).is_some() => Ok(()),
            Form::Time => {
                let msg = format!("must be a time such as 2026-01-31T12:00:00Z (RFC 3339), not {text:?}");
                Err((FaultKind::Format, msg))
            }
        }
    }

    /// The JSON Schema of such a parameter.
    pub fn schema(&self) -> Value {
        match self {
            Form::Message { longest } => json!({"type": "string", "minLength": 1, "maxLength": longest}),
            Form::Text => json!({"type": "string"}),
            Form::Flag => json!({"type": "boolean", "default": false}),
            Form::Whole { min, max, absent } => {
                json!({"type": "integer", "minimum": min, "maximum": max, "default": absent})
            }
            Form::Choice(words) => json!({"type": "string", "enum": words, "default": words.first()}),
            Form::OneOf(words) => json!({"type": "string", "enum": words}),
            Form::Kind => json!({"type": "string", "enum": kinds()}),
            Form::Time | Form::Moment => json!({"type": "string", "format": "date-time"}),
            Form::Filter => json!({"type": "string", "maxLength": filter::LONGEST}),
            Form::ApiVersion => {
                json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$"})
            }
        }
    }
}

fn kinds() -> Vec<&'static str> {
    KINDS.iter().map(|kind| kind.name).collect()
}

fn check_whole(text: &str, min: usize, max: usize) -> Result<(), (FaultKind, String)> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err((FaultKind::IntType, format!("must be a whole number, not {text:?}")));
    }
    match text.parse::<usize>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        _ => Err((FaultKind::OutOfRange, format!("must be from {min} to {max}, not {text}"))),
    }
}

fn is_api_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    date.len() == 10 && NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    // In a query a plus sign means a space, and few people remember to escape that of an offset.
    DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+")).ok().map(|time| time.to_utc())
}

/// A request's parameters. Each has the form that its route gives it.
#[derive(Debug, Clone, Default)]
pub struct Query {
    texts: Vec<(String, String)>,
    filters: Vec<(&'static str, Filter)>,
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// Every parameter that is unknown, there twice, no UTF-8, or not of its form.
    pub fn read(text: &str, known: &[Parameter]) -> Result<Self, Failure> {
        let mut faults = Faults::at("query");
        let mut read = Vec::<(String, String)>::new();
        let mut filters = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                faults.within(name, |faults| {
                    faults.add(FaultKind::Format, "must be UTF-8, percent-encoded");
                });
                continue;
            };
            let fault = match known.iter().find(|parameter| parameter.name == name) {
                None => Some((FaultKind::ExtraForbidden, unknown(known))),
                Some(_) if read.iter().any(|(before, _)| *before == name) => {
                    Some((FaultKind::Duplicate, "is there twice".to_owned()))
                }
                Some(Parameter { name, form: Form::Filter, .. }) => match filter::parse(&value) {
                    Ok(filter) => {
                        filters.push((*name, filter));
                        None
                    }
                    Err(fault) => Some((FaultKind::Format, fault.to_string())),
                },
                Some(parameter) => parameter.form.check(&value).err(),
            };
            if let Some((kind, msg)) = fault {
                faults.within(name.as_str(), |faults| faults.add(kind, msg));
            }
            read.push((name, value));
        }
        faults.or(Some(Query { texts: read, filters })).map_err(Failure::BadQuery)
    }

    /// A parameter's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A [`Form::Flag`].
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// A [`Form::Whole`].
    pub fn whole(&self, name: &str) -> Option<usize> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// A [`Form::Filter`].
    pub fn filter(&self, name: &str) -> Option<&Filter> {
        self.filters.iter().find(|(found, _)| *found == name).map(|(_, filter)| filter)
    }

    /// A [`Form::Time`], or a [`Form::Moment`] that is one.
    pub fn time(&self, name: &str) -> Option<DateTime<Utc>> {
        self.text(name).and_then(time)
    }
}

fn unknown(known: &[Parameter]) -> String {
    if known.is_empty() {
        return "is unknown; no parameter is known here".to_owned();
    }
    let names: Vec<_> = known.iter().map(|parameter| parameter.name).collect();
    format!("is unknown; known are {}", names.join(", "))
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[Parameter] = &[
        Parameter { name: "message", about: "", form: Form::Message { longest: 5 } },
        Parameter { name: "dry_run", about: "", form: Form::Flag },
        Parameter { name: "limit", about: "", form: Form::Whole { min: 1, max: 1000, absent: 1000 } },
        Parameter { name: "since", about: "", form: Form::Time },
    ];

    #[test]
    fn what_is_read() {
        let text = "message=a+b%20%2B&dry_run=true&since=2026-01-01T00:00:00+01:00&limit=1000";
        let query = Query::read(text, KNOWN).expect("valid");
        assert_eq!(query.text("message"), Some("a b +"));
        assert!(query.flag("dry_run"));
        assert_eq!(query.whole("limit"), Some(1000));
        assert_eq!(
            query.time("since").map(|time| time.to_rfc3339()),
            Some("2025-12-31T23:00:00+00:00".to_owned())
        );
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "dry-run=true",
            "dry_run=yes",
            "limit=1&limit=2",
            "limit=%ff",
            "%ff=1",
            "limit=",
            "limit=x",
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=%2B1",
            "limit=99999999999999999999999",
            "since=yesterday",
            "message=",
            "message=123456",
            "message=%00",
        ] {
            assert!(Query::read(text, KNOWN).is_err(), "{text}");
        }
    }
}
