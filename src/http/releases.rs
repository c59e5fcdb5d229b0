//! `/conf/configs/{config}/releases`

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::sets::{CREATED, DELETED, UPDATED};
use super::versions::{LARGEST_PAGE, link_to_next};

pub async fn list(call: Call) -> Reply {
    let limit = call.query.whole("limit").unwrap_or(LARGEST_PAGE);
    let page = call.registry().releases(call.configuration(), limit, call.query.text("after")).await?;
    let link = link_to_next(&call, limit, page.next);
    let answer = Answer::json(StatusCode::OK, &json!({"total": page.total, "items": page.items}));
    answer.version(page.version).link(link).tagged_by_body(&call.conditions)
}

pub async fn read(call: Call) -> Reply {
    let (release, tag, version) =
        call.registry().release(call.configuration(), call.parameter("release")).await?;
    Answer::json(StatusCode::OK, &release).version(version).tagged(tag, &call.conditions)
}

pub async fn create(call: Call) -> Reply {
    let (name, body, write) = (call.parameter("release"), call.body.clone(), call.write());
    let released = call.registry().create_release(call.configuration(), name, body, write).await?;
    let done = if released.is_new { CREATED } else { UPDATED };
    Ok(done.answer(released.outcome).location(call.path()))
}

pub async fn delete(call: Call) -> Reply {
    let name = call.parameter("release");
    let outcome = call.registry().delete_release(call.configuration(), name, call.write()).await?;
    Ok(DELETED.answer(outcome))
}
