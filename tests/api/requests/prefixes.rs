//! The same routes under each prefix, and nothing anywhere else.

use super::{routes, server_with_entries};
use crate::support::Server;
use crate::support::documents::{completed_service, service};

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn every_route_is_served_under_every_prefix() {
    let (server, version) = server_with_entries();
    let client = server.client();
    for (route, methods) in routes(&version).iter().filter(|(_, methods)| methods.contains(&"GET")) {
        let answers =
            ["", "/api/v4.0", "/api/v4.3"].map(|prefix| client.get(&format!("{prefix}{route}")).expect(200));
        for answer in &answers[1..] {
            assert_eq!(answer.body, answers[0].body, "{route} {methods:?}");
            assert_eq!(answer.etag(), answers[0].etag());
        }
    }
}

#[test]
fn what_is_written_under_one_prefix_is_read_under_the_others() {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("/api/v4.0{SERVICES}/web"), &service("web")).expect(201);
    assert_eq!(client.get(&format!("{SERVICES}/web")).expect(200).json(), completed_service("web"));
    let version = client.delete(&format!("/api/v4.3{SERVICES}/web")).expect(200).version();
    client.get(&format!("/api/v4.0{SERVICES}/web")).expect_error(404);
    assert_eq!(client.get(&format!("/api/v4.0{SERVICES}")).version(), version);
}

#[test]
fn the_prefixes_are_a_setting() {
    let server = Server::builder().config("[http]\nprefixes = [\"/config/v1\", \"/second\"]\n").start();
    let client = server.client();
    let created = client.post(&format!("/config/v1{SERVICES}/web"), &service("web")).expect(201);
    assert_eq!(created.location(), format!("/config/v1{SERVICES}/web"));
    client.get(&format!("/second{SERVICES}/web")).expect(200);
    client.get("/second/conf/configs").expect(200);
    for prefix in ["", "/api/v4.0", "/api/v4.3", "/config", "/config/v1/second"] {
        client.get(&format!("{prefix}{SERVICES}")).expect_error(404);
        client.get(&format!("{prefix}/conf/configs")).expect_error(404);
    }
}

#[test]
fn what_is_no_route_is_404_in_the_services_own_shape() {
    let (server, version) = server_with_entries();
    let client = server.client();
    let unknown = [
        "/nothing".to_owned(),
        "/conf".to_owned(),
        "/conf/prod".to_owned(),
        "/conf/prod/frontend-services".to_owned(),
        "/conf/prod/backend-services/web/edit".to_owned(),
        "/conf/prod/backend-services/web/versions/x/y/z".to_owned(),
        "/conf/configs/prod/backend-services".to_owned(),
        format!("{SERVICES}/versions/{version}/undo"),
        "/CONF/prod/backend-services".to_owned(),
        "/api".to_owned(),
        "/api/v4.0".to_owned(),
        "/api/v9.9/conf/configs".to_owned(),
        "/health".to_owned(),
        "//conf/configs".to_owned(),
        "/conf//backend-services".to_owned(),
        "/conf/prod//backend-services".to_owned(),
    ];
    for path in &unknown {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            client.request(method, path).send().expect_error(404);
        }
    }
}

#[test]
fn a_trailing_slash_is_404_and_the_message_says_so() {
    let (server, version) = server_with_entries();
    let client = server.client();
    let before = server.git().refs();
    for (route, methods) in routes(&version) {
        for prefix in ["", "/api/v4.0"] {
            for method in methods.iter().filter(|method| **method != "HEAD") {
                let answer = client.request(method, &format!("{prefix}{route}/")).send();
                assert!(answer.expect_error(404).message().contains("slash"), "{method} {route}/");
            }
        }
    }
    assert_eq!(server.git().refs(), before);
}
