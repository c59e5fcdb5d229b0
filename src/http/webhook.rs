//! Notices of other servers, which show a secret in the place of a principal.

use actix_web::HttpRequest;

use super::body::{Bodies, Incoming};
use super::failure::Failure;
use crate::access::webhook::Secret;

/// As GitHub, Gitea and Forgejo have it: `sha256=` and the signature of the body.
const SIGNATURE: &str = "x-hub-signature-256";
/// As GitLab has it: the secret itself.
const TOKEN: &str = "x-gitlab-token";

/// Whether a request shows a secret, be it right or wrong.
pub fn shows_secret(request: &HttpRequest) -> bool {
    [SIGNATURE, TOKEN].iter().any(|name| request.headers().contains_key(*name))
}

/// Reads a notice, and holds what it shows against the mirror's secret, if it shows something. Nothing of the body is
/// kept.
///
/// # Errors
/// 401 if it is not right, in the same words whatever is wrong; 408 or 413.
pub async fn read(
    request: &HttpRequest,
    incoming: &mut Incoming,
    bodies: &Bodies,
    secret: Option<&Secret>,
) -> Result<(), Failure> {
    if !shows_secret(request) {
        return bodies.pass_over(request, incoming).await;
    }
    let secret = secret.ok_or(Failure::WrongSecret)?;
    let right = match request.headers().get(SIGNATURE) {
        Some(signature) => {
            let mut notice = secret.notice();
            bodies.feed(request, incoming, |chunk| notice.read(chunk)).await?;
            let hex = signature.to_str().ok().and_then(|text| text.strip_prefix("sha256="));
            hex.is_some_and(|hex| notice.has(hex))
        }
        None => {
            bodies.pass_over(request, incoming).await?;
            request.headers().get(TOKEN).is_some_and(|token| secret.is(token.as_bytes()))
        }
    };
    if right { Ok(()) } else { Err(Failure::WrongSecret) }
}
