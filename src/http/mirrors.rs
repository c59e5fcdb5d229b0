//! `/mirrors`

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::webhook;
use crate::access::Role;

pub async fn list(call: Call) -> Reply {
    // A grant whose pattern takes in a pattern's own stars takes in all that these stand for.
    let caller = call.caller();
    let may = |role| move |pattern: &str| caller.may(role, pattern);
    let mirrors = call.registry().mirrors(may(Role::Reader), may(Role::Admin));
    Ok(Answer::json(StatusCode::OK, &json!({"total": mirrors.len(), "items": mirrors})))
}

/// What is shown was held against the mirror's secret when the request was read.
pub async fn call(call: Call) -> Reply {
    let by_secret = webhook::shows_secret(call.request());
    let may = |name: &str| by_secret || call.caller().may(Role::Editor, name);
    call.registry().call_mirror(call.parameter("id"), may)?;
    Ok(Answer::json(StatusCode::ACCEPTED, &json!({"message": "The mirror looks for something new"})))
}
