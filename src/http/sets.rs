//! `/conf/{config}/{kind}`, and what the answers to all writes have in common.

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Reply};
use super::call::Call;
use super::moment;
use crate::registry::{Mode, Outcome, Scope};

/// The word of the parameter `mode` for [`Mode::Merge`].
pub const MERGE: &str = "merge";

/// How the answer to a write that was done looks.
pub struct Done {
    status: StatusCode,
    message: &'static str,
}

pub const CREATED: Done = Done { status: StatusCode::CREATED, message: "Successfully created entry" };
pub const UPDATED: Done = Done { status: StatusCode::OK, message: "Successfully updated entry" };
pub const DELETED: Done = Done { status: StatusCode::OK, message: "Successfully deleted entry" };
pub const APPLIED: Done = Done { status: StatusCode::OK, message: "Successfully applied transaction" };
pub const MERGED: Done = Done { status: StatusCode::OK, message: "Successfully merged configuration" };
pub const NOTHING: Done = Done { status: StatusCode::OK, message: "There was nothing to merge" };
const DRY: &str = "Dry run: nothing was written";

impl Done {
    /// The answer to a write.
    pub fn answer(&self, outcome: Outcome) -> Answer {
        self.with(outcome, Map::new())
    }

    /// The answer to a write that has more to tell if it was done.
    pub fn with(&self, outcome: Outcome, more: Map<String, Value>) -> Answer {
        match outcome {
            Outcome::Dry { version, diff } => {
                let answer = Answer::json(StatusCode::OK, &json!({"message": DRY, "diff": diff}));
                if let Some(version) = version { answer.version(version) } else { answer }
            }
            Outcome::Done { version, tag, commit, archive, .. } => {
                let mut body = Map::from_iter([("message".to_owned(), Value::from(self.message))]);
                body.extend(more);
                body.extend(archive.map(|archive| ("archive".to_owned(), Value::from(archive))));
                let answer = Answer::json(self.status, &body).version(version).commit(commit);
                answer.tags(tag)
            }
        }
    }
}

pub async fn read(call: Call) -> Reply {
    if let Some(shown) = moment::shown(&call, Scope::Set(call.kind()?)).await? {
        return Answer::read(shown, &call.conditions);
    }
    Ok(Answer::read(call.registry().set(call.configuration(), call.kind()?)?, &call.conditions)?.shared())
}

pub async fn create(call: Call) -> Reply {
    let (kind, write) = (call.kind()?, call.write());
    let outcome = call.registry().create_set(call.configuration(), kind, call.body.clone(), write).await?;
    Ok(CREATED.answer(outcome).location(call.path()))
}

pub async fn update(call: Call) -> Reply {
    let (kind, write) = (call.kind()?, call.write());
    let mode = if call.query.text("mode") == Some(MERGE) { Mode::Merge } else { Mode::Replace };
    let outcome =
        call.registry().update_set(call.configuration(), kind, mode, call.body.clone(), write).await?;
    Ok(UPDATED.answer(outcome))
}

pub async fn delete(call: Call) -> Reply {
    let (kind, write) = (call.kind()?, call.write());
    let outcome = call.registry().delete_set(call.configuration(), kind, write).await?;
    Ok(DELETED.answer(outcome))
}
