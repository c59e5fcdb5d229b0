//! `/conf/{config}/transactions`

use serde_json::{Map, json};

use super::answer::Reply;
use super::call::Call;
use super::sets::APPLIED;

pub async fn apply(call: Call) -> Reply {
    let (body, write) = (call.body.clone(), call.write());
    let done = call.registry().transact(call.configuration(), body, write).await?;
    Ok(APPLIED.with(done.outcome, Map::from_iter([("items".to_owned(), json!(done.items))])))
}
