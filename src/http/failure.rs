//! Why a request is not done, as an answer: the one table from error to status, and the two shapes of its body.

use actix_web::HttpResponse;
use actix_web::http::{Method, StatusCode, header};
use serde_json::{Map, Value, json};

use super::headers::REVCONF_VERSION;
use crate::document::Fault;
use crate::registry::{Error, Refused, Rejection};

/// Everything that a request can fail of.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Rejected(#[from] Rejection),
    #[error("there is nothing at {path}{hint}")]
    NoRoute { path: String, hint: &'static str },
    #[error("{method} cannot be used here; what can be used is {allow}")]
    MethodNotAllowed { method: Method, allow: String },
    #[error("this is answered as application/json only, which Accept does not take")]
    NotAcceptable,
    #[error("this is answered as identity, gzip, br or zstd, none of which Accept-Encoding takes")]
    EncodingNotAcceptable,
    #[error("the body must be application/json in UTF-8, not {0}")]
    UnsupportedMediaType(String),
    #[error("the body is larger than {limit} bytes, which is the limit here")]
    BodyTooLarge { limit: usize },
    #[error("the URL is longer than {limit} bytes, which is the limit here")]
    UrlTooLong { limit: usize },
    #[error("the header {name} is malformed: {reason}")]
    BadHeader { name: &'static str, reason: String },
    #[error("the body could not be read: {0}")]
    BodyLost(String),
    #[error("Request does not match schema")]
    BadQuery(Vec<Fault>),
    #[error("writes are not taken now")]
    NotReady,
    /// What the framework refuses by itself.
    #[error("{}", .0.canonical_reason().unwrap_or("the request cannot be answered"))]
    Framework(StatusCode),
}

/// In seconds: by then a queue of changes has been worked off many times over.
const RETRY_AFTER: &str = "1";

impl Failure {
    /// The table.
    pub fn status(&self) -> StatusCode {
        match self {
            Failure::Rejected(rejection) => match &rejection.error {
                Error::NoConfiguration(_)
                | Error::NoEntry { .. }
                | Error::NoVersion { .. }
                | Error::NotInVersion { .. }
                | Error::NoArchive { .. } => StatusCode::NOT_FOUND,
                Error::ConfigurationExists(_) | Error::EntryExists { .. } | Error::SetNotEmpty { .. } => {
                    StatusCode::CONFLICT
                }
                Error::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
                Error::NotJson(_) => StatusCode::BAD_REQUEST,
                Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
                Error::NotTaken(_) => StatusCode::SERVICE_UNAVAILABLE,
                Error::Damaged(_) | Error::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Failure::NoRoute { .. } => StatusCode::NOT_FOUND,
            Failure::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Failure::NotAcceptable | Failure::EncodingNotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Failure::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Failure::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Failure::UrlTooLong { .. } => StatusCode::URI_TOO_LONG,
            Failure::BadHeader { .. } | Failure::BodyLost(_) => StatusCode::BAD_REQUEST,
            Failure::BadQuery(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Framework(status) => *status,
        }
    }

    /// The answer; `problem` asks for the shape of RFC 9457.
    pub fn into_response(self, problem: bool) -> HttpResponse {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %self, "a request failed");
        }
        let mut builder = HttpResponse::build(status);
        match &self {
            Failure::MethodNotAllowed { allow, .. } => {
                builder.insert_header((header::ALLOW, allow.as_str()));
            }
            Failure::Rejected(Rejection { error: Error::NotTaken(refused), .. })
                if !matches!(refused, Refused::Unknown(_)) =>
            {
                builder.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            Failure::NotReady => {
                builder.insert_header((header::RETRY_AFTER, RETRY_AFTER));
            }
            _ => {}
        }
        if let Failure::Rejected(Rejection { version: Some(version), .. }) = &self {
            builder.insert_header((REVCONF_VERSION, version.to_string()));
        }
        let kind = if problem { "application/problem+json" } else { "application/json" };
        builder
            .insert_header((header::CONTENT_TYPE, kind))
            .body(self.body(status, problem).to_string() + "\n")
    }

    fn body(&self, status: StatusCode, problem: bool) -> Value {
        let mut body = Map::new();
        let message = self.to_string();
        if problem {
            body.insert("type".to_owned(), "about:blank".into());
            body.insert("title".to_owned(), status.canonical_reason().unwrap_or_default().into());
            body.insert("status".to_owned(), status.as_u16().into());
            body.insert("detail".to_owned(), message.clone().into());
        }
        body.insert("code".to_owned(), status.as_u16().into());
        body.insert("message".to_owned(), message.into());
        match self {
            Failure::Rejected(Rejection { error: Error::NotJson(error), .. }) => {
                body.insert("line".to_owned(), error.line.into());
                body.insert("column".to_owned(), error.column.into());
            }
            Failure::Rejected(Rejection { error: Error::Invalid(faults), .. })
            | Failure::BadQuery(faults) => {
                // RFC 9457 section 3.1.4 wants `detail` to be a string, so the list has another name there.
                body.insert(if problem { "errors" } else { "detail" }.to_owned(), json!(faults));
            }
            _ => {}
        }
        Value::Object(body)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Rejected(error.into())
    }
}
