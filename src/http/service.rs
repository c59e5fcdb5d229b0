//! The service's own pages: health, metrics, and the description of the API.

use std::sync::Arc;

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;

/// The media type of Prometheus' text format.
pub const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub async fn live(_: Call) -> Reply {
    Ok(Answer::json(StatusCode::OK, &json!({"status": "live"})))
}

pub async fn ready(call: Call) -> Reply {
    if call.registry().is_ready() {
        return Ok(Answer::json(StatusCode::OK, &json!({"status": "ready"})));
    }
    Err(Failure::NotReady)
}

pub async fn metrics(call: Call) -> Reply {
    Ok(Answer::new(StatusCode::OK, PROMETHEUS, (call.shared.metrics)()))
}

pub async fn openapi(call: Call) -> Reply {
    let answer = Answer::new(StatusCode::OK, "application/json", call.shared.openapi.clone()).shared();
    answer.tagged_by_body(&call.conditions)
}

pub async fn docs(call: Call) -> Reply {
    // No validator: it would be asked from outside.
    let config = utoipa_swagger_ui::Config::from("/openapi.json").validator_url("none");
    let missing = || Failure::NoRoute { path: call.path().to_owned(), hint: "" };
    let file = call.parameter("file");
    let found =
        utoipa_swagger_ui::serve(file, Arc::new(config)).map_err(|_| missing())?.ok_or_else(missing)?;
    if !file.is_empty() {
        return Answer::file(&found.content_type, found.bytes.into_owned()).tagged_by_body(&call.conditions);
    }
    // The page names its parts relative to a folder, and is itself served without a slash at the end.
    let page = String::from_utf8_lossy(&found.bytes).replacen("<head>", "<head><base href=\"/docs/\">", 1);
    Answer::file(&found.content_type, page).tagged_by_body(&call.conditions)
}
