//! Which forms of an answer a client takes (RFC 9110 section 12.5.1).

use actix_web::http::header::{Accept, Header, Quality, QualityItem};
use actix_web::{HttpMessage, mime};

/// What a client takes, as far as this service has a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// JSON is taken.
    pub json: bool,
    /// Errors are wanted as RFC 9457 has them.
    pub problem: bool,
}

/// Reads `Accept`. Nothing, or something that cannot be read, means anything.
pub fn read(request: &impl HttpMessage) -> Taken {
    let accept = Accept::parse(request).ok().filter(|accept| !accept.0.is_empty());
    let Some(Accept(items)) = accept else {
        return Taken { json: true, problem: false };
    };
    let problem = items.iter().any(|item| is_problem(item) && item.quality > actix_web::http::header::q(0.0));
    Taken { json: problem || takes_json(&items), problem }
}

/// Whether a text diff is taken, and rather than JSON. Who takes anything gets JSON.
pub fn prefers_diff(request: &impl HttpMessage) -> bool {
    let Ok(Accept(items)) = Accept::parse(request) else { return false };
    let (diff, json) = (rank(&items, mime::TEXT, "x-diff"), rank(&items, mime::APPLICATION, "json"));
    let (_, quality) = diff;
    // Of two that are as welcome, the one that is named more exactly is meant.
    let by_quality = |(specificity, quality): (u8, Quality)| (quality, specificity);
    quality > actix_web::http::header::q(0.0) && by_quality(diff) > by_quality(json)
}

/// Whether a stream of events is taken. Nothing, or something that cannot be read, means anything.
pub fn takes_events(request: &impl HttpMessage) -> bool {
    let accept = Accept::parse(request).ok().filter(|accept| !accept.0.is_empty());
    accept.is_none_or(|Accept(items)| {
        rank(&items, mime::TEXT, "event-stream").1 > actix_web::http::header::q(0.0)
    })
}

/// How exactly the most specific range names a media type, and how welcome that is.
fn rank(items: &[QualityItem<mime::Mime>], kind: mime::Name<'_>, subtype: &str) -> (u8, Quality) {
    let specificity = |range: &mime::Mime| match (range.type_(), range.subtype()) {
        (mime::STAR, mime::STAR) => Some(0),
        (found, mime::STAR) if found == kind => Some(1),
        (found, sub) if found == kind && sub == subtype => Some(2),
        _ => None,
    };
    let ranges = items.iter().filter_map(|item| Some((specificity(&item.item)?, item.quality)));
    ranges.max_by_key(|(specificity, _)| *specificity).unwrap_or((0, actix_web::http::header::q(0.0)))
}

fn is_problem(item: &QualityItem<mime::Mime>) -> bool {
    item.item.essence_str() == "application/problem+json"
}

/// The most specific range that covers JSON decides.
fn takes_json(items: &[QualityItem<mime::Mime>]) -> bool {
    rank(items, mime::APPLICATION, "json").1 > actix_web::http::header::q(0.0)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_diff_is_text_for_who_asks_for_that() {
        let prefers = |accept: &str| {
            prefers_diff(&TestRequest::default().insert_header(("accept", accept)).to_http_request())
        };
        for accept in [
            "text/x-diff",
            "text/*",
            "text/x-diff, */*",
            "application/json;q=0.5, text/x-diff",
            "TEXT/X-Diff",
        ] {
            assert!(prefers(accept), "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "text/x-diff, application/json",
            "text/x-diff;q=0.5, */*",
            "text/x-diff;q=0",
        ] {
            assert!(!prefers(accept), "{accept}");
        }
    }

    #[test]
    fn a_stream_of_events_is_for_who_takes_one() {
        let takes = |accept: &str| {
            takes_events(&TestRequest::default().insert_header(("accept", accept)).to_http_request())
        };
        for accept in ["", "*/*", "text/*", "text/event-stream", "application/json, text/event-stream;q=0.1"]
        {
            assert!(takes(accept), "{accept}");
        }
        for accept in ["application/json", "text/html", "text/event-stream;q=0, */*", "*/*;q=0"] {
            assert!(!takes(accept), "{accept}");
        }
    }

    fn taken(accept: &str) -> Taken {
        read(&TestRequest::default().insert_header(("accept", accept)).to_http_request())
    }

    #[test]
    fn ranges() {
        for accept in
            ["*/*", "application/*", "application/json", "text/html, */*;q=0.1", "application/json;q=0.5"]
        {
            assert_eq!(taken(accept), Taken { json: true, problem: false }, "{accept}");
        }
        for accept in ["text/html", "application/xml", "application/json;q=0", "application/json;q=0, */*"] {
            assert_eq!(taken(accept), Taken { json: false, problem: false }, "{accept}");
        }
        for accept in ["application/problem+json", "application/json, application/problem+json"] {
            assert_eq!(taken(accept), Taken { json: true, problem: true }, "{accept}");
        }
    }
}
