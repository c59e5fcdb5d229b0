//! `/conf/{config}/backends` and `/backends`: Azure API Management's Backend entity.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::failure::Failure;
use super::filter::Filter;
use super::moment;
use super::sets::UPDATED;
use crate::registry::{Documents, Error, Outcome, Scope, Shown};

/// The names of the list's options.
pub const FILTER: &str = "$filter";
pub const TOP: &str = "$top";
pub const SKIP: &str = "$skip";
/// So many entities are on a page if nothing is said.
pub const DEFAULT_TOP: usize = 100;
/// So many entities are on a page at most.
pub const LARGEST_TOP: usize = 1000;

/// What is kept, and what is shown but for the id.
#[derive(Debug, Serialize, Deserialize)]
struct Entity<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    host: Cow<'a, str>,
    #[serde(rename = "skipCertificateChainValidation")]
    skip_certificate_chain_validation: bool,
}

impl<'a> Entity<'a> {
    fn read(document: &'a [u8]) -> Result<Self, Failure> {
        serde_json::from_slice(document).map_err(|_| Error::Broken.into())
    }

    /// Azure's ids say where an entity is.
    fn shown(self) -> Self {
        Entity { id: format!("/backends/{}", self.id).into(), ..self }
    }
}

fn body(entity: Entity<'_>) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&entity.shown()).map_err(|_| Error::Broken.into())
}

pub async fn list(call: Call) -> Reply {
    let kind = call.kind()?;
    let documents = match moment::of(&call)? {
        Some(moment) => call.registry().documents_at(call.configuration(), kind, moment).await?,
        None => call.registry().documents(call.configuration(), kind)?,
    };
    let top = call.query.whole(TOP).unwrap_or(DEFAULT_TOP);
    let skip = call.query.whole(SKIP).unwrap_or(0);
    let filter = call.query.filter(FILTER);
    let (count, value) = page(&documents, filter, skip, top)?;
    let next = skip.saturating_add(top);
    let link = (next < count).then(|| {
        let others = call.query_without(SKIP);
        let others = if others.is_empty() { others } else { others + "&" };
        format!("{}{}?{others}{SKIP}={next}", call.origin(), call.path())
    });
    let body = json!({"value": value, "count": count, "nextLink": link});
    Answer::json(StatusCode::OK, &body).version(documents.version).tagged(documents.tag(), &call.conditions)
}

/// How many entities pass, and those on the page.
fn page<'a>(
    documents: &'a Documents,
    filter: Option<&Filter>,
    skip: usize,
    top: usize,
) -> Result<(usize, Vec<Entity<'a>>), Failure> {
    let mut count = 0;
    let mut value = Vec::new();
    for (_, document) in documents.iter() {
        let on_page = count >= skip && value.len() < top;
        // Without a filter all pass, and only what is shown needs to be read.
        if filter.is_none() && !on_page {
            count += 1;
            continue;
        }
        let entity = Entity::read(document)?;
        if filter.is_some_and(|filter| !filter.takes(&entity.id, &entity.host)) {
            continue;
        }
        count += 1;
        if on_page {
            value.push(entity.shown());
        }
    }
    Ok((count, value))
}

pub async fn read(call: Call) -> Reply {
    let shown = match moment::shown(&call, Scope::Entry(call.kind()?, call.parameter("id"))).await? {
        Some(shown) => shown,
        None => call.registry().entry(call.place()?)?,
    };
    let body = body(Entity::read(&shown.body)?)?.into();
    Answer::read(Shown { body, ..shown }, &call.conditions)
}

pub async fn create(call: Call) -> Reply {
    let outcome = call.registry().create_entry(call.place()?, call.body.clone(), call.write()).await?;
    match outcome {
        Outcome::Done { version, tag, commit, document: Some(document), .. } => {
            let body = body(Entity::read(&document)?)?;
            let answer = Answer::new(StatusCode::CREATED, "application/json", body);
            Ok(answer.version(version).tags(tag).commit(commit).location(call.path()))
        }
        other => Ok(nothing(other)),
    }
}

pub async fn update(call: Call) -> Reply {
    require_if_match(&call)?;
    let outcome = call.registry().patch_entry(call.place()?, call.body.clone(), call.write()).await?;
    Ok(nothing(outcome))
}

pub async fn delete(call: Call) -> Reply {
    require_if_match(&call)?;
    let outcome = call.registry().delete_entry(call.place()?, call.write()).await?;
    Ok(nothing(outcome))
}

fn require_if_match(call: &Call) -> Result<(), Failure> {
    if call.conditions.if_match.is_some() { Ok(()) } else { Err(Failure::IfMatchRequired) }
}

/// The answer to a write that shows nothing; a dry run shows what would have changed.
fn nothing(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done { version, tag, commit, .. } => {
            Answer::new(StatusCode::NO_CONTENT, "", Vec::new()).version(version).tags(tag).commit(commit)
        }
        dry @ Outcome::Dry { .. } => UPDATED.answer(dry),
    }
}
