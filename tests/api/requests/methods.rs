//! `HEAD` wherever `GET` is, `OPTIONS` everywhere, 405 for the rest.

use std::collections::BTreeMap;

use super::{routes, server_with_entries};
use crate::support::Answer;

/// Routes that are about the service rather than a configuration.
const OPERATIONS: [&str; 5] = ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs"];

/// The methods that `Allow` names, sorted.
#[track_caller]
fn allowed(answer: &Answer) -> Vec<String> {
    let allow = answer.header("allow").unwrap_or_else(|| panic!("no Allow in\n{answer:?}"));
    let mut methods: Vec<String> = allow.split(',').map(|method| method.trim().to_owned()).collect();
    methods.sort();
    methods
}

/// The methods of a route as `Allow` must name them: sorted, with `OPTIONS` among them.
fn with_options(methods: &[&str]) -> Vec<String> {
    let mut methods: Vec<String> =
        methods.iter().chain(&["OPTIONS"]).map(|method| method.to_string()).collect();
    methods.sort();
    methods
}

/// The headers that an answer would have again if the same were asked again.
fn lasting_headers(answer: &Answer) -> BTreeMap<String, String> {
    let changing = ["date", "x-request-id", "connection"];
    let headers = answer.headers.iter().filter(|(name, _)| !changing.contains(&name.as_str()));
    headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

#[test]
fn head_answers_as_get_without_the_body() {
    let (server, version) = server_with_entries();
    let client = server.client();
    let present =
        routes(&version).into_iter().filter(|(_, methods)| methods.contains(&"GET")).map(|(route, _)| route);
    let missing =
        ["/conf/prod/backend-services/nobody", "/conf/configs/nowhere", "/nothing"].map(str::to_owned);
    for route in present.chain(missing).chain(["/openapi.json".to_owned(), "/health/live".to_owned()]) {
        let get = client.get(&route);
        let head = client.request("HEAD", &route).send();
        assert_eq!(head.status, get.status, "{head:?}");
        assert!(head.body.is_empty(), "{head:?}");
        assert_eq!(lasting_headers(&head), lasting_headers(&get), "{route}");
    }
}

#[test]
fn head_is_served_beside_every_get_of_the_services_own_pages() {
    let (server, _) = server_with_entries();
    let client = server.client();
    for path in OPERATIONS {
        let head = client.request("HEAD", path).unchecked().send().expect(200);
        assert!(head.body.is_empty(), "{head:?}");
    }
}

#[test]
fn options_tells_what_a_route_can() {
    let (server, version) = server_with_entries();
    let client = server.client();
    for (route, methods) in routes(&version) {
        for prefix in ["", "/api/v4.0"] {
            let answer = client.request("OPTIONS", &format!("{prefix}{route}")).send();
            assert!(matches!(answer.status, 200 | 204), "{answer:?}");
            assert_eq!(allowed(&answer), with_options(methods), "{route}");
        }
    }
    for path in OPERATIONS {
        let answer = client.request("OPTIONS", path).unchecked().send();
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
        assert_eq!(allowed(&answer), with_options(&["GET", "HEAD"]), "{path}");
    }
}

#[test]
fn a_method_that_a_route_has_not_is_405_and_allow_names_those_it_has() {
    let (server, version) = server_with_entries();
    let client = server.client();
    let before = server.git().refs();
    for (route, methods) in routes(&version) {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW"] {
            if !methods.contains(&method) {
                let answer = client.request(method, &route).send().expect_error(405);
                assert_eq!(allowed(&answer), with_options(methods), "{method} {route}");
            }
        }
    }
    for path in OPERATIONS {
        for method in ["POST", "PUT", "DELETE"] {
            client.request(method, path).unchecked().send().expect(405);
        }
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_method_is_looked_at_before_the_body_and_the_query() {
    let (server, _) = server_with_entries();
    let client = server.client();
    let path = "/conf/prod/backend-services/versions?nonsense=1";
    client.request("POST", path).header("Content-Type", "text/plain").body("{").send().expect_error(405);
    client.request("PATCH", path).body("{").send().expect_error(405);
}
