//! `…/versions`, `…/versions/{version}` and `…/versions/{version}/revert` of configurations, sets and entries.

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;
use super::sets::UPDATED;
use crate::registry::{Form, Moment, Query, Scope, Write};

/// So many versions are on a page if nothing is said, and at most.
pub const LARGEST_PAGE: usize = 1000;

/// A difference as text.
const TEXT_DIFF: &str = "text/x-diff; charset=utf-8";

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
    let link = link_to_next(&call, limit, page.next);
    let answer = Answer::json(StatusCode::OK, &json!({"total": page.total, "items": page.items}));
    answer.version(page.version).link(link).tagged_by_body(&call.conditions)
}

/// The header that leads to the page after the one that ends with `next`.
pub fn link_to_next(call: &Call, limit: usize, next: Option<String>) -> Option<String> {
    let others = call.query_without("after");
    let others = match (call.query.text("limit"), others.as_str()) {
        (Some(_), others) => others.to_owned(),
        (None, "") => format!("limit={limit}"),
        (None, others) => format!("{others}&limit={limit}"),
    };
    next.map(|next| format!("<{}?{others}&after={next}>; rel=\"next\"", call.path()))
}

pub async fn read(call: Call, about: About) -> Reply {
    let _looking = call.shared.bodies.look().await?;
    let moment = Moment::Version(call.parameter("version").to_owned());
    let shown = call.registry().version(call.configuration(), about(&call)?, moment).await?;
    Answer::read(shown, &call.conditions)
}

pub async fn diff(call: Call, about: About) -> Reply {
    let (version, against) = (call.parameter("version"), call.query.text("against"));
    let (form, media_type) = match call.prefers_diff() {
        true => (Form::Text, TEXT_DIFF),
        false => (Form::Patches, "application/json"),
    };
    let scope = about(&call)?;
    let _looking = call.shared.bodies.look().await?;
    let shown = call.registry().difference(call.configuration(), scope, version, against, form).await?;
    let answer = Answer::new(StatusCode::OK, media_type, shown.body).version(shown.version);
    answer.tagged(shown.tag, &call.conditions)
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
