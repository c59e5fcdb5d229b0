//! Azure's dialect: `/conf/{config}/backends`, and `/backends` at the root, as an Azure client uses them.

mod concurrency;
mod conditional_reads;
mod conditional_writes;
mod documents;
mod dry_run;
mod entities;
mod errors;
mod errors_at_the_edge;
mod filter;
mod filter_bounds;
mod filter_faults;
mod filter_model;
mod history;
mod ids;
mod json;
mod options;
mod order_of_checks;
mod pages;
mod patches;
mod places;
mod reverts;
mod statuses;
mod test_configuration;
mod two_kinds;

use serde_json::{Value, json};

use crate::support::documents::encoded;
use crate::support::{Answer, Client, Server};

const BACKENDS: &str = "/conf/prod/backends";
const XYZ: &str = "/conf/prod/backends/xyz";
const HOST: &str = "backend.contoso.com";

/// A tag that nothing ever had.
const STALE: &str = "\"0123456789abcdef0123456789abcdef01234567\"";

/// The least that a backend must have.
fn contoso() -> Value {
    json!({"host": HOST})
}

/// A backend as it is answered.
fn entity(id: &str, host: &str, skips: bool) -> Value {
    json!({"id": format!("/backends/{id}"), "host": host, "skipCertificateChainValidation": skips})
}

/// A backend as its file has it.
fn document(id: &str, host: &str, skips: bool) -> Value {
    json!({"id": id, "host": host, "skipCertificateChainValidation": skips})
}

/// The path of a backend of `prod`.
fn path(id: &str) -> String {
    format!("{BACKENDS}/{}", encoded(id))
}

#[track_caller]
fn create(client: &Client, id: &str, host: &str) -> Answer {
    client.put(&path(id), &json!({"host": host})).expect(201)
}

#[track_caller]
fn patch(client: &Client, path: &str, tag: &str, change: &Value) -> Answer {
    client.request("PATCH", path).if_match(tag).json(change).send()
}

#[track_caller]
fn delete(client: &Client, path: &str, tag: &str) -> Answer {
    client.request("DELETE", path).if_match(tag).send()
}

/// The list of `prod` through this filter.
#[track_caller]
fn filtered(client: &Client, filter: &str) -> Answer {
    client.get(&format!("{BACKENDS}?$top=1000&$filter={}", encoded(filter)))
}

/// A server with the backend `xyz`.
#[track_caller]
fn server_with_xyz() -> Server {
    let server = Server::start();
    create(&server.client(), "xyz", HOST);
    server
}

/// The questions that only answers of this dialect are asked.
trait Azure: Sized {
    /// An error in Azure's shape, with this status and code.
    fn refused(self, status: u16, code: &str) -> Self;

    /// A 400 whose details are exactly these, in any order: the target, and the detail's code.
    fn refused_for(self, details: &[(&str, &str)]) -> Self;

    /// The targets and codes of an error's details.
    fn details(&self) -> Vec<(String, String)>;

    /// All that an error says in words.
    fn said(&self) -> String;

    /// The bare ids of a list.
    fn ids(&self) -> Vec<String>;

    /// How many match, over all pages.
    fn count(&self) -> u64;
}

const DETAIL_CODES: [&str; 14] = [
    "Missing",
    "ExtraForbidden",
    "StringType",
    "StringTooShort",
    "StringTooLong",
    "BoolType",
    "IntType",
    "OutOfRange",
    "Enum",
    "Format",
    "Duplicate",
    "ObjectType",
    "Mismatch",
    "Json",
];

fn members(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

impl Azure for Answer {
    #[track_caller]
    fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        let body = answer.json();
        assert_eq!(members(&body), ["error"], "{answer:?}");
        let error = &body["error"];
        assert_eq!(members(error), ["code", "message", "details"], "{answer:?}");
        assert_eq!(error["code"], code, "{answer:?}");
        assert!(is_text(&error["message"]), "an error says why:\n{answer:?}");
        for detail in error["details"].as_array().unwrap_or_else(|| panic!("no details in\n{answer:?}")) {
            assert_eq!(members(detail), ["code", "target", "message"], "{answer:?}");
            let known = detail["code"].as_str().is_some_and(|code| DETAIL_CODES.contains(&code));
            assert!(known && is_text(&detail["target"]) && is_text(&detail["message"]), "{answer:?}");
        }
        answer
    }

    #[track_caller]
    fn refused_for(self, details: &[(&str, &str)]) -> Self {
        let answer = self.refused(400, "ValidationError");
        let mut found = answer.details();
        found.sort();
        let mut expected: Vec<_> =
            details.iter().map(|(target, code)| (target.to_string(), code.to_string())).collect();
        expected.sort();
        assert_eq!(found, expected, "the details are not the expected ones:\n{answer:?}");
        answer
    }

    fn details(&self) -> Vec<(String, String)> {
        let body = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let details = body["error"]["details"].as_array().into_iter().flatten();
        details.map(|detail| (text(&detail["target"]), text(&detail["code"]))).collect()
    }

    fn said(&self) -> String {
        let error = &self.json()["error"];
        let details = error["details"].as_array().into_iter().flatten();
        let words: Vec<&str> =
            [error].into_iter().chain(details).filter_map(|part| part["message"].as_str()).collect();
        words.join("\n")
    }

    #[track_caller]
    fn ids(&self) -> Vec<String> {
        let body = self.json();
        let value = body["value"].as_array().unwrap_or_else(|| panic!("no value in\n{self:?}"));
        let bare = |entity: &Value| {
            entity["id"].as_str().and_then(|id| id.strip_prefix("/backends/").map(str::to_owned))
        };
        value.iter().map(|entity| bare(entity).unwrap_or_else(|| panic!("no id in {entity}"))).collect()
    }

    #[track_caller]
    fn count(&self) -> u64 {
        self.json()["count"].as_u64().unwrap_or_else(|| panic!("no count in\n{self:?}"))
    }
}
