//! The audit trail's records of requests: of all writes, and of all that were refused for who asked or how often.

use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage, HttpRequest, web};

use super::answer::MadeCommit;
use super::authentication::{self, Visitor};
use super::call::Shared;
use super::{intent, log};
use crate::access::audit::{Outcome, Record};
use crate::access::key;
use crate::registry::door::Fate;
use crate::registry::pushes::Update;

/// Where pushes go.
const PUSH: &str = "/git/git-receive-pack";
/// In characters: a flood of long paths shall not fill the trail sooner than one of short ones.
const LONGEST_PATH: usize = 1024;

/// Writes the record of a request that is answered so, if it is to have one.
pub fn record<B>(response: &ServiceResponse<B>) {
    let request = response.request();
    let Some(shared) = request.app_data::<web::Data<Shared>>() else { return };
    let Some(trail) = &shared.trail else { return };
    let status = response.status().as_u16();
    let outcome = Outcome::of(status);
    if !intent::is_write(request) && !outcome.is_refusal() {
        return;
    }
    // It is answered before anything is decided, and each of its refs has a record of its own.
    if request.path() == PUSH && outcome == Outcome::Done {
        return;
    }
    // Some are refused before it is asked who asks, such as those whose URL is too long.
    let stranger = || Visitor::stranger(authentication::address(request, &shared.trust));
    let visitor = request.extensions().get::<Visitor>().cloned().unwrap_or_else(stranger);
    let commit = response.response().extensions().get::<MadeCommit>().map(|made| made.0.to_string());
    let path: String = key::redact(request.uri().path()).chars().take(LONGEST_PATH).collect();
    trail.write(&Record {
        principal: visitor.caller.principal().map(|who| who.name.as_str()),
        way: visitor.way.name(),
        address: visitor.address,
        method: request.method().as_str(),
        path: &path,
        dry_run: request.query_string().split('&').any(|pair| pair == "dry_run=true"),
        status,
        outcome,
        commit,
        request_id: &log::id(request),
    });
}

/// What a push leaves in the log and the trail for each ref, when it is known what became of that.
pub struct PushRecord {
    visitor: Option<Visitor>,
    request_id: String,
}

impl PushRecord {
    /// Of the request that pushes.
    pub fn of(request: &HttpRequest) -> Self {
        PushRecord { visitor: request.extensions().get::<Visitor>().cloned(), request_id: log::id(request) }
    }

    /// Writes what became of a ref.
    pub fn write(&self, shared: &Shared, update: &Update, fate: Fate<'_>) {
        let Some(visitor) = &self.visitor else { return };
        let principal = visitor.caller.principal().map(|who| who.name.as_str());
        let (name, request_id) = (update.name.as_str(), self.request_id.as_str());
        let (status, outcome, refused) = match fate {
            Fate::Done => (200, Outcome::Done, None),
            Fate::Forbidden(why) => (403, Outcome::of(403), Some(why)),
            Fate::Refused(why) => (409, Outcome::Rejected, Some(why)),
        };
        let commit = update.to.map(|id| id.to_string()).filter(|_| refused.is_none());
        tracing::info!(name, commit, refused, principal, request_id, "push");
        let Some(trail) = &shared.trail else { return };
        let path: String = format!("/git/{name}").chars().take(LONGEST_PATH).collect();
        trail.write(&Record {
            principal,
            way: visitor.way.name(),
            address: visitor.address,
            method: "PUSH",
            path: &path,
            dry_run: false,
            status,
            outcome,
            commit,
            request_id,
        });
    }
}
