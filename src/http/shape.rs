//! How failures look: the service's own shape, that of RFC 9457 for those who ask for it, and Azure's.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpResponse};
use serde_json::{Map, Value, json};

use super::accept;
use super::failure::{self, Failure};
use super::headers::REVCONF_VERSION;
use crate::document::{Fault, Step};
use crate::registry::{Error, OperationFault, Reason, Rejection};

/// Whose words a route speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Those of this service, which are Reblaze's.
    Own,
    /// Those of Azure API Management.
    Azure,
    /// Those of git's clients, which show text to whoever uses them.
    Git,
}

/// How a failure's body looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"code","message"}`, and `detail` for broken rules.
    Plain,
    /// RFC 9457, with the same members.
    Problem,
    /// `{"error":{"code","message","details"}}`
    Azure,
    /// The message alone, a line of text.
    Text,
}

/// Noted with an answer of text that has its shape: what the framework makes is text as well.
pub struct Shaped;

impl Dialect {
    /// The shape of failures in this dialect for whoever sent `request`.
    pub fn shape(self, request: &impl HttpMessage) -> Shape {
        match self {
            Dialect::Own if accept::read(request).problem => Shape::Problem,
            Dialect::Own => Shape::Plain,
            Dialect::Azure => Shape::Azure,
            Dialect::Git => Shape::Text,
        }
    }
}

impl Shape {
    /// The answer to a request that fails.
    pub fn answer(self, failure: &Failure) -> HttpResponse {
        let status = match failure.status() {
            // Azure's contract has one status for all that is wrong with a request.
            StatusCode::UNPROCESSABLE_ENTITY if self == Shape::Azure => StatusCode::BAD_REQUEST,
            status => status,
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(error = %failure, "a request was put off");
        } else if status.is_server_error() {
            tracing::error!(error = %failure, "a request failed");
        }
        let mut builder = HttpResponse::build(status);
        if failure.ends_connection() {
            builder.force_close();
        }
        failure.headers().into_iter().for_each(|header| {
            builder.append_header(header);
        });
        if let Some(version) = failure.version() {
            builder.insert_header((REVCONF_VERSION, version.to_string()));
        }
        let (kind, body) = match self {
            Shape::Plain => ("application/json", plain(failure, status)),
            Shape::Problem => ("application/problem+json", problem(failure, status)),
            Shape::Azure => ("application/json", azure(failure, status)),
            Shape::Text => {
                builder.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
                let mut response = builder.body(text(failure));
                response.extensions_mut().insert(Shaped);
                return response;
            }
        };
        builder.insert_header((header::CONTENT_TYPE, kind)).body(Value::Object(body).to_string() + "\n")
    }
}

fn text(failure: &Failure) -> String {
    let faults: Vec<_> = failure.faults().unwrap_or_default().iter().map(Fault::to_string).collect();
    if faults.is_empty() { format!("{failure}\n") } else { faults.join("\n") + "\n" }
}

fn plain(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let mut body = members(failure, status);
    body.extend(faults(failure).map(|faults| ("detail".to_owned(), faults)));
    body
}

/// Everything that is wrong, with its place.
fn faults(failure: &Failure) -> Option<Value> {
    let of_operations = failure.operations().map(|faults| faults.iter().map(of_operation).collect());
    failure.faults().map(|faults| json!(faults)).or(of_operations)
}

fn of_operation(fault: &OperationFault) -> Value {
    let state = match fault.reason {
        Reason::Absent => "not_found",
        Reason::Exists => "exists",
        Reason::Stale | Reason::Rule => "precondition_failed",
    };
    json!({
        "loc": fault.loc,
        "msg": fault.msg,
        "type": fault.rule.map_or_else(|| json!(state), |rule| json!(rule)),
        "operation": fault.operation(),
        "pointer": fault.pointer(),
        "code": failure::of_operation(fault.reason).as_u16(),
    })
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
    body.extend(faults(failure).map(|faults| ("errors".to_owned(), faults)));
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
    if let Some((total, conflicts)) = failure.conflicts() {
        body.insert("total".to_owned(), total.into());
        body.insert("conflicts".to_owned(), json!(conflicts));
    }
    body
}

fn azure(failure: &Failure, status: StatusCode) -> Map<String, Value> {
    let detail = |code: String, target: String, message: &str| json!({"code": code, "target": target, "message": message});
    let mut details: Vec<Value> = failure
        .faults()
        .unwrap_or_default()
        .iter()
        .map(|fault| detail(format!("{:?}", fault.kind), target(&fault.loc), &fault.msg))
        .collect();
    details.extend(
        failure.not_json().map(|place| detail("Json".to_owned(), "body".to_owned(), &place.to_string())),
    );
    let message = match failure.faults() {
        Some(faults) => faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "),
        None => failure.to_string(),
    };
    let error = json!({"code": azure_code(failure, status), "message": message, "details": details});
    Map::from_iter([("error".to_owned(), error)])
}

/// The name of a field or parameter; the body as a whole has none of its own.
fn target(loc: &[Step]) -> String {
    let steps = loc.iter().skip(1).map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    let target = steps.collect::<Vec<_>>().join(".");
    if target.is_empty() { "body".to_owned() } else { target }
}

/// Clients decide by these words, so they never change.
fn azure_code(failure: &Failure, status: StatusCode) -> &'static str {
    match (failure, status) {
        (Failure::IfMatchRequired, _) => "IfMatchRequired",
        (Failure::BadHeader { .. }, _) => "InvalidHeader",
        (Failure::Rejected(Rejection { error: Error::NotToday { .. }, .. }), _) => "VersionNotReadable",
        (_, StatusCode::BAD_REQUEST) => "ValidationError",
        (_, StatusCode::UNAUTHORIZED) => "Unauthorized",
        (_, StatusCode::FORBIDDEN) => "Forbidden",
        (_, StatusCode::TOO_MANY_REQUESTS) => "TooManyRequests",
        (_, StatusCode::NOT_FOUND) => "ResourceNotFound",
        (_, StatusCode::METHOD_NOT_ALLOWED) => "MethodNotAllowed",
        (_, StatusCode::NOT_ACCEPTABLE) => "NotAcceptable",
        (_, StatusCode::CONFLICT) => "ResourceExists",
        (_, StatusCode::PRECONDITION_FAILED) => "PreconditionFailed",
        (_, StatusCode::REQUEST_TIMEOUT) => "RequestTimeout",
        (_, StatusCode::PAYLOAD_TOO_LARGE) => "RequestTooLarge",
        (_, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => "HeadersTooLarge",
        (_, StatusCode::URI_TOO_LONG) => "UriTooLong",
        (_, StatusCode::UNSUPPORTED_MEDIA_TYPE) => "UnsupportedMediaType",
        (_, StatusCode::SERVICE_UNAVAILABLE) => "ServiceUnavailable",
        (_, status) if status.is_client_error() => "BadRequest",
        _ => "InternalError",
    }
}
