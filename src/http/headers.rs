//! Headers that are this service's own, and those that tell browsers and caches to be careful.

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Says which version of the configuration an answer is from.
pub const REVCONF_VERSION: HeaderName = HeaderName::from_static("revconf-version");

/// Which preference of the client's was heeded (RFC 7240 section 3).
pub const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Keeps an answer from being compressed. It goes no further than the layer that would.
pub const IDENTITY: &str = "identity";

/// The request's id in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Of the page of documentation: its own parts, and the styles that its scripts make.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           base-uri 'self'; form-action 'none'; frame-ancestors 'none'";
/// Of everything else, which is no page.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Two years, in seconds.
const TRANSPORT: &str = "max-age=63072000";

/// Adds what every answer has: it is what its type says and nothing else, is shown in no frame, and is nobody's to keep
/// but the one's who asked, who asks again each time.
pub fn secure<B>(response: &mut ServiceResponse<B>) {
    let request = response.request();
    let page =
        request.path().strip_prefix("/docs").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let encrypted = request.app_config().secure();
    let status = response.status();
    let shown = reads && (status.is_success() || status.is_redirection());
    let mut add = |name: HeaderName, value: &'static str| {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    add(X_FRAME_OPTIONS, "DENY");
    add(REFERRER_POLICY, "no-referrer");
    add(CONTENT_SECURITY_POLICY, if page { PAGE_POLICY } else { POLICY });
    // A tag is still of use: no-cache means that the answer is kept, and asked about each time.
    add(CACHE_CONTROL, if shown { "private, no-cache" } else { "no-store" });
    if encrypted {
        add(STRICT_TRANSPORT_SECURITY, TRANSPORT);
    }
}
