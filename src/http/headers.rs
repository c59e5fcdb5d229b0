//! Headers that are this service's own.

use actix_web::http::header::HeaderName;

/// Says which version of the configuration an answer is from.
pub const REVCONF_VERSION: HeaderName = HeaderName::from_static("revconf-version");

/// The request's id in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
