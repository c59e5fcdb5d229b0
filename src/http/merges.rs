//! `/conf/{config}/merge`

use serde_json::{Map, Value, json};

use super::answer::Reply;
use super::call::Call;
use super::sets::{MERGED, NOTHING};
use crate::access::Role;
use crate::registry::Side;

/// The words of the parameter `prefer`.
pub const SIDES: [&str; 2] = ["theirs", "ours"];

pub async fn merge(call: Call) -> Reply {
    let prefer = call.query.text("prefer").map(|word| match word == SIDES[0] {
        true => Side::Theirs,
        false => Side::Ours,
    });
    let may_be_read = |name: &str| call.caller().may(Role::Reader, name);
    let (body, write) = (call.body.clone(), call.write());
    let merged = call.registry().merge(call.configuration(), body, prefer, write, may_be_read).await?;
    let more = Map::from_iter([
        ("from".to_owned(), merged.from.to_string().into()),
        ("base".to_owned(), merged.base.map_or(Value::Null, |base| base.to_string().into())),
        ("items".to_owned(), json!(merged.items)),
    ]);
    let done = if merged.nothing { NOTHING } else { MERGED };
    Ok(done.with(merged.outcome, more))
}
