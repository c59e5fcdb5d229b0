//! One answer of the service, with the questions that tests ask of it.

use std::fmt;

use serde_json::Value;
use ureq::http::HeaderMap;

#[derive(Clone)]
pub struct Answer {
    /// What was asked, so that a failing test says it.
    pub asked: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// Panics with the whole answer unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "the status is not the expected one:\n{self:?}");
        self
    }

    /// An error in the service's own shape: `{"code", "message", …}`.
    #[track_caller]
    pub fn expect_error(self, status: u16) -> Self {
        let answer = self.expect(status);
        let body = answer.json();
        assert_eq!(body["code"], status, "`code` repeats the status:\n{answer:?}");
        assert!(
            body["message"].as_str().is_some_and(|text| !text.is_empty()),
            "an error says why:\n{answer:?}"
        );
        answer
    }

    /// A 422 whose faults are exactly these, in any order: the location as JSON text, and the type.
    #[track_caller]
    pub fn expect_faults(self, expected: &[(&str, &str)]) -> Self {
        let answer = self.expect_error(422);
        let mut found = answer.faults();
        found.sort();
        let mut expected: Vec<_> =
            expected.iter().map(|(loc, kind)| (loc.to_string(), kind.to_string())).collect();
        expected.sort();
        assert_eq!(found, expected, "the faults are not the expected ones:\n{answer:?}");
        answer
    }

    /// The faults of a 422 as pairs of location (compact JSON text, such as `["body","id"]`) and type.
    #[track_caller]
    pub fn faults(&self) -> Vec<(String, String)> {
        let body = self.json();
        let detail = body["detail"].as_array().unwrap_or_else(|| panic!("no list of faults in\n{self:?}"));
        detail
            .iter()
            .map(|fault| (fault["loc"].to_string(), fault["type"].as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("the body is not JSON ({error}):\n{self:?}"))
    }

    /// The body's `message`.
    #[track_caller]
    pub fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_else(|| panic!("no message in\n{self:?}")).to_owned()
    }

    /// The body's `items`.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        self.json()["items"].as_array().unwrap_or_else(|| panic!("no items in\n{self:?}")).clone()
    }

    /// The `version` of each of the body's items: for lists of versions.
    #[track_caller]
    pub fn versions(&self) -> Vec<String> {
        self.items()
            .iter()
            .map(|item| item["version"].as_str().expect("each item has a version").to_owned())
            .collect()
    }

    /// The body's `total`.
    #[track_caller]
    pub fn total(&self) -> u64 {
        self.json()["total"].as_u64().unwrap_or_else(|| panic!("no total in\n{self:?}"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    fn needed(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("the answer has no {name}:\n{self:?}"))
    }

    /// The entity tag as it was sent, quotes and all: what goes into `If-Match`.
    #[track_caller]
    pub fn etag(&self) -> String {
        self.needed("etag").to_owned()
    }

    /// The git object id inside the entity tag.
    #[track_caller]
    pub fn object(&self) -> String {
        let tag = self.needed("etag");
        let id = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default();
        let is_id = id.len() == 40 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        assert!(is_id, "the entity tag {tag} is not a strong one with an object id:\n{self:?}");
        id.to_owned()
    }

    /// The commit that the answer was given from.
    #[track_caller]
    pub fn version(&self) -> String {
        self.needed("revconf-version").to_owned()
    }

    /// Path and query of the next page, from `Link`.
    #[track_caller]
    pub fn next_page(&self) -> Option<String> {
        let link = self.header("link")?;
        let (target, parameters) = link
            .strip_prefix('<')
            .and_then(|rest| rest.split_once('>'))
            .unwrap_or_else(|| panic!("a Link that names no target: {link}"));
        assert_eq!(
            parameters.replace(' ', ""),
            ";rel=\"next\"",
            "the only link is the one to the next page: {link}"
        );
        Some(path_of(target))
    }

    /// Path and query of `Location`.
    #[track_caller]
    pub fn location(&self) -> String {
        path_of(self.needed("location"))
    }
}

/// A reference may be absolute or begin at the path; tests need the path.
fn path_of(reference: &str) -> String {
    match reference.split_once("://") {
        Some((_, rest)) => rest[rest.find('/').expect("an absolute reference has a path")..].to_owned(),
        None => reference.to_owned(),
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}\n→ {}", self.asked, self.status)?;
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(4000).collect();
        write!(out, "\n{shown}")?;
        if shown.len() < body.len() {
            write!(out, "… ({} bytes in all)", body.len())?;
        }
        Ok(())
    }
}
