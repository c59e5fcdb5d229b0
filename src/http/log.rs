//! One line in the log for each request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use metrics::{Counter, Histogram, Label};
use tracing::{Level, Span};

use super::answer::MadeCommit;
use super::authentication::Visitor;
use super::call::Pattern;
use crate::access::key;

/// A request's id, as the log and the answer's header tell it.
#[derive(Clone)]
struct RequestId(String);

/// Ids are a thread's own number, by chance, and a count.
struct Ids {
    thread: u64,
    count: u64,
}

thread_local! {
    static IDS: RefCell<Ids> = RefCell::new(Ids { thread: by_chance(), count: 0 });
}

fn by_chance() -> u64 {
    // Without chance the ids of two processes may be alike, which no request shall fail for.
    getrandom::u64().unwrap_or_default()
}

/// Gives a request its id.
///
/// The id, and the span in which the request is worked on.
pub fn begin(request: &ServiceRequest) -> (String, Span) {
    let id = IDS.with_borrow_mut(|Ids { thread, count }| {
        *count += 1;
        format!("{thread:016x}-{count:08x}")
    });
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::error_span!("request", request_id = id);
    (id, span)
}

/// Writes the line of a request that is answered, and counts it.
pub fn end<B>(response: &ServiceResponse<B>, begun: Instant) {
    let request = response.request();
    let duration = begun.elapsed().as_secs_f64();
    let status = response.status().as_u16();
    if tracing::enabled!(Level::INFO) {
        let commit = response.response().extensions().get::<MadeCommit>().map(|made| made.0.to_string());
        let principal = request.extensions().get::<Visitor>().and_then(Visitor::name);
        tracing::info!(
            method = request.method().as_str(),
            path = &*key::redact(request.uri().path()),
            status,
            duration_ms = (duration * 1e6).round() / 1e3,
            commit,
            principal = principal.as_deref(),
            "request"
        );
    }
    let route =
        request.extensions().get::<Pattern>().map_or_else(|| "none".into(), |found| Arc::clone(&found.0));
    count(Counted { route, method: known(request.method()), status }, duration);
}

/// What requests are counted by.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Counted {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

thread_local! {
    /// Finding a metric by its labels takes longer than a whole read from the snapshot, so each thread remembers those
    /// that it has used. Routes, methods and statuses are few.
    static METRICS: RefCell<HashMap<Counted, (Counter, Histogram)>> = RefCell::default();
}

fn count(counted: Counted, duration: f64) {
    METRICS.with_borrow_mut(|metrics| {
        let (requests, durations) =
            metrics.entry(counted).or_insert_with_key(|Counted { route, method, status }| {
                let labels = [
                    Label::from_static_parts("method", method),
                    Label::new("route", Arc::clone(route)),
                    Label::new("status", status.to_string()),
                ];
                let durations = metrics::histogram!("revconf_http_request_seconds", labels[..2].iter());
                (metrics::counter!("revconf_http_requests_total", labels.iter()), durations)
            });
        requests.increment(1);
        durations.record(duration);
    });
}

/// A method's name for a label: what a client makes up must not make up labels, which are kept for ever.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// A request's id, as the answer's header tells it too.
pub fn id(request: &impl HttpMessage) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}
