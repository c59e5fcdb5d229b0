//! `/conf/configs`

use actix_web::http::StatusCode;
use serde_json::json;

use super::answer::{Answer, Reply};
use super::call::Call;
use super::moment;
use super::sets::{CREATED, DELETED, UPDATED};
use crate::access::Role;

pub async fn list(call: Call) -> Reply {
    let records = call.registry().configurations(|name| call.caller().may(Role::Reader, name));
    let answer = Answer::json(StatusCode::OK, &json!({"total": records.len(), "items": records}));
    answer.tagged_by_body(&call.conditions)
}

pub async fn read(call: Call) -> Reply {
    let (record, version) = match moment::of(&call)? {
        Some(moment) => call.registry().describe_at(call.configuration(), moment).await?,
        None => call.registry().describe(call.configuration())?,
    };
    Answer::json(StatusCode::OK, &record).version(version).tagged(version.into(), &call.conditions)
}

pub async fn create(call: Call) -> Reply {
    let may_be_read = |name: &str| call.caller().may(Role::Reader, name);
    let (body, write) = (call.body.clone(), call.write());
    let outcome =
        call.registry().create_configuration(call.configuration(), body, write, may_be_read).await?;
    Ok(CREATED.answer(outcome).location(call.path()))
}

pub async fn update(call: Call) -> Reply {
    let outcome =
        call.registry().describe_configuration(call.configuration(), call.body.clone(), call.write()).await?;
    Ok(UPDATED.answer(outcome))
}

pub async fn delete(call: Call) -> Reply {
    let outcome = call.registry().delete_configuration(call.configuration(), call.write()).await?;
    Ok(DELETED.answer(outcome))
}
