//! `?version=` and `?at=`: reads of a state that need not be the newest.

use super::call::Call;
use super::failure::Failure;
use crate::registry::{Moment, Scope, Shown};

/// The state that a read asks for, where that is not the newest.
///
/// # Errors
/// `version` and `at` are both there, or `at` is no time.
pub fn of(call: &Call) -> Result<Option<Moment>, Failure> {
    let bad = |reason: String| Err(Failure::BadParameter { name: "at", reason });
    let query = &call.query;
    match (query.text("version"), query.text("at"), query.time("at")) {
        (None, None, _) => Ok(None),
        (Some(version), None, _) => Ok(Some(Moment::Version(version.to_owned()))),
        (None, _, Some(time)) => Ok(Some(Moment::At(time))),
        (None, Some(text), None) => {
            bad(format!("must be a time such as 2026-01-31T12:00:00Z (RFC 3339), not {text:?}"))
        }
        (Some(_), Some(_), _) => {
            bad("cannot be there beside version: each of the two says which state is meant".to_owned())
        }
    }
}

/// What a read shows that asks for a moment; `None` where it asks for the newest state.
///
/// # Errors
/// Those of [`of`]; there is no such version, or the entry was not there.
pub async fn shown(call: &Call, scope: Scope<'_>) -> Result<Option<Shown>, Failure> {
    let Some(moment) = of(call)? else { return Ok(None) };
    let _looking = call.shared.bodies.look().await?;
    Ok(Some(call.registry().version(call.configuration(), scope, moment).await?))
}
