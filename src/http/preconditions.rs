//! Reading `If-Match` and `If-None-Match` (RFC 9110 section 13.1).

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};

use super::failure::Failure;
use crate::registry::{Conditions, ObjectId, Tags};

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
    parse(&lines.join(","), weakly, quoted_star)
        .map(Some)
        .map_err(|reason| Failure::BadHeader { name: shown, reason })
}

/// `*`, or a list of entity tags. Tags that are no object ids can match nothing and are left out, and so are weak ones
/// unless `weakly`.
fn parse(text: &str, weakly: bool, quoted_star: bool) -> Result<Tags, String> {
    if text.trim() == "*" {
        return Ok(Tags::Any);
    }
    let mut ids = Vec::new();
    let (mut seen, mut any) = (false, false);
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        // Section 5.6.1: empty elements of a list are passed over.
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            continue;
        }
        let (weak, quoted) = match rest.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, rest),
        };
        let (tag, after) = quoted
            .strip_prefix('"')
            .and_then(|opened| opened.split_once('"'))
            .ok_or_else(|| format!("expected * or an entity tag in double quotes at {:?}", clip(rest)))?;
        seen = true;
        any |= quoted_star && !weak && tag == "*";
        if weakly || !weak {
            ids.extend(ObjectId::from_hex(tag));
        }
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return Err(format!("expected a comma at {:?}", clip(rest)));
        }
    }
    if any {
        return Ok(Tags::Any);
    }
    if seen { Ok(Tags::These(ids)) } else { Err("it is empty".to_owned()) }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    const B: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn these(hex: &[&str]) -> Tags {
        Tags::These(hex.iter().filter_map(|hex| ObjectId::from_hex(hex)).collect())
    }

    #[test]
    fn lists_of_tags() {
        assert_eq!(parse(" * ", false, false), Ok(Tags::Any));
        assert_eq!(parse(&format!("\"{A}\""), false, false), Ok(these(&[A])));
        assert_eq!(parse(&format!(", \"{A}\" ,,\"x,y\", \"{B}\""), false, false), Ok(these(&[A, B])));
        assert_eq!(parse(&format!("W/\"{A}\", \"{B}\""), false, false), Ok(these(&[B])));
        assert_eq!(parse(&format!("W/\"{A}\", \"{B}\""), true, false), Ok(these(&[A, B])));
        assert_eq!(parse("\"\"", false, false), Ok(these(&[])));
    }

    #[test]
    fn a_quoted_star_is_a_star_where_azure_is_spoken() {
        assert_eq!(parse("\"*\"", false, true), Ok(Tags::Any));
        assert_eq!(parse(&format!("\"{A}\", \"*\""), false, true), Ok(Tags::Any));
        assert_eq!(parse("\"*\"", false, false), Ok(these(&[])));
    }

    #[test]
    fn malformed_lists() {
        for text in [A, "\"a", "a\"", "\"a\" \"b\"", "", ",", "w/\"a\"", "*, \"a\"", "\"a\", *", "'a'"] {
            assert!(parse(text, true, false).is_err(), "{text}");
        }
    }
}
