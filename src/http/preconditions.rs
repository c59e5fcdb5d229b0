//! Reading `If-Match` and `If-None-Match` (RFC 9110 section 13.1).

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use super::failure::Failure;
use crate::registry::{Conditions, Tags};

/// Reads both headers. Where `quoted_star`, `"*"` means what `*` means: Azure's documentation writes it so.
///
/// # Errors
/// A header that is malformed. To ignore it would make a write unconditional that was not meant so.
pub fn read(headers: &HeaderMap, quoted_star: bool) -> Result<Conditions, Failure> {
    // Section 13.1.1 has If-Match compare strongly, section 13.1.2 has If-None-Match compare weakly.
    Ok(Conditions {
        if_match: tags(headers, &IF_MATCH, "If-Match", false, quoted_star)?,
        if_none_match: tags(headers, &IF_NONE_MATCH, "If-None-Match", true, quoted_star)?,
    })
}

fn tags(
    headers: &HeaderMap,
    name: &HeaderName,
    shown: &'static str,
    weakly: bool,
    quoted_star: bool,
) -> Result<Option<Tags>, Failure> {
    let mut lines = Vec::new();
    for value in headers.get_all(name) {
        let text = value
            .to_str()
            .map_err(|_| Failure::BadHeader { name: shown, reason: "an entity tag is ASCII".to_owned() })?;
        lines.push(text);
    }
    if lines.is_empty() {
        return Ok(None);
    }
    Tags::parse(&lines.join(","), weakly, quoted_star)
        .map(Some)
        .map_err(|reason| Failure::BadHeader { name: shown, reason })
}
