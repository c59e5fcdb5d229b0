//! Which forms of an answer a client takes (RFC 9110 section 12.5.1).

use actix_web::http::header::{Accept, Header, QualityItem};
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

fn is_problem(item: &QualityItem<mime::Mime>) -> bool {
    item.item.essence_str() == "application/problem+json"
}

/// The most specific range that covers JSON decides.
fn takes_json(items: &[QualityItem<mime::Mime>]) -> bool {
    let specificity = |range: &mime::Mime| match (range.type_(), range.subtype()) {
        (mime::STAR, mime::STAR) => Some(0),
        (mime::APPLICATION, mime::STAR) => Some(1),
        (mime::APPLICATION, mime::JSON) => Some(2),
        _ => None,
    };
    let ranges = items.iter().filter_map(|item| Some((specificity(&item.item)?, item.quality)));
    ranges
        .max_by_key(|(specificity, _)| *specificity)
        .is_some_and(|(_, quality)| quality > actix_web::http::header::q(0.0))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

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
