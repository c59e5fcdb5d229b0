//! The query of a request. Strict: a mistyped `dry_run` must not become a write.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;

use super::failure::Failure;
use crate::document::{FaultKind, Faults};

/// A request's parameters.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query; `known` are the names that it may have.
    ///
    /// # Errors
    /// Every parameter that is unknown, there twice, or no UTF-8.
    pub fn read(text: &str, known: &[&str]) -> Result<Self, Failure> {
        let mut faults = Faults::at("query");
        let mut read = Vec::<(String, String)>::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                faults.within(name, |faults| {
                    faults.add(FaultKind::Format, "must be UTF-8, percent-encoded");
                });
                continue;
            };
            if !known.contains(&name.as_str()) {
                let msg = match known {
                    [] => "is unknown; no parameter is known here".to_owned(),
                    known => format!("is unknown; known are {}", known.join(", ")),
                };
                faults.within(name.as_str(), |faults| faults.add(FaultKind::ExtraForbidden, msg));
            } else if read.iter().any(|(before, _)| *before == name) {
                faults.within(name.as_str(), |faults| {
                    faults.add(FaultKind::Duplicate, "is there twice");
                });
            } else {
                read.push((name, value));
            }
        }
        faults.or(Some(Query(read))).map_err(Failure::BadQuery)
    }

    /// A parameter's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter's text of so many characters.
    ///
    /// # Errors
    /// It has more or fewer, or characters that a commit cannot hold.
    pub fn bounded(&self, name: &str, length: RangeInclusive<usize>) -> Result<Option<&str>, Failure> {
        let Some(text) = self.text(name).map(str::trim) else {
            return Ok(None);
        };
        let count = text.chars().count();
        if count < *length.start() {
            return Err(fault(
                name,
                FaultKind::StringTooShort,
                "must not be empty".to_owned(),
            ));
        }
        if count > *length.end() {
            let msg = format!("must have at most {} characters, has {count}", length.end());
            return Err(fault(name, FaultKind::StringTooLong, msg));
        }
        if let Some(bad) = text
            .chars()
            .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
        {
            return Err(fault(
                name,
                FaultKind::Format,
                format!("must not contain {bad:?}"),
            ));
        }
        Ok(Some(text))
    }

    /// A parameter that is `true` or `false`; absent is `false`.
    ///
    /// # Errors
    /// It is something else.
    pub fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(fault(
                name,
                FaultKind::BoolType,
                format!("must be true or false, not {other:?}"),
            )),
        }
    }

    /// A parameter that is a whole number in a range.
    ///
    /// # Errors
    /// It is something else.
    pub fn whole(&self, name: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fault(
                name,
                FaultKind::IntType,
                format!("must be a whole number, not {text:?}"),
            ));
        }
        match text.parse().ok().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let msg = format!("must be from {} to {}, not {text}", range.start(), range.end());
                Err(fault(name, FaultKind::OutOfRange, msg))
            }
        }
    }

    /// A parameter that is one of some words.
    ///
    /// # Errors
    /// It is something else.
    pub fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                let msg = format!("must be one of {}, not {text:?}", words.join(", "));
                Err(fault(name, FaultKind::Enum, msg))
            }
        }
    }

    /// A parameter that is a time (RFC 3339).
    ///
    /// # Errors
    /// It is something else.
    pub fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        // In a query a plus sign means a space, and few people remember to escape that of an offset.
        match DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+")) {
            Ok(time) => Ok(Some(time.to_utc())),
            Err(_) => {
                let msg = format!("must be a time such as 2026-01-31T12:00:00Z (RFC 3339), not {text:?}");
                Err(fault(name, FaultKind::Format, msg))
            }
        }
    }
}

fn fault(name: &str, kind: FaultKind, msg: String) -> Failure {
    let mut faults = Faults::at("query");
    faults.within(name, |faults| faults.add(kind, msg));
    Failure::BadQuery(faults.or::<()>(None).err().unwrap_or_default())
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        let query = Query::read(
            "message=a+b%20c%2B&dry_run=true&since=2026-01-01T00:00:00+01:00",
            &["message", "dry_run", "since"],
        )
        .expect("valid");
        assert_eq!(query.text("message"), Some("a b c+"));
        assert!(query.flag("dry_run").expect("a flag"));
        assert_eq!(
            query.time("since").expect("a time").expect("there").to_rfc3339(),
            "2025-12-31T23:00:00+00:00"
        );
    }

    #[test]
    fn what_is_refused() {
        for text in ["dry-run=true", "limit=1&limit=2", "limit=%ff", "%ff=1"] {
            assert!(Query::read(text, &["limit", "dry_run"]).is_err(), "{text}");
        }
        let limit = |text: &str| {
            Query::read(text, &["limit"])
                .expect("readable")
                .whole("limit", 1..=1000)
        };
        for text in [
            "limit=",
            "limit=x",
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=%2B1",
            "limit=99999999999999999999999",
        ] {
            assert!(limit(text).is_err(), "{text}");
        }
        assert!(matches!(limit("limit=1000"), Ok(Some(1000))));
    }
}
