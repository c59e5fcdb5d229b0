//! Whether a request may change something.

use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest};

use super::call::Pattern;

/// Where git fetches, which it does by POST.
pub const FETCH: &str = "/git/git-upload-pack";

/// Whether a request may change something.
pub fn is_write(request: &HttpRequest) -> bool {
    let fetches = request.extensions().get::<Pattern>().is_some_and(|pattern| &*pattern.0 == FETCH);
    ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) && !fetches
}
