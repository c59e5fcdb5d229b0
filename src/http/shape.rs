//! How failures look: the service's own shape, and that of RFC 9457 for those who ask for it.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpResponse};
use serde_json::{Map, Value, json};

use super::accept;
use super::failure::Failure;
use super::headers::REVCONF_VERSION;

/// Whose words a route speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Those of this service, which are Reblaze's.
    Own,
}

/// How a failure's body looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"code","message"}`, and `detail` for broken rules.
    Plain,
    /// RFC 9457, with the same members.
    Problem,
}

impl Dialect {
    /// The shape of failures in this dialect for whoever sent `request`.
    pub fn shape(self, request: &impl HttpMessage) -> Shape {
        match self {
            Dialect::Own if accept::read(request).problem => Shape::Problem,
            Dialect::Own => Shape::Plain,
        }
    }
}

impl Shape {
    /// The answer to a request that fails.
    pub fn answer(self, failure: &Failure) -> HttpResponse {
        let status = failure.status();
        if status.is_server_error() {
            tracing::error!(error = %failure, "a request failed");
        }
        let mut builder = HttpResponse::build(status);
        failure.headers().into_iter().for_each(|header| {
            builder.insert_header(header);
        });
        if let Some(version) = failure.version() {
            builder.insert_header((REVCONF_VERSION, version.to_string()));
        }
        let (kind, body) = match self {
            Shape::Plain => ("application/json", plain(failure, status)),
            Shape::Problem => ("application/problem+json", problem(failure, status)),
        };
        builder.insert_header((header::CONTENT_TYPE, kind)).body(Value::Object(body).to_string() + "\n")
    }
}

fn plain(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let mut body = members(failure, status);
    body.extend(failure.faults().map(|faults| ("detail".to_owned(), json!(faults))));
    body
}

fn problem(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let mut body = Map::from_iter([
        ("type".to_owned(), "about:blank".into()),
        ("title".to_owned(), status.canonical_reason().unwrap_or_default().into()),
        ("status".to_owned(), status.as_u16().into()),
        ("detail".to_owned(), failure.to_string().into()),
    ]);
    body.extend(members(failure, status));
    // RFC 9457 section 3.1.4 wants `detail` to be a string, so the list has another name here.
    body.extend(failure.faults().map(|faults| ("errors".to_owned(), json!(faults))));
    body
}

fn members(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let mut body = Map::from_iter([
        ("code".to_owned(), status.as_u16().into()),
        ("message".to_owned(), failure.to_string().into()),
    ]);
    if let Some(place) = failure.not_json() {
        body.insert("line".to_owned(), place.line.into());
        body.insert("column".to_owned(), place.column.into());
    }
    body
}
