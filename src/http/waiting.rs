//! `Prefer: wait=N` (RFC 7240 section 4.3) on conditional reads: the answer is held until it is another one.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};
use tokio::time::{Instant, timeout_at};

use super::admission;
use super::answer::Reply;
use super::call::Call;

/// What clients say.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// In seconds: nobody waits longer.
const LONGEST: u64 = 300;

/// How long a read may wait, in seconds. Only one that names what it knows can be told that this is still so.
pub fn asked(request: &HttpRequest, call: &Call) -> Option<u64> {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let conditional = reads && call.conditions.if_none_match.is_some();
    conditional.then(|| wait(request.headers())).flatten()
}

/// Section 2: what is malformed or unknown is passed over, and the first of its name counts.
fn wait(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
    let preferences = lines.flat_map(|line| line.split(','));
    let mut waits = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    });
    let seconds = waits.next()?;
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| seconds.parse().map_or(LONGEST, |seconds: u64| seconds.min(LONGEST)))
}

/// Answers a read when there is something new, or `seconds` have passed.
///
/// # Errors
/// Those of the read.
pub async fn answer<R: Future<Output = Reply>>(
    handler: impl Fn(Call) -> R,
    call: Call,
    configuration: Option<&str>,
    seconds: u64,
) -> Reply {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        // From here on a change is noticed, so none can come between the look and the wait. It is begun anew for each look:
        // what was waited for may have gone, and come again under the same name.
        let mut waiter = call.registry().wait_for_change(configuration);
        let answer = handler(call.clone()).await?;
        if !answer.is_not_modified() {
            return Ok(answer.waited(seconds));
        }
        metrics::gauge!("revconf_waiting").increment(1);
        let outcome = timeout_at(end, waiter.changed()).await;
        metrics::gauge!("revconf_waiting").decrement(1);
        match outcome {
            Ok(true) => admission::admit_again(&call).await?,
            Ok(false) | Err(_) => return Ok(answer.waited(seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(lines: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        lines.iter().for_each(|line| headers.append(PREFER, HeaderValue::from_static(line)));
        wait(&headers)
    }

    #[test]
    fn what_is_asked_for() {
        for (lines, seconds) in [
            (&["wait=10"][..], Some(10)),
            (&["respond-async, Wait = \"7\"; x=y"], Some(7)),
            (&["return=minimal", "wait=3, wait=4"], Some(3)),
            (&["wait=100000"], Some(300)),
            (&["wait=99999999999999999999999999"], Some(300)),
            (&["wait=0"], Some(0)),
            (&["wait"], None),
            (&["wait="], None),
            (&["wait=-1"], None),
            (&["wait=1.5"], None),
            (&["await=1"], None),
            (&[], None),
        ] {
            assert_eq!(read(lines), seconds, "{lines:?}");
        }
    }
}
