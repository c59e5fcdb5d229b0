//! One line in the log for each request.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{Error, HttpMessage};
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

use super::answer::MadeCommit;
use super::authentication::Visitor;
use crate::access::key;

/// Makes the span in which a request is worked on, and the line when it is done.
pub struct RequestLine;

#[derive(Clone, Copy)]
struct Begun(Instant);

impl RootSpanBuilder for RequestLine {
    fn on_request_start(request: &ServiceRequest) -> Span {
        request.extensions_mut().insert(Begun(Instant::now()));
        tracing::error_span!("request", request_id = id(request))
    }

    fn on_request_end<B: MessageBody>(_: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let Ok(response) = outcome else { return };
        let request = response.request();
        let begun = request.extensions().get::<Begun>().map_or_else(Instant::now, |begun| begun.0);
        let duration = begun.elapsed().as_secs_f64();
        let (method, status) = (request.method().as_str(), response.status().as_u16());
        let commit = response.response().extensions().get::<MadeCommit>().map(|made| made.0.to_string());
        let principal = request.extensions().get::<Visitor>().and_then(Visitor::name);
        tracing::info!(
            method,
            path = &*key::redact(request.uri().path()),
            status,
            duration_ms = (duration * 1e6).round() / 1e3,
            commit,
            principal = principal.as_deref(),
            "request"
        );
        let route = request.match_pattern().unwrap_or_else(|| "none".to_owned());
        let labels = [
            ("method", known(request.method()).to_owned()),
            ("route", route),
            ("status", status.to_string()),
        ];
        metrics::counter!("revconf_http_requests_total", &labels).increment(1);
        metrics::histogram!("revconf_http_request_seconds", &labels[..2]).record(duration);
    }
}

/// A method's name for a label: what a client makes up must not make up labels, which are kept for ever.
fn known(method: &Method) -> &str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}

/// A request's id, as the answer's header tells it too.
pub fn id(request: &impl HttpMessage) -> String {
    request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}
