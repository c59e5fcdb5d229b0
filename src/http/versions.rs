//! `…/versions`, `…/versions/{version}` and `…/versions/{version}/revert` of configurations, sets and entries.

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;
use super::sets::UPDATED;
use crate::registry::{Query, Scope, Write};

/// So many versions are on a page if nothing is said, and at most.
pub const LARGEST_PAGE: usize = 1000;

/// What the route is about.
type About = fn(&Call) -> Result<Scope<'_>, Failure>;

pub async fn list(call: Call, about: About) -> Reply {
    let query = &call.query;
    let wanted = Query {
        limit: query.whole("limit").unwrap_or(LARGEST_PAGE),
        after: query.text("after").map(str::to_owned),
        author: query.text("author").map(str::to_owned),
        text: query.text("q").map(str::to_owned),
        since: query.time("since"),
        until: query.time("until"),
    };
    let limit = wanted.limit;
    let page = call.registry().versions(call.configuration(), about(&call)?, wanted).await?;
    let link = page.next.map(|next| {
        let others = call.query_without("after");
        let others = match (call.query.text("limit"), others.as_str()) {
            (Some(_), others) => others.to_owned(),
            (None, "") => format!("limit={limit}"),
            (None, others) => format!("{others}&limit={limit}"),
        };
        format!("<{}?{others}&after={next}>; rel=\"next\"", call.path())
    });
    let answer = Answer::json(StatusCode::OK, &json!({"total": page.total, "items": page.items}));
    answer.version(page.version).link(link).tagged_by_body(&call.conditions)
}

pub async fn read(call: Call, about: About) -> Reply {
    let version = call.parameter("version");
    let shown = call.registry().version(call.configuration(), about(&call)?, version).await?;
    Answer::read(shown, &call.conditions)
}

pub async fn revert(call: Call, about: About) -> Reply {
    let share = call.shared.bodies.undertake().await?;
    let (version, write) = (call.parameter("version"), Write { share, ..call.write() });
    let outcome = call.registry().revert(call.configuration(), about(&call)?, version, write).await?;
    Ok(UPDATED.answer(outcome))
}

#[expect(clippy::unnecessary_wraps, reason = "one of three that share a type")]
pub fn configuration(_: &Call) -> Result<Scope<'_>, Failure> {
    Ok(Scope::Configuration)
}

pub fn set(call: &Call) -> Result<Scope<'_>, Failure> {
    Ok(Scope::Set(call.kind()?))
}

pub fn entry(call: &Call) -> Result<Scope<'_>, Failure> {
    Ok(Scope::Entry(call.kind()?, call.parameter("id")))
}
