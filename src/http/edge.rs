//! What surrounds every request: limits that come before routing, the shape of errors that the framework makes, and
//! headers that every answer has.

use std::time::Instant;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};
use tracing::Instrument;

use super::admission;
use super::body::Incoming;
use super::call::Shared;
use super::failure::Failure;
use super::headers::{self, IDENTITY, REQUEST_ID};
use super::needs::Needs;
use super::route::Unread;
use super::sending::Keeping;
use super::shape::{Shape, Shaped};
use super::{log, route, routes, trail};

/// In bytes, as HTTP/1 has it in the framework itself. HTTP/2 has no such limit there.
const LARGEST_HEAD: usize = 128 * 1024;

/// Where it is asked whether the service is well.
const HEALTH: &str = "/health/";

/// The outermost layer.
///
/// # Errors
/// Never: whatever goes wrong becomes an answer here.
pub async fn surround<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let (id, span) = log::begin(&request);
    let answered = answer(request, next, id).instrument(span.clone()).await;
    if let Ok(response) = &answered {
        span.in_scope(|| log::end(response, begun));
    }
    answered
}

async fn answer<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
    id: String,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let shared = request.app_data::<web::Data<Shared>>().cloned();
    let shared = shared.ok_or_else(|| ErrorInternalServerError("what requests share is missing"))?;
    let shape = routes::dialect_of(request.uri().path(), &shared.prefixes).shape(&request);
    let place = shared.crowd.admit(request.conn_data());
    // Whoever watches over the service must not take it for dead because many ask.
    let crowded = place.is_none() && !request.path().starts_with(HEALTH);
    let refused = if crowded { Some(Failure::Crowded) } else { too_large(&request, &shared) };
    let mut response = if let Some(failure) = refused {
        let incoming = Incoming::new(request.take_payload());
        let response = route::unread(shape.answer(&failure), incoming);
        request.into_response(response)
    } else {
        if !shared.crowd.may_compress() {
            request.headers_mut().remove(header::ACCEPT_ENCODING);
        }
        in_shape(next.call(request).await?, shape).map_into_boxed_body()
    };
    // RFC 9110 section 12.5.5: a cache must not take one form of an answer for another.
    let vary = HeaderValue::from_static("accept, accept-encoding, authorization");
    response.headers_mut().append(header::VARY, vary);
    if response.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == IDENTITY) {
        response.headers_mut().remove(header::CONTENT_ENCODING);
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if shared.crowd.is_dense() {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    headers::secure(&mut response);
    trail::record(&response);
    let compressed = response.headers().contains_key(header::CONTENT_ENCODING);
    let unread = response.response_mut().extensions_mut().remove::<Unread>();
    let kept = (place, compressed.then(|| shared.crowd.compress()), unread);
    Ok(response.map_body(|_, body| Keeping::new(body, kept).boxed()))
}

fn too_large(request: &ServiceRequest, shared: &Shared) -> Option<Failure> {
    let length = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if length > shared.max_uri {
        return Some(Failure::UrlTooLong { limit: shared.max_uri });
    }
    if request.version() != Version::HTTP_2 {
        return None;
    }
    let headers = request.headers().iter();
    let head: usize = headers.map(|(name, value)| name.as_str().len() + value.len()).sum();
    (head > LARGEST_HEAD).then_some(Failure::HeadTooLarge { limit: LARGEST_HEAD })
}

/// Gives errors that did not come from a handler the body that all others have.
fn in_shape<B>(response: ServiceResponse<B>, shape: Shape) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let shaped = kind.is_some_and(|kind| kind.starts_with(b"application/"))
        || response.response().extensions().contains::<Shaped>();
    if !(status.is_client_error() || status.is_server_error()) || shaped {
        return response.map_into_left_body();
    }
    let failure = match status {
        StatusCode::NOT_ACCEPTABLE => Failure::EncodingNotAcceptable,
        _ => Failure::Framework(status),
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, shape.answer(&failure)).map_into_right_body()
}

/// The answer where no route is.
pub async fn nothing(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let path = request.uri().path().to_owned();
    let hint = if path.len() > 1 && path.ends_with('/') { "; leave out the slash at the end" } else { "" };
    let shape = routes::dialect_of(&path, &shared.prefixes).shape(&request);
    let admitted = admission::admit(&request, Needs::Something, None, &shared).await;
    shape.answer(&admitted.err().unwrap_or(Failure::NoRoute { path, hint }))
}
