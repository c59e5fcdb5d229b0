//! What a request must pass before anything else is told about it: how often, who, and whether they may.

use std::time::Instant;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest};

use super::authentication::{self, Visitor};
use super::call::{Call, Pattern, Shared};
use super::failure::Failure;
use super::intent::is_write;
use super::needs::Needs;
use super::webhook;
use crate::access::audit::Trail;
use crate::access::{Caller, Denial, Role};

/// Lets a request in, or says why not. What is found out about who asks stays with the request.
///
/// # Errors
/// 429, 401, 403 or 503, in this order; none of them depends on what is stored.
pub async fn admit(
    request: &HttpRequest,
    needs: Needs,
    configuration: Option<&str>,
    shared: &Shared,
) -> Result<(), Failure> {
    let address = authentication::address(request, &shared.trust);
    let mut visitor = Visitor::stranger(address);
    if needs == Needs::Nothing {
        request.extensions_mut().insert(visitor);
        return Ok(());
    }
    let credential = authentication::credential(request, &shared.trust);
    visitor.way = credential.way();
    request.extensions_mut().insert(visitor.clone());
    if let Some(limit) = &shared.limits.address {
        limit.take(&address.into(), Instant::now()).map_err(Failure::too_often)?;
    }
    if needs == Needs::Something && is_public(request, shared) {
        return Ok(());
    }
    // The signature is over the body, so it is looked at where that is read.
    if needs == Needs::Secret && webhook::shows_secret(request) {
        return Ok(());
    }
    visitor.caller = shared.gate.who(&credential, address).await.map_err(|denial| match denial {
        Denial::Later(wait) => Failure::too_often(wait),
        denial => Failure::Unauthenticated(denial),
    })?;
    let caller = visitor.caller.clone();
    let name = visitor.name();
    request.extensions_mut().insert(visitor);
    if let (Some(limit), Some(name)) = (&shared.limits.principal, &name) {
        limit.take(name, Instant::now()).map_err(Failure::too_often)?;
    }
    check_role(&caller, needs, configuration)?;
    check_page(request, shared)?;
    check_trail(request, shared)
}

/// Whether who asked a while ago would be let in now. It counts for no limit.
///
/// # Errors
/// 401 or 403: the key or the role was taken away.
pub async fn admit_again(call: &Call) -> Result<(), Failure> {
    let (request, shared) = (call.request(), &call.shared);
    if call.needs == Needs::Nothing || call.needs == Needs::Something && is_public(request, shared) {
        return Ok(());
    }
    let credential = authentication::credential(request, &shared.trust);
    let address = authentication::address(request, &shared.trust);
    match shared.gate.who(&credential, address).await {
        Ok(caller) => check_role(&caller, call.needs, Some(call.configuration())),
        // Nobody is turned away for the guesses of others that come from the same address.
        Err(Denial::Later(_)) => Ok(()),
        Err(denial) => Err(Failure::Unauthenticated(denial)),
    }
}

fn check_role(caller: &Caller, needs: Needs, configuration: Option<&str>) -> Result<(), Failure> {
    let forbidden = |role| Failure::Forbidden { role, configuration: configuration.map(str::to_owned) };
    match needs {
        Needs::Nothing => Ok(()),
        Needs::Something | Needs::Secret if caller.may_something() => Ok(()),
        Needs::Something | Needs::Secret => Err(forbidden(Role::Reader)),
        Needs::Role(role) if configuration.is_some_and(|name| caller.may(role, name)) => Ok(()),
        Needs::Role(role) => Err(forbidden(role)),
    }
}

fn is_public(request: &HttpRequest, shared: &Shared) -> bool {
    let pattern = request.extensions().get::<Pattern>().cloned();
    let leads_to = |page: &String| {
        pattern.as_ref().is_some_and(|pattern| pattern.0.strip_prefix(page.as_str()).is_some_and(is_end))
    };
    shared.public.iter().any(leads_to)
}

fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// A browser sends what any page asks it to, with the password that it knows, and CORS only keeps the page from seeing
/// the answer. So a write that a page asks for is done only for pages of this service or of the origins that are listed.
fn check_page(request: &HttpRequest, shared: &Shared) -> Result<(), Failure> {
    let Some(origin) = request.headers().get(header::ORIGIN).filter(|_| is_write(request)) else {
        return Ok(());
    };
    let origin = String::from_utf8_lossy(origin.as_bytes());
    let own = origin.split_once("://").is_some_and(|(_, host)| host == request.connection_info().host());
    if own || shared.origins.iter().any(|listed| *listed == origin) {
        return Ok(());
    }
    Err(Failure::ForeignPage)
}

fn check_trail(request: &HttpRequest, shared: &Shared) -> Result<(), Failure> {
    let allowed = shared.trail.as_ref().is_none_or(Trail::allows_writes);
    if allowed || !is_write(request) { Ok(()) } else { Err(Failure::NoTrail) }
}
