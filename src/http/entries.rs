//! `/conf/{config}/{kind}/{id}`

use super::answer::{Answer, Reply};
use super::call::Call;
use super::moment;
use super::sets::{CREATED, DELETED, UPDATED};
use crate::registry::Scope;

pub async fn read(call: Call) -> Reply {
    if let Some(shown) = moment::shown(&call, Scope::Entry(call.kind()?, call.parameter("id"))).await? {
        return Answer::read(shown, &call.conditions);
    }
    Ok(Answer::read(call.registry().entry(call.place()?)?, &call.conditions)?.shared())
}

pub async fn create(call: Call) -> Reply {
    let outcome = call.registry().create_entry(call.place()?, call.body.clone(), call.write()).await?;
    Ok(CREATED.answer(outcome).location(call.path()))
}

pub async fn update(call: Call) -> Reply {
    let outcome = call.registry().update_entry(call.place()?, call.body.clone(), call.write()).await?;
    Ok(UPDATED.answer(outcome))
}

pub async fn delete(call: Call) -> Reply {
    let outcome = call.registry().delete_entry(call.place()?, call.write()).await?;
    Ok(DELETED.answer(outcome))
}
