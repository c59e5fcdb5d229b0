//! `/openapi.json` is a valid and complete OpenAPI 3.1 document. That answers are as it says is checked with every
//! request of every test, by `support::conformance`.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::Server;
use crate::support::documents::service;
use crate::support::program::run;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

#[track_caller]
fn document() -> Value {
    serde_json::from_str(&run(&["openapi"]).expect_success().stdout).expect("the document is JSON")
}

/// All operations, each with its path and method.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("the document has paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |method| Some((path.as_str(), *method, item.get(method)?)))
        })
        .collect()
}

#[test]
fn the_document_is_valid() {
    let home = TempDir::new().expect("a temporary directory");
    let file = home.path().join("openapi.json");
    std::fs::write(&file, run(&["openapi"]).expect_success().stdout).expect("a file can be written");
    let validator = std::env::var("REVCONF_TEST_OPENAPI_VALIDATOR")
        .unwrap_or_else(|_| "openapi-spec-validator".to_owned());
    let output = match Command::new(&validator).arg(&file).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("the validator {validator} is not there: run tests/run, which installs it")
        }
        Err(error) => {
            panic!("the validator {validator} cannot be run ({error}): run tests/run, which installs it")
        }
    };
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn it_says_what_it_describes() {
    let document = document();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert!(document["info"]["title"].as_str().is_some_and(|title| !title.is_empty()));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_has_an_id_of_its_own_and_a_summary() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id =
            operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
        assert!(ids.insert(id), "{method} {path}: {id} stands twice");
        assert!(
            operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
            "{method} {path} has no summary"
        );
    }
    assert!(!ids.is_empty());
}

/// What a reference inside the document points at; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or_else(|| panic!("{pointer} points at nothing")),
        None => value,
    }
}

fn is_described(value: &Value) -> bool {
    value["description"].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn every_parameter_of_a_path_is_described() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let lists = [&document["paths"][path]["parameters"], &operation["parameters"]];
        let parameters: Vec<&Value> = lists
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(|parameter| resolved(&document, parameter))
            .collect();
        for name in path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
            let found =
                parameters.iter().find(|parameter| parameter["in"] == "path" && parameter["name"] == name);
            let parameter = found.unwrap_or_else(|| panic!("{method} {path} does not describe {name}"));
            assert_eq!(parameter["required"], true, "{method} {path}: {name}");
            assert!(is_described(parameter), "{method} {path}: {name} has no description");
        }
        for parameter in parameters {
            assert!(is_described(parameter), "{method} {path}: {} has no description", parameter["name"]);
        }
    }
}

#[test]
fn every_answer_is_described() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let responses =
            operation["responses"].as_object().unwrap_or_else(|| panic!("{method} {path} has no answers"));
        assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path} never succeeds");
        for (status, response) in responses {
            assert!(
                is_described(resolved(&document, response)),
                "{method} {path} {status} has no description"
            );
        }
    }
}

/// The routes of the contract, with the methods that must be described.
const ROUTES: [(&str, &[&str]); 18] = [
    ("/conf/configs", &["get"]),
    ("/conf/configs/prod", &["get", "post", "put", "delete"]),
    ("/conf/configs/prod/versions", &["get"]),
    ("/conf/configs/prod/versions/0123456", &["get"]),
    ("/conf/configs/prod/versions/0123456/revert", &["put"]),
    ("/conf/prod/backend-services", &["get", "post", "put", "delete"]),
    ("/conf/prod/backend-services/versions", &["get"]),
    ("/conf/prod/backend-services/versions/0123456", &["get"]),
    ("/conf/prod/backend-services/versions/0123456/revert", &["put"]),
    ("/conf/prod/backend-services/web", &["get", "post", "put", "delete"]),
    ("/conf/prod/backend-services/web/versions", &["get"]),
    ("/conf/prod/backend-services/web/versions/0123456", &["get"]),
    ("/conf/prod/backend-services/web/versions/0123456/revert", &["put"]),
    ("/health/live", &["get"]),
    ("/health/ready", &["get"]),
    ("/metrics", &["get"]),
    ("/openapi.json", &["get"]),
    ("/docs", &["get"]),
];

#[test]
fn every_route_is_described() {
    let server = Server::start();
    let client = server.client();
    let openapi = client.openapi();
    for (route, methods) in ROUTES {
        let template = openapi.template(route).unwrap_or_else(|| panic!("{route} is not described"));
        for method in methods {
            assert!(
                openapi.document["paths"][template][method].is_object(),
                "{method} {route} is not described"
            );
        }
    }
}

#[test]
fn every_described_route_answers_under_every_prefix() {
    let server = Server::start();
    let client = server.client();
    let version = client.post("/conf/prod/backend-services/web", &service("web")).expect(201).version();
    let document = client.openapi().document.clone();
    let templates = document["paths"].as_object().expect("the document has paths").keys();
    let mut routes = BTreeSet::new();
    for template in templates {
        let route =
            template.replace("{config}", "prod").replace("{id}", "web").replace("{version}", &version);
        if let Some(at) = route.find("/conf/") {
            routes.insert(route[at..].to_owned());
        }
    }
    assert!(routes.len() >= 13, "{routes:?}");
    for route in routes.iter().filter(|route| !route.contains('{')) {
        let allowed = ["", "/api/v4.0", "/api/v4.3"].map(|prefix| {
            let answer = client.request("OPTIONS", &format!("{prefix}{route}")).send();
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            answer.header("allow").map(str::to_owned)
        });
        assert!(
            allowed[0].is_some() && allowed[0] == allowed[1] && allowed[0] == allowed[2],
            "{route}: {allowed:?}"
        );
    }
}
